package ivr

import (
	"slices"
	"time"
)

// asideIDs is where the ids of a session aside begin: none of the main one's
// gets so far.
const asideIDs = 1 << 32

// StartAside puts the caller at the start of another flow, while his own
// session waits for him to be done with an agent. It begins with what he proved
// and in his language, and ends with Disconnect; what becomes of the call then
// its owner decides.
func (s *Session) StartAside(f *Flow, now time.Time) (*Session, []Action) {
	language := s.st.Language
	if !slices.Contains(f.languages, language) {
		language = f.languages[0]
	}
	aside := &Session{root: f, flow: f, st: state{
		Caller: s.st.Caller, Language: language, Auth: s.st.Auth, Last: asideIDs,
		frame: frame{Flow: f.name, Vars: f.vars.start(s.st.Caller), Visits: map[string]int{}},
	}}
	return aside, aside.step(now, func() {
		aside.st.GuardEnd = f.limits.maxDuration.Milliseconds()
		aside.resumeGuard()
		aside.goTo("", f.start)
	})
}

// EndAside takes over what the caller proved in a session aside that has ended.
// It reports whether that came to its end with a return that says ok.
func (s *Session) EndAside(aside *Session) (ok bool) {
	if aside.st.Returned != outcomeOK {
		return false
	}
	s.st.Auth = aside.st.Auth
	return true
}

// AsksSecret tells whether what the caller presses now must stay in the session.
func (s *Session) AsksSecret() bool { return s.st.Place.Secret }

// Read counts the keys that questions have taken, those apart which are nobody
// else's business, and those that wait for a question: of them nobody knows yet.
func (s *Session) Read() (plain, secret uint64, waiting int) {
	return s.readPlain, s.readSecret, len(s.st.Typed)
}
