package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL server of our own, on port 5432 of an address.
type Postgres struct {
	IP string

	dir  string
	bin  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Prepare makes the files of the server. It refuses to run as root, so that
// they are the user postgres' then.
func (p *Postgres) Prepare(ctx context.Context) error {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		return errors.Join(errors.New("missing: PostgreSQL (Debian: apt install postgresql)"), err)
	}
	slices.Sort(found)
	p.bin = found[len(found)-1]
	if p.dir, err = os.MkdirTemp("", "tierline-postgres-"); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	who, err := p.owner()
	if err == nil && who != nil {
		err = os.Chown(p.dir, int(who.Uid), int(who.Gid))
	}
	if err != nil {
		return fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "-D", p.data(), "-A", "trust", "-U", "postgres", "-N")
	cmd.Dir, cmd.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: who}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("prepare PostgreSQL: %w\n%s", err, out)
	}
	return nil
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// owner is who runs the server; nil: we do.
func (p *Postgres) owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nobody else
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("find the user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read a user's number: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read a group's number: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// Start starts the server and returns when it answers.
func (p *Postgres) Start(ctx context.Context) error {
	who, err := p.owner()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(p.bin, "postgres"),
		"-D", p.data(), "-h", p.IP, "-k", p.dir)
	cmd.Dir, cmd.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ends doesn't matter
	}()
	return Eventually(time.Minute, func() error {
		_, err := p.Ask(ctx, "SELECT 1")
		return err
	})
}

// Stop is a crash of the server.
func (p *Postgres) Stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	<-p.done
	p.cmd = nil
	return nil
}

// Close ends the server and removes its files.
func (p *Postgres) Close() error { return errors.Join(p.Stop(), os.RemoveAll(p.dir)) }

// URL is the database, as settings name it.
func (p *Postgres) URL() string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", p.IP)
}

// Ask returns what a statement gives, fields apart by |.
func (p *Postgres) Ask(ctx context.Context, statement string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), "-XAtc", statement, p.URL()).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask PostgreSQL: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
