package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tierline/.ci/bed"
)

// guesser is a phone that doesn't know its password.
type guesser struct {
	*registration
	challenge string
}

func (l *lab) guesser(ip, user string) (*guesser, error) {
	to, err := net.ResolveUDPAddr("udp4", l.node.Address())
	if err != nil {
		return nil, fmt.Errorf("resolve switch: %w", err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	g := &guesser{registration: &registration{conn: conn, to: to, user: user, call: "guess-" + user + "@" + ip}}
	_, _, err = g.guess("")
	return g, err
}

func (g *guesser) close() { _ = g.conn.Close() } // nothing is buffered

// guess tries a password and returns the answer and how long it took.
func (g *guesser) guess(secret string) (bed.Message, time.Duration, error) {
	authorization := ""
	if g.challenge != "" {
		authorization = g.answer(g.challenge, secret)
	}
	began := time.Now()
	m, err := g.ask("<sip:"+g.user+"@"+g.conn.LocalAddr().String()+">", 600, authorization)
	took := time.Since(began)
	for _, challenge := range m.Headers("WWW-Authenticate") {
		if strings.Contains(challenge, "MD5") {
			g.challenge = challenge
		}
	}
	return m, took, err
}

// guessed tries wrong passwords and checks what each gets.
func (g *guesser) guessed(times, want int) error {
	for i := range times {
		m, _, err := g.guess("wrong")
		if err != nil {
			return err
		}
		if m.Status() != want {
			return fmt.Errorf("wrong password %d as %s: %d, not %d", i+1, g.user, m.Status(), want)
		}
	}
	return nil
}

type bans struct {
	Bans []struct {
		Source string `json:"source"`
		User   string `json:"user"`
		State  string `json:"state"`
	} `json:"bans"`
}

// bruteForce guesses one agent's password from one address until it is banned,
// and has the ban lifted.
func bruteForce(ctx context.Context, l *lab) error {
	from := fmt.Sprintf("127.201.%d.1", l.block)
	g, err := l.guesser(from, "1001")
	if err != nil {
		return err
	}
	defer g.close()
	if err = g.guessed(3, 401); err != nil {
		return err
	}
	m, _, err := g.guess("demo-1001")
	if err != nil || m.Status() != 401 {
		return fmt.Errorf("the right password in the back-off: %d, %w", m.Status(), err)
	}
	if err = errors.Join(g.guessed(7, 401), g.guessed(3, 403)); err != nil {
		return err
	}
	if err = l.register(ctx, l.port(), "1001"); err != nil {
		return fmt.Errorf("the agent himself, elsewhere: %w", err)
	}
	var list bans
	if err = l.node.Get(ctx, "/api/v1/bans", &list); err != nil {
		return err
	}
	if len(list.Bans) < 2 || list.Bans[0].Source != from+"/32" || list.Bans[0].State != "banned" {
		return fmt.Errorf("bans: %+v", list)
	}
	if err = l.node.Post(ctx, "/api/v1/bans/lift", map[string]string{"source": from}, nil); err != nil {
		return err
	}
	g.challenge = ""
	return errors.Join(g.guessed(1, 401), l.alikeForAll())
}

// alikeForAll compares how long the answer takes for agents and for nobody.
func (l *lab) alikeForAll() error {
	const addresses, tries = 40, 8 // below a ban
	times := map[string][]time.Duration{}
	for i := range addresses {
		for _, user := range []string{"1005", "5001"} {
			g, err := l.guesser(fmt.Sprintf("127.202.%d.%d", l.block, i+1), user)
			if err != nil {
				return err
			}
			for range tries {
				m, took, err := g.guess("wrong")
				if err != nil || m.Status() == 200 {
					g.close()
					return fmt.Errorf("a wrong password of %s: %d, %w", user, m.Status(), err)
				}
				times[user] = append(times[user], took)
			}
			g.close()
		}
	}
	median := func(user string) time.Duration {
		slices.Sort(times[user])
		return times[user][len(times[user])/2]
	}
	known, unknown := median("1005"), median("5001")
	if apart := (known - unknown).Abs(); apart > max(known, unknown)/3 {
		return fmt.Errorf("a known user is answered in %s, an unknown one in %s", known, unknown)
	}
	return nil
}

// scanner is a run of a SIPVicious tool, from a stranger's address where the
// tool lets itself be bound to one.
func (l *lab) scanner(ctx context.Context, port int, tool string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	from := fmt.Sprintf("127.203.%d.1", l.block)
	args = append([]string{"-b", from, "-x", from, "-P", fmt.Sprint(port), "-p", fmt.Sprint(l.node.SIP)}, args...)
	cmd := exec.CommandContext(ctx, tool, append(args, l.switchIP)...)
	cmd.Dir = l.work
	cmd.Env = append(os.Environ(), "HOME="+l.work) // it keeps its sessions there
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", tool, ctx.Err(), out)
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return string(out), fmt.Errorf("run %s: %w", tool, err)
	}
	return string(out), nil
}

// sipVicious lets the usual scanner look for the switch, for agents and for a
// password.
func sipVicious(ctx context.Context, l *lab) error {
	if missing := bed.Missing(map[string]string{"svmap": "sipvicious"}); missing != "" {
		return fmt.Errorf("missing: %s", missing)
	}
	var words strings.Builder
	for i := range 14 {
		fmt.Fprintf(&words, "secret%d\n", i)
	}
	words.WriteString("demo-1002\n")
	dictionary := filepath.Join(l.work, "words")
	if err := os.WriteFile(dictionary, []byte(words.String()), 0o600); err != nil {
		return fmt.Errorf("write dictionary: %w", err)
	}
	scans := []struct {
		tool string
		args []string
		not  string // what a success would show
	}{
		{"svmap", []string{"-m", "OPTIONS"}, l.switchIP + ":"},
		{"svmap", []string{"-m", "INVITE"}, l.switchIP + ":"},
		{"svmap", []string{"-m", "REGISTER"}, "tierline"},
		{"svwar", []string{"-e", "1001-1006", "-m", "REGISTER", "--force"}, "reqauth"},
		{"svwar", []string{"-e", "1001-1006", "-m", "INVITE", "--force"}, "reqauth"},
		{"svcrack", []string{"-u", "1002", "-d", dictionary}, "demo-1002"},
	}
	return l.beside(ctx, 8*time.Second, 64<<20, func() error {
		all := make([]error, len(scans))
		var wg sync.WaitGroup
		for i, s := range scans {
			port := l.port()
			wg.Go(func() {
				out, err := l.scanner(ctx, port, s.tool, s.args...)
				if err == nil && strings.Contains(out, s.not) {
					err = fmt.Errorf("%s %v found something:\n%s", s.tool, s.args, out)
				}
				all[i] = err
			})
		}
		wg.Wait()
		return errors.Join(all...)
	})
}
