package store

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tierline/acd"
	"tierline/acd/report"
)

// onServer runs a test where the environment names a PostgreSQL server.
func onServer(t *testing.T, test func(t *testing.T, cfg *pgx.ConnConfig)) {
	if os.Getenv("TIERLINE_TEST_POSTGRES") != "" { // the end-to-end checks bring one
		test(t, schema(t))
	}
}

// lapse lets a turn end as if nothing had been heard of its node for long.
func lapse(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.read.Exec(`UPDATE cursor SET writes_until = 'epoch'`); err != nil {
		t.Fatal(err)
	}
}

func claims(t *testing.T, s *Store, last uint64) (bool, uint64) {
	t.Helper()
	ours, at, err := s.Claim(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	return ours, at
}

func TestOneNodeWritesAtATime(t *testing.T) {
	onServer(t, func(t *testing.T, cfg *pgx.ConnConfig) {
		first, second := openServer(t, cfg, "n1"), openServer(t, cfg, "n2")
		if ours, _ := claims(t, first, forever); !ours {
			t.Fatal("nobody writes, and yet there is no turn")
		}
		write(t, first, day(4), 5)
		end := uint64(len(day(4)))
		if ours, at := claims(t, second, forever); ours || at != end {
			t.Errorf("the second has the turn: %v, the records end at %d, want %d", ours, at, end)
		}
		if err := second.Commit(t.Context(), report.Batch{After: end, Cursor: end + 1}, false); !errors.Is(err, report.ErrTaken) {
			t.Errorf("a batch out of turn gives %v", err)
		}
		lapse(t, first)
		if ours, _ := claims(t, second, end-1); ours {
			t.Error("a node whose log ends before the records do has the turn")
		}
		if ours, at := claims(t, second, end); !ours || at != end {
			t.Errorf("a turn that is over goes to nobody (%d)", at)
		}
		if err := first.Commit(t.Context(), report.Batch{After: end, Cursor: end + 1}, false); !errors.Is(err, report.ErrTaken) {
			t.Errorf("a batch of one whose turn is over gives %v", err)
		}
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
		if ours, _ := claims(t, first, forever); !ours {
			t.Error("the turn of one who left isn't free")
		}
	})
}

// Three nodes write the same stories; the turn goes from one to the other in
// the middle of what they do, and some learn nothing of what they stored.
func TestNodesInTurnsWriteEachCallOnce(t *testing.T) {
	onServer(t, func(t *testing.T, cfg *pgx.ConnConfig) {
		stories := day(40)
		nodes := map[string]*Store{}
		for _, name := range []string{"n1", "n2", "n3"} {
			nodes[name] = openServer(t, cfg, name)
			claims(t, nodes[name], forever)
		}
		folds := map[string]*report.Fold{}
		random := rand.New(rand.NewPCG(1, 2))
		moves := 0
		for at := uint64(0); at < uint64(len(stories)); {
			name := fmt.Sprintf("n%d", 1+random.IntN(3))
			s := nodes[name]
			if random.IntN(4) == 0 {
				lapse(t, s)
			}
			if ours, _ := claims(t, s, forever); ours && (folds[name] == nil || random.IntN(3) == 0) {
				saved, err := s.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if folds[name], err = report.Resume(saved); err != nil {
					t.Fatal(err)
				}
				moves++
			}
			if folds[name] == nil {
				continue
			}
			for range 1 + random.IntN(9) {
				if next := folds[name].Cursor(); next < uint64(len(stories)) {
					folds[name].Take(stories[next])
				}
			}
			b, err := folds[name].Flush()
			if err != nil {
				t.Fatal(err)
			}
			if err = s.Commit(t.Context(), b, false); errors.Is(err, report.ErrTaken) {
				delete(folds, name)
			} else if err != nil {
				t.Fatal(err)
			} else if random.IntN(5) == 0 { // it learns nothing of that
				err = s.Commit(t.Context(), b, false)
			}
			if err != nil && !errors.Is(err, report.ErrTaken) {
				t.Fatal(err)
			}
			if at, err = s.Cursor(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if moves < 10 {
			t.Errorf("only %d turns", moves)
		}
		got, err := nodes["n2"].CDRs(t.Context(), Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(told(t, stories), got); d != "" {
			t.Errorf("records (-told +stored):\n%s", d)
		}
		checkNumbers(t, nodes["n3"], stories, "in turns")
	})
}

// told returns the records that stories make, the newest first.
func told(t *testing.T, stories []report.Story) (out []report.CDR) {
	t.Helper()
	fold := report.NewFold()
	for _, s := range stories {
		fold.Take(s)
	}
	b, err := fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Ended {
		out = append(out, b.Ended[len(b.Ended)-1-i])
	}
	return out
}

func TestADatabaseIsOfOneCentre(t *testing.T) {
	onServer(t, func(t *testing.T, cfg *pgx.ConnConfig) {
		if ours, _ := claims(t, openServer(t, cfg, "n1"), forever); !ours {
			t.Fatal("no turn")
		}
		other := OpenPostgres(cfg, "another", "n1")
		defer func() { _ = other.Close() }()
		if _, _, err := other.Claim(t.Context(), forever); !errors.Is(err, errForeign) || errors.Is(err, ErrAway) {
			t.Errorf("another centre gets %v", err)
		}
	})
}

// What callers send is stored, whatever it is: a batch that the server refuses
// it would refuse for ever.
func TestNothingThatACallerSendsStopsTheRecords(t *testing.T) {
	stories := day(1)
	for i, f := range stories[0].Facts {
		f.From, f.To = strings.Repeat("1\x0023\xff4", 10_000), "'; DROP TABLE calls; --"
		f.SIPCallID = "\x00\xc3\x28\\u0000\"{}"
		stories[0].Facts[i] = f
	}
	end := uint64(len(stories))
	stories = append(stories, report.Story{Index: end + 1, At: 9000, Wall: int64(base) + 9000, Facts: []acd.Fact{{
		Kind: acd.FactCallTransferred, Call: "c00000", To: strings.Repeat("x\x00\xff", 10_000), Cause: strings.Repeat("y", 10_000),
	}}})
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		write(t, s, stories, 1)
		if _, err := s.CDR(t.Context(), "c00000"); err != nil {
			t.Error(err)
		}
		if got, err := s.CDRs(t.Context(), Query{Number: "a\x00b\xff", Limit: 9}); err != nil || len(got) != 0 {
			t.Errorf("asked for a number that is none: %v, %v", got, err)
		}
		if _, err := s.CDRs(t.Context(), Query{From: -1 << 50, Until: -1 << 49, Limit: 9}); err != nil {
			t.Errorf("asked for times before all times: %v", err)
		}
	})
}

// Nobody listens there: to open the store is no error, to ask it is one that
// says what it is.
func TestAServerThatIsAway(t *testing.T) {
	cfg, err := pgx.ParseConfig("postgres://tierline@127.0.0.1:1/records?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	s := openServer(t, cfg, "n1")
	_, _, err = s.Claim(t.Context(), 0)
	errs := map[string]error{"claim": err, "commit": s.Commit(t.Context(), report.Batch{Cursor: 1}, true)}
	_, errs["record"] = s.CDR(t.Context(), "c")
	_, errs["cursor"] = s.Cursor(t.Context())
	_, _, errs["numbers"] = s.QueueNumbers(t.Context(), always())
	_, errs["prune"] = s.Prune(t.Context(), base, 1)
	for what, err := range errs {
		if !errors.Is(err, ErrAway) || errors.Is(err, sql.ErrNoRows) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err = s.Copy(t.Context(), "x.db"); !errors.Is(err, ErrShared) {
		t.Errorf("copied: %v", err)
	}
}

func TestDollars(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1": "SELECT 1", "a = ? AND b = ?": "a = $1 AND b = $2", "?": "$1", "": "",
	} {
		if got := dollars(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
