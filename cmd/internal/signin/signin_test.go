package signin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// door makes a file with a user of each role and opens it.
func door(t *testing.T) (d *Door, path string, tokens map[Role]string, log *bytes.Buffer) {
	t.Helper()
	path, tokens, log = filepath.Join(t.TempDir(), "users.yaml"), map[Role]string{}, &bytes.Buffer{}
	var list []Entry
	for _, r := range Roles() {
		e := Entry{Name: "u-" + string(r), Role: r, Agent: "1001"}
		tokens[r], e.Hash = NewToken(e.Name)
		list = append(list, e)
	}
	if err := Write(path, list); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return d, path, tokens, log
}

func (d *Door) try(token string) (User, error) {
	name, secret := Split(token)
	return d.Enter(context.Background(), netip.MustParseAddr("192.0.2.7"), name, secret)
}

func TestWhoHasATokenIsLetIn(t *testing.T) {
	d, path, tokens, _ := door(t)
	for role, token := range tokens {
		for range 2 { // the second time from memory
			u, err := d.try(token)
			if want := (User{Name: "u-" + string(role), Role: role, Agent: "1001"}); err != nil || u != want {
				t.Errorf("%s: %+v, %v", role, u, err)
			}
		}
	}
	for _, wrong := range []string{"", ".", "u-agent", "u-agent.", "nobody.x", tokens[Agent] + "x", "u-engineer." + tokens[Agent][8:]} {
		if u, err := d.try(wrong); !errors.Is(err, ErrUnknown) || u != (User{}) {
			t.Errorf("%q: %+v, %v", wrong, u, err)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		if _, secret := Split(token); bytes.Contains(text, []byte(secret)) {
			t.Error("the file has a token")
		}
	}
}

func TestAnAddressWithWrongTokensWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, tokens, log := door(t)
		if _, err := d.try(tokens[Supervisor]); err != nil {
			t.Error(err)
		}
		for i := range maxFailures {
			if _, err := d.try("u-agent.guess"); !errors.Is(err, ErrUnknown) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		for _, token := range []string{"u-agent.guess", tokens[Agent]} {
			if _, err := d.try(token); !errors.Is(err, ErrHeld) {
				t.Errorf("after that: %v", err)
			}
		}
		if _, err := d.try(tokens[Supervisor]); err != nil {
			t.Errorf("who was in before: %v", err)
		}
		name, secret := Split(tokens[Agent])
		if _, err := d.Enter(t.Context(), netip.MustParseAddr("192.0.2.8"), name, secret); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		time.Sleep(forgiveAfter)
		if _, err := d.try(tokens[Agent]); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if n := strings.Count(log.String(), "has to wait"); n != 1 || strings.Contains(log.String(), "guess") {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestARemovedUserIsOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path, tokens, log := door(t)
		if _, err := d.try(tokens[Engineer]); err != nil {
			t.Fatal(err)
		}
		list, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err = Write(path, list[:2]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if _, err = d.try(tokens[Engineer]); !errors.Is(err, ErrUnknown) {
			t.Errorf("removed: %v", err)
		}
		if err = os.WriteFile(path, []byte("users: ["), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if _, err = d.try(tokens[Agent]); err != nil {
			t.Errorf("a spoiled file locked everybody out: %v", err)
		}
		if !strings.Contains(log.String(), "can't be read again") {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestFilesThatAreRefused(t *testing.T) {
	_, good := NewToken("a")
	user := func(name, role, hash string) string {
		return "users:\n- {name: " + name + ", role: " + role + ", hash: \"" + hash + "\"}\n"
	}
	for want, text := range map[string]string{
		"is no name":            user("A B", "agent", good),
		"role \"boss\"":         user("a", "boss", good),
		"argon2id":              user("a", "agent", "secret"),
		"there twice":           user("a", "agent", good) + "- {name: a, role: agent, hash: \"" + good + "\"}\n",
		"unknown field":         "users:\n- {name: a, rôle: agent}\n",
		"there is no user":      "users: []\n",
		"argon2id hash ($argon": user("a", "agent", strings.Replace(good, "m=19456", "m=99999999", 1)),
	} {
		path := filepath.Join(t.TempDir(), "users.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	path := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(path, []byte(user("a", "agent", good)), 0o640); err != nil { //nolint:gosec // on purpose
		t.Fatal(err)
	}
	if _, err := Open(path, slog.New(slog.DiscardHandler)); !errors.Is(err, errOpenToOthers) {
		t.Errorf("others may read it: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	_, good := NewToken("a")
	f.Add([]byte("users:\n- {name: a, role: agent, hash: \"" + good + "\"}\n"))
	f.Add([]byte("users: [{name: a, role: agent, hash: $argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := Parse(text)
		if err != nil {
			return
		}
		for _, e := range list {
			h, err := parseHash(e.Hash)
			if err != nil {
				t.Fatalf("%+v was let in: %v", e, err)
			}
			if again, err := parseHash(h.String()); err != nil || again.String() != h.String() {
				t.Errorf("%s is written %s", e.Hash, h)
			}
		}
	})
}
