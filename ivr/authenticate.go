package ivr

import "slices"

// Phases of an authenticate node.
const (
	authAccount   = iota // the caller is asked for his account
	authSecret           // the caller is asked for his secret
	authCounting         // the try is counted, before it is made
	authVerifying        // the source checks the secret
)

// policyKey names a policy among those of all flows.
func (s *Session) policyKey(p *policy) string { return s.flow.name + "/" + p.name }

func (n *authenticate) enter(s *Session) {
	a := &s.st.Auth
	if !n.fresh && a.Account != "" && slices.Contains(a.Policies, s.policyKey(n.policy)) {
		n.then.end(s, outcomeOK, outcomeOK)
		return
	}
	n.begin(s)
}

// begin finds out whose secret to ask for.
func (n *authenticate) begin(s *Session) {
	p := &s.st.Place
	p.Account = s.st.Auth.Account // of another policy, or before a fresh check
	if p.Account == "" {
		v, err := n.from.eval(s.environment())
		if err != nil {
			s.exceed(err.Error())
			return
		}
		p.Account = text(v)
	}
	switch {
	case p.Account != "":
		p.Phase = authSecret
	case n.askAccount == nil:
		s.trouble("the caller's account is not known, and nobody asks for it")
		n.then.end(s, outcomeError, outcomeError)
		return
	default:
		p.Phase, p.Asked = authAccount, true
	}
	s.ask(n)
}

func (n *authenticate) asks(s *Session) *question {
	if s.st.Place.Phase == authAccount {
		return n.askAccount
	}
	return &n.askSecret
}

func (n *authenticate) answered(s *Session, entry string) {
	p := &s.st.Place
	if p.Phase == authAccount {
		p.Account, p.Phase = entry, authSecret
		s.ask(n)
		return
	}
	s.put(n.into, entry)
	n.count(s)
}

func (n *authenticate) exhausted(s *Session) { n.fail(s, outcomeFailed) }

// count has the try counted before it is made: many calls at once get no more
// tries than one.
func (n *authenticate) count(s *Session) {
	key, err := n.key.eval(n.environment(s))
	if err != nil {
		s.exceed(err.Error())
		return
	}
	p := &s.st.Place
	p.Phase = authCounting
	s.act(TryAuth{ID: s.await(), Policy: n.name, Key: text(key), Max: n.max, Window: n.window})
}

// environment is that of the policy: auth.account is the account that is tried.
func (n *authenticate) environment(s *Session) map[string]any {
	env := s.environment()
	env["auth"] = map[string]any{"account": s.st.Place.Account}
	return env
}

func (n *authenticate) handle(s *Session, in Input) {
	switch s.st.Place.Phase {
	case authAccount, authSecret:
		s.askHandle(n, in)
		return
	case authCounting:
		if a, ok := in.(Attempt); ok {
			if s.got(a.ID) {
				n.attempt(s, a.Result)
			}
			return
		}
	case authVerifying:
		if a, ok := in.(LookedUp); ok {
			if s.got(a.ID) {
				n.verified(s, a.Status)
			}
			return
		}
	}
	n.wait.handle(s, in)
}

func (n *authenticate) attempt(s *Session, r AttemptResult) {
	switch r {
	case AttemptAllowed:
		n.check(s)
	case AttemptLocked:
		n.fail(s, outcomeLocked)
	case AttemptUnknown:
		fallthrough
	default:
		n.then.end(s, outcomeError, outcomeError)
	}
}

// check asks the source.
func (n *authenticate) check(s *Session) {
	req, made := n.verify.make(s, n.environment(s))
	if made != madeReady {
		n.result(s, AuthVoid)
		n.then.end(s, outcomeError, outcomeError)
		return
	}
	s.st.Place.Phase = authVerifying
	s.act(Lookup{ID: s.await(), Source: n.verify.source, Request: req})
}

// result says how the try ended.
func (n *authenticate) result(s *Session, r AuthOutcome) {
	key, err := n.key.eval(n.environment(s))
	if err != nil {
		s.trouble(err.Error())
		return
	}
	s.act(AuthResult{Policy: n.name, Key: text(key), Result: r})
}

func (n *authenticate) verified(s *Session, status LookupStatus) {
	switch status {
	case LookupOK:
		n.result(s, AuthPassed)
		n.pass(s)
	case LookupRefused, LookupNotFound:
		n.result(s, AuthFailed)
		n.refused(s)
	case LookupError:
		fallthrough
	default:
		n.result(s, AuthVoid)
		n.then.end(s, outcomeError, outcomeError)
	}
}

// pass is the only place that sets auth.account.
func (n *authenticate) pass(s *Session) {
	a, account := &s.st.Auth, s.st.Place.Account
	if a.Account != account {
		*a = authState{Account: account}
	}
	if key := s.policyKey(n.policy); !slices.Contains(a.Policies, key) {
		a.Policies = append(a.Policies, key)
	}
	n.then.end(s, outcomeOK, outcomeOK)
}

// refused asks again. Who entered an account of his own enters it again too:
// he isn't told which of the two was wrong.
func (n *authenticate) refused(s *Session) {
	p := &s.st.Place
	s.put(n.into, "")
	p.Tries++
	if p.Tries >= n.tries {
		n.fail(s, outcomeFailed)
		return
	}
	p.Phase, p.Heard, p.Silent, p.Attempts = authSecret, false, false, p.Tries
	if p.Asked {
		p.Phase, p.Account = authAccount, ""
	}
	s.st.Typed = ""
	s.scold(n)
	p.Attempts = 0
}

// fail takes away what was proved before: the caller may be somebody else.
func (n *authenticate) fail(s *Session, outcome string) {
	s.st.Auth = authState{}
	s.put(n.into, "")
	n.then.end(s, outcome, outcome)
}

// resume asks for the secret again: it never left the other node. A try that
// was counted there and not checked never happened.
func (n *authenticate) resume(s *Session) {
	p := &s.st.Place
	switch p.Phase {
	case authVerifying:
		n.result(s, AuthVoid)
		fallthrough
	case authCounting:
		p.Phase, p.Heard = authSecret, false
		s.greet(n, false)
	default:
		s.askAgain(n)
	}
}

// quit: a try whose result nobody heard stays counted, so that hanging up in
// time is no way to more tries.
func (n *authenticate) quit(s *Session) {
	p := &s.st.Place
	if p.Phase != authVerifying || p.Pending == 0 {
		return
	}
	s.act(CancelLookup{ID: p.Pending})
	p.Pending = 0
	n.result(s, AuthFailed)
}

func (n *authenticate) edges() []edge { return n.then.edges(true) }
