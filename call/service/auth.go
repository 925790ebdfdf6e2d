package service

import (
	"crypto/md5"
	"crypto/sha256"
	"strings"

	"tierline/routing/document"
	"tierline/routing/trunk"
)

// authDoc is what a trunk's peer has to prove.
type authDoc struct {
	Realm    document.Value[string] `doc:"realm,nonempty"`
	Username document.Value[string] `doc:"username,nonempty"`
	Secret   document.Value[string] `doc:"secret,nonempty"`
	HA1      *ha1Doc                `doc:"ha1"`
	Account  document.Value[string] `doc:"account,nonempty"`
}

// readAuth reads what a peer has to prove. others are the trunks before it.
func (c *compiler) readAuth(p *document.Problems, e document.Entry[trunkDoc], others []trunk.Trunk) (a trunk.Auth) {
	if e.Value.Auth == nil {
		return a
	}
	d := *e.Value.Auth
	anywhere := e.Value.Sources == nil && e.Value.Register == nil
	if d.Account.Given {
		d.checkAccount(p, anywhere)
		return trunk.Auth{Account: d.Account.V}
	}
	a = trunk.Auth{Realm: d.Realm.V, Username: d.Username.V}
	if !d.Realm.Given || !d.Username.Given {
		p.Errorf(e.Key.Pos, "auth of trunk %q needs realm and username, or an account", e.Key.V)
		return a
	}
	for _, v := range []document.Value[string]{d.Realm, d.Username} {
		if strings.ContainsAny(v.V, "\"\\\r\n:") || len(v.V) > 64 {
			p.Errorf(v.Pos, "this has no quotes, backslashes or colons, and 64 characters at most")
		}
	}
	c.peerSecret(p, e.Key, a, d)
	for _, o := range others {
		if o.Auth.Realm == a.Realm && o.Auth.Username == a.Username {
			p.Errorf(d.Username.Pos, "user %q of this realm is trunk %q already", a.Username, o.Name)
		}
		if anywhere && o.FromAnywhere() && o.Auth.Realm != a.Realm {
			p.Errorf(d.Realm.Pos, "trunks without sources share one realm, for strangers get one challenge; "+
				"trunk %q has %q", o.Name, o.Auth.Realm)
			break
		}
	}
	return a
}

// checkAccount reports what doesn't go with an account.
func (d authDoc) checkAccount(p *document.Problems, anywhere bool) {
	if d.Realm.Given || d.Username.Given || d.Secret.Given || d.HA1 != nil {
		p.Errorf(d.Account.Pos, "an account says realm, user and password: give the account or them")
	}
	if anywhere {
		p.Errorf(d.Account.Pos, "a trunk without sources needs realm and username here: who calls from anywhere "+
			"must be known by his name")
	}
}

// peerSecret reads what a peer proves itself by. Messages never show it.
func (c *compiler) peerSecret(p *document.Problems, name document.Value[string], a trunk.Auth, d authDoc) {
	switch {
	case d.Secret.Given && d.HA1 != nil:
		p.Errorf(d.Secret.Pos, "trunk %q has both secret and ha1", name.V)
	case d.Secret.Given:
		c.service.trunkAccounts[name.V] = newAccount(a.Username, a.Realm, d.Secret.V)
	case d.HA1 != nil:
		checkHex(p, d.HA1.MD5, md5.Size)
		checkHex(p, d.HA1.SHA256, sha256.Size)
		c.service.trunkAccounts[name.V] = account{strings.ToLower(d.HA1.MD5.V), strings.ToLower(d.HA1.SHA256.V)}
	default:
		p.Errorf(name.Pos, "auth of trunk %q needs a secret or ha1", name.V)
	}
}

// TrunkSecret returns the digest HA1 values that the peer of a trunk proves
// itself by; empty if the documents hold none.
func (s *Service) TrunkSecret(name string) (ha1MD5, ha1SHA256 string) {
	a := s.trunkAccounts[name]
	return a.md5, a.sha256
}
