package signin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Role is what a user may do. Each may all that those before it may.
type Role string

// The roles, the least first.
const (
	Agent      Role = "agent"      // looks at agents and queues; does with his own state and call what he likes
	Supervisor Role = "supervisor" // looks at all calls and records, and does what is about calls and agents
	Engineer   Role = "engineer"   // changes the service
)

// Roles returns all, the least first.
func Roles() []Role { return []Role{Agent, Supervisor, Engineer} }

// Covers tells whether a role may what another may.
func (r Role) Covers(other Role) bool {
	return slices.Index(Roles(), r) >= slices.Index(Roles(), other)
}

// User is somebody who signed in.
type User struct {
	Name  string
	Role  Role
	Agent string // the agent he is; "" none
}

// Entry is a user as the file has him.
type Entry struct {
	Name  string `yaml:"name"`
	Role  Role   `yaml:"role"`
	Agent string `yaml:"agent,omitempty"`
	Hash  string `yaml:"hash"` // argon2id, PHC string
}

func (e *Entry) user() User { return User{Name: e.Name, Role: e.Role, Agent: e.Agent} }

type file struct {
	Users []Entry `yaml:"users"`
}

// Limits of a file of users.
const (
	maxFile  = 1 << 20
	maxUsers = 10_000
	maxName  = 64
)

var (
	errOpenToOthers = errors.New("others may read it; chmod 600")
	errNoUsers      = errors.New("there is no user in it")
	errTooLong      = errors.New("it is longer than 1 MB")
)

// Read returns the users of a file.
func Read(path string) ([]Entry, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("users: %s: %w", path, errOpenToOthers)
	}
	if st.Size() > maxFile {
		return nil, fmt.Errorf("users: %s: %w", path, errTooLong)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	list, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("users: %s: %w", path, err)
	}
	return list, nil
}

// Parse reads what stands in a file of users.
func Parse(text []byte) ([]Entry, error) {
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	if len(f.Users) > maxUsers {
		return nil, fmt.Errorf("%d users, there may be %d", len(f.Users), maxUsers)
	}
	seen := map[string]bool{}
	for i := range f.Users {
		e := &f.Users[i]
		if err := e.check(); err != nil {
			return nil, err
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("user %s is there twice", e.Name)
		}
		seen[e.Name] = true
	}
	return f.Users, nil
}

func (e *Entry) check() error {
	if err := CheckName(e.Name); err != nil {
		return err
	}
	if !slices.Contains(Roles(), e.Role) {
		return fmt.Errorf("user %s: role %q is not agent, supervisor or engineer", e.Name, e.Role)
	}
	if _, err := parseHash(e.Hash); err != nil {
		return fmt.Errorf("user %s: %w", e.Name, err)
	}
	return nil
}

// CheckName says why a name can't be a user's.
func CheckName(name string) error {
	rest := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")
	if name == "" || len(name) > maxName || rest != "" {
		return fmt.Errorf("%q is no name: lower-case letters, digits, - and _, at most %d", name, maxName)
	}
	return nil
}

// Write makes a file of users, which only its owner may read. An earlier one is
// replaced as a whole.
func Write(path string, list []Entry) error {
	text, err := yaml.Marshal(file{Users: list})
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".users-*") // for the owner alone
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	_, err = t.Write(text)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("users: %w", errors.Join(err, os.Remove(t.Name())))
	}
	return nil
}
