package call

import (
	"context"
	"errors"
	"sync"
	"time"

	"tierline/acd"
	"tierline/call/registrar"
	"tierline/call/sipua"
	"tierline/routing/trunk"
)

// proofs are the digests that peers of trunks are asked for, one for each realm.
// What they remember of failures and nonces is the registrar's way.
type proofs struct {
	mu    sync.Mutex
	realm map[string]*registrar.Registrar
}

// identity is a realm's user and what he knows.
type identity struct{ realm, user, md5, sha256 string }

// identity is what the peer of a trunk has to prove; false: this node doesn't
// know, and nothing will do.
func (s *Switch) identity(gen *Generation, t trunk.Trunk) (id identity, ok bool) {
	if t.Auth.Account == "" {
		id = identity{realm: t.Auth.Realm, user: t.Auth.Username}
		id.md5, id.sha256 = gen.TrunkSecret(t.Name)
		return id, true
	}
	a, ok := s.cfg.Accounts[t.Auth.Account]
	id = identity{realm: a.Realm, user: a.Username}
	id.md5, id.sha256 = registrar.HA1(a.Username, a.Realm, a.Password)
	return id, ok
}

// Prove says whether an INVITE is let in. A trunk with auth is known by its
// source and its proof, or by the proof alone if it has no sources.
func (s *Switch) Prove(p sipua.Proof) sipua.Verdict {
	gen := s.cfg.Services.Current()
	if gen == nil || isFeature(p.Number) || s.isPhoneOf(p.From, p.Source) {
		return sipua.Verdict{} // agents prove themselves otherwise
	}
	t, known := s.trunkOf(gen, p.Source, p.Line)
	if known && !t.Proves() {
		return sipua.Verdict{}
	}
	realm := strangersRealm(gen)
	if known {
		id, ok := s.identity(gen, t)
		if !ok {
			s.unproven(t.Name, "this node's settings lack the account "+t.Auth.Account)
			return sipua.Verdict{Status: 403}
		}
		realm = id.realm
	}
	if realm == "" {
		return sipua.Verdict{}
	}
	return s.judge(gen, t, realm, p)
}

// judge looks at what a caller of t, or a stranger, proves in a realm.
func (s *Switch) judge(gen *Generation, t trunk.Trunk, realm string, p sipua.Proof) sipua.Verdict {
	user, challenge, err := s.digest(realm).Authenticate("INVITE", p.URI, p.Authorization, p.Source, p.UserAgent)
	switch {
	case errors.Is(err, registrar.ErrMalformed):
		return sipua.Verdict{Status: 400}
	case errors.Is(err, registrar.ErrBanned):
		s.unproven(t.Name, "too many wrong passwords")
		return sipua.Verdict{Status: 403}
	case err != nil:
		if len(p.Authorization) > 0 {
			s.unproven(t.Name, "credentials are wrong or stale")
		}
		return sipua.Verdict{Status: 401, Challenge: challenge, Judged: errors.Is(err, registrar.ErrWrong)}
	}
	name, ok := s.provenTrunk(gen, realm, user)
	if !ok || t.Name != "" && name != t.Name {
		s.unproven(t.Name, "credentials are those of another trunk")
		return sipua.Verdict{Status: 403}
	}
	return sipua.Verdict{Trunk: name}
}

// unproven notes that a caller of a trunk was not let in.
func (s *Switch) unproven(name, why string) {
	s.stats.refuse("unproven")
	if name == "" {
		return // a stranger
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.trunkState(name)
	st.refused["unproven"]++
	st.fail("caller refused: " + why)
}

// strangersRealm is what callers from unknown addresses are asked for; "" they
// aren't.
func strangersRealm(gen *Generation) string {
	for _, t := range gen.Trunks.Trunks() {
		if t.FromAnywhere() {
			return t.Auth.Realm
		}
	}
	return ""
}

// provenTrunk is the trunk that a realm's user is.
func (s *Switch) provenTrunk(gen *Generation, realm, user string) (name string, ok bool) {
	for _, t := range gen.Trunks.Trunks() {
		if !t.Proves() {
			continue
		}
		if id, known := s.identity(gen, t); known && id.realm == realm && id.user == user {
			return t.Name, true
		}
	}
	return "", false
}

func (s *Switch) digest(realm string) *registrar.Registrar {
	s.proofs.mu.Lock()
	defer s.proofs.mu.Unlock()
	r := s.proofs.realm[realm]
	if r == nil {
		r = registrar.New(registrar.Config{
			Realm: func() string { return realm }, Node: s.cfg.Node, Accounts: peers{s, realm}, Bindings: nothingBound{},
			Logger: s.cfg.Log.With("part", "trunks"),
		})
		if s.proofs.realm == nil {
			s.proofs.realm = map[string]*registrar.Registrar{}
		}
		s.proofs.realm[realm] = r
	}
	return r
}

// peers knows the secrets of one realm's trunks.
type peers struct {
	s     *Switch
	realm string
}

// Secret implements registrar.Accounts.
func (p peers) Secret(user string) (ha1MD5, ha1SHA256 string, ok bool) {
	gen := p.s.cfg.Services.Current()
	if gen == nil {
		return "", "", false
	}
	for _, t := range gen.Trunks.Trunks() {
		if !t.Proves() {
			continue
		}
		if id, known := p.s.identity(gen, t); known && id.realm == p.realm && id.user == user {
			return id.md5, id.sha256, true
		}
	}
	return "", "", false
}

// nothingBound is a registrar's list that stays empty: peers of trunks prove
// themselves with each call and register nothing.
type nothingBound struct{}

var errNoRegister = errors.New("trunks don't register here")

// Put implements registrar.Bindings.
func (nothingBound) Put(context.Context, string, acd.Binding, time.Duration) error {
	return errNoRegister
}

// Remove implements registrar.Bindings.
func (nothingBound) Remove(context.Context, string, string) error { return errNoRegister }

// Of implements registrar.Bindings.
func (nothingBound) Of(string) []acd.Binding { return nil }

// provedOrFrom finds the trunk of a call.
func (s *Switch) provedOrFrom(gen *Generation, in Invite) (trunk.Trunk, bool) {
	if in.Trunk != "" {
		return gen.Trunks.Trunk(in.Trunk)
	}
	t, ok := s.trunkOf(gen, in.Source, in.Line)
	return t, ok && !t.Proves() // documents may have changed since
}

// mayProve says whether a stranger may try to prove that he is a trunk.
func mayProve(gen *Generation, method string) bool {
	return method == "INVITE" && strangersRealm(gen) != ""
}
