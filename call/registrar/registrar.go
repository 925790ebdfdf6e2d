package registrar

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tierline/acd"
)

// Request is a REGISTER taken apart.
type Request struct {
	User          string    // user part of the To URI: the agent's id
	Domain        string    // host part of the To URI
	Contacts      []Contact // empty: the phone asks what is registered
	Star          bool      // Contact: *
	Expires       int       // seconds of the Expires header; -1 absent
	CallID        string
	CSeq          uint32
	Authorization []string // values of all Authorization headers
	Method        string
	URI           string // request URI
	Source        netip.AddrPort
	Transport     string // udp, tcp
	UserAgent     string
}

// Contact is one address of a Contact header.
type Contact struct {
	URI     string // without angle brackets
	Expires int    // seconds of the expires parameter; -1 absent
}

// Response is what to answer to a REGISTER.
type Response struct {
	Status     int
	Reason     string
	Challenge  []string // values of WWW-Authenticate headers, strongest first
	Contacts   []string // values of Contact headers
	MinExpires int      // seconds for Min-Expires; 0 = no such header
	RetryAfter int      // seconds for Retry-After; 0 = no such header
}

// Bindings is the replicated list of registered contacts.
type Bindings interface {
	// Put adds or refreshes a binding; it returns when Of shows it.
	Put(ctx context.Context, agent string, b acd.Binding, ttl time.Duration) error
	// Remove takes a contact away, or all that were registered if it is "*".
	Remove(ctx context.Context, agent, contact string) error
	// Of lists the agent's bindings that have not expired.
	Of(agent string) []acd.Binding
}

// Accounts knows the agents' secrets as HA1 = H(user:realm:password), in hex.
// A hash that is not stored is empty; that algorithm then fails for the user.
type Accounts interface {
	Secret(user string) (ha1MD5, ha1SHA256 string, ok bool)
}

// What Authenticate refuses with.
var (
	// ErrUnauthorised asks for (better) credentials: 401 with the challenge.
	ErrUnauthorised = errors.New("credentials missing or wrong")
	// ErrWrong is an ErrUnauthorised of credentials that were judged, for a
	// nonce that only their sender can have.
	ErrWrong = fmt.Errorf("%w: judged", ErrUnauthorised)
	// ErrMalformed means that the Authorization header can't be read: 400.
	ErrMalformed = errors.New("malformed Authorization header")
	// ErrBanned means too many wrong passwords from this source: 403.
	ErrBanned = errors.New("too many failures from this source")
)

// Config is what a Registrar needs. Zero durations and limits mean the default.
type Config struct {
	Realm    func() string // of the current documents
	Node     string        // written into bindings: the node that owns the flow to the phone
	Accounts Accounts
	Bindings Bindings
	Logger   *slog.Logger
	// LogTime is the clock that acd.Binding.Expires is measured in.
	LogTime func() int64

	MinExpires     time.Duration // shorter wishes get 423; default 60 s
	MaxExpires     time.Duration // longer wishes are cut; default 1 h
	DefaultExpires time.Duration // for phones without a wish; default 1 h
	NATExpires     time.Duration // most for a phone behind NAT, whose flow needs refreshing; default 120 s
	NonceLife      time.Duration // default 5 min

	// LivingExpires is most for a phone that lives on its connection: if that ends
	// with the node, some phones notice no sooner than they register again. 0: as any.
	LivingExpires time.Duration

	MaxContacts int // per agent; the one nearest to its end gives way; default 5

	// MD5Only lists beginnings of User-Agent values that give up when a
	// challenge names any algorithm but MD5, wherever it stands. nil means
	// the ones known. Not a weakness: MD5 is offered to everybody anyway.
	MD5Only []string
}

// Registrar answers REGISTER and authenticates agents.
type Registrar struct {
	c     Config
	key   [32]byte // of the nonces; new for each process
	dummy string   // HA1 that users who don't exist are compared with

	mu      sync.Mutex // guards what follows
	counts  *counts
	pairs   *strikes // by source address and user
	sources *strikes // by source address
	stats   Stats
}

// New returns a Registrar.
func New(c Config) *Registrar {
	defaults(&c)
	r := &Registrar{
		c:       c,
		counts:  newCounts(maxNonces),
		pairs:   newStrikes(),
		sources: newStrikes(),
	}
	_, _ = rand.Read(r.key[:]) // never fails: it ends the process instead
	sum := sha256.Sum256(r.key[:])
	r.dummy = hex.EncodeToString(sum[:])
	return r
}

func defaults(c *Config) {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.MinExpires, time.Minute},
		{&c.MaxExpires, time.Hour},
		{&c.DefaultExpires, time.Hour},
		{&c.NATExpires, 2 * time.Minute},
		{&c.NonceLife, 5 * time.Minute},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.MaxContacts <= 0 {
		c.MaxContacts = 5
	}
	if c.MD5Only == nil {
		// libre up to 3.x (baresip) and SIPp before 3.7: seen in their
		// sources. An empty list, not nil, switches this off.
		c.MD5Only = []string{"baresip v0.", "baresip v1.", "baresip v2.", "baresip v3.", "sipp"}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.LogTime == nil {
		c.LogTime = func() int64 { return 0 }
	}
}

// Register answers one REGISTER.
func (r *Registrar) Register(ctx context.Context, q Request) Response {
	if q.User == "" || q.CallID == "" || q.Source.Port() == 0 {
		return Response{Status: 400, Reason: "Bad Request"}
	}
	user, challenge, err := r.Authenticate(q.Method, q.URI, q.Authorization, q.Source, q.UserAgent)
	switch {
	case errors.Is(err, ErrMalformed):
		return Response{Status: 400, Reason: "Malformed Authorization"}
	case errors.Is(err, ErrBanned):
		return Response{Status: 403, Reason: "Forbidden", RetryAfter: int(banTime / time.Second)}
	case err != nil:
		return Response{Status: 401, Reason: "Unauthorized", Challenge: challenge} //nolint:misspell // the RFC spells it so
	case user != q.User:
		r.c.Logger.Warn("phone registers for another agent", "agent", q.User, "user", user, "source", q.Source)
		return Response{Status: 403, Reason: "Forbidden"}
	}
	return r.bind(ctx, q)
}

// Authenticate proves who sent a request with method and uri (the request
// URI), given all its Authorization headers. Without an error the user is
// proven. With ErrUnauthorised the challenge is what to put into
// WWW-Authenticate headers, strongest algorithm first.
func (r *Registrar) Authenticate(
	method, uri string, authorization []string, source netip.AddrPort, userAgent string,
) (user string, challenge []string, err error) {
	now := time.Now()
	from := source.Addr().Unmap()
	cred, err := r.pick(authorization)
	if err != nil {
		return "", nil, err
	}
	if r.banned(from, cred.username, now) {
		return "", nil, ErrBanned
	}
	verdict := missing
	if cred.response != "" {
		verdict = r.verify(method, cred, from, now)
	}
	switch verdict {
	case proven:
		return cred.username, nil, nil
	case wrong:
		r.c.Logger.Info("wrong credentials", "user", cred.username, "source", source, "uri", uri)
		return "", r.challenge(from, now, false, r.md5Only(userAgent)), ErrWrong
	case missing, stale:
	}
	return "", r.challenge(from, now, verdict == stale, r.md5Only(userAgent)), ErrUnauthorised
}

func (r *Registrar) md5Only(userAgent string) bool {
	for _, p := range r.c.MD5Only {
		if len(userAgent) >= len(p) && strings.EqualFold(userAgent[:len(p)], p) {
			return true
		}
	}
	return false
}
