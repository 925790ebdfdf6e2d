package call

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/record"
)

// told returns what the log says of recordings.
func (l *lab) told() (list []string) { return l.wrote(`"kind":"conversation"`) }

// wrote returns what was written into the log and holds a part.
func (l *lab) wrote(part string) (list []string) {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	for _, text := range l.log.written {
		if strings.Contains(text, part) {
			list = append(list, text)
		}
	}
	return list
}

// converse brings a caller to an agent of a recorded queue.
func (l *lab) converse() *caller {
	l.phone.habits["1001"] = habit{after: time.Second, status: 200}
	c := l.dial("10008", "13800138000")
	time.Sleep(5 * time.Second)
	if a := l.agent("1001"); a.State != acd.AgentTalking {
		l.t.Errorf("agent is %v, want talking", a.State)
	}
	return c
}

func TestConversationIsRecordedFromTheBridgeOn(t *testing.T) {
	for who, hangUp := range map[string]func(l *lab, c *caller){
		"the caller hangs up": func(_ *lab, c *caller) { c.hangUp() },
		"the agent hangs up":  func(l *lab, _ *caller) { l.phoneSays(sipua.Hungup{Q850: 16}) },
	} {
		inLab(t, func(l *lab) {
			c := l.converse()
			l.media.mu.Lock()
			path := l.media.tape.path
			l.media.mu.Unlock()
			hangUp(l, c)
			time.Sleep(10 * time.Second)
			l.saw("bridge", "tape", "taped", "log call.ended")
			told := l.told()
			if len(told) != 1 {
				t.Fatalf("%s: %q", who, told)
			}
			for _, part := range []string{`"agent":"1001"`, `"sha256":"9f86"`, `"length_ms":`, `"ref":"` + l.start.UTC().Format("2006/01/02/")} {
				if !strings.Contains(told[0], part) {
					t.Errorf("%s: %s lacks %s", who, told[0], part)
				}
			}
			if !strings.HasSuffix(path, "-1.wav") || strings.Contains(told[0], "failed") {
				t.Errorf("%s: %s, %s", who, path, told[0])
			}
			l.gone()
		})
	}
}

func TestNothingElseIsRecorded(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dial("10009", "1")
		time.Sleep(5 * time.Second)
		c.hangUp()
		time.Sleep(time.Second)
		l.saw("bridge", "unbridge")
		l.never("tape")
	})
}

func TestDiskNeverCostsTheConversation(t *testing.T) {
	for word, spoil := range map[string]func(m *fakeMedia){
		"disk": func(m *fakeMedia) { m.tapeErr = syscall.ENOSPC },
		"slow": func(m *fakeMedia) { m.tapeErr = media.ErrSlowDisk },
		"lost": func(m *fakeMedia) { m.tapeStuck = true },
	} {
		inLab(t, func(l *lab) {
			spoil(l.media)
			c := l.converse()
			if word != "lost" { // it fails in the middle
				l.media.mu.Lock()
				tape := l.media.tape
				l.media.mu.Unlock()
				tape.End()
				time.Sleep(time.Second)
				if a := l.agent("1001"); a.State != acd.AgentTalking {
					t.Errorf("%s: agent is %v, want talking", word, a.State)
				}
			}
			c.hangUp()
			time.Sleep(5 * time.Second)
			if told := l.told(); len(told) != 1 || !strings.Contains(told[0], `"failed":"`+word+`"`) {
				t.Errorf("%s: %q", word, told)
			}
			if made := l.sw.Stats().Recordings; made["failed"] != 1 {
				t.Errorf("%s: %v", word, made)
			}
			l.gone()
		})
	}
}

// What a crash left is complete when the next one begins; what can't be is no
// reason not to begin.
func TestTapesAreRepairedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	day := filepath.Join(dir, "2026", "11", "23")
	if err := os.MkdirAll(day, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := record.Create(filepath.Join(day, "c1-1.wav"), 2)
	if err == nil {
		err = f.Write(make([]byte, 16000))
	}
	if err != nil {
		t.Fatal(err)
	}
	tapes, err := OpenTapes(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ref := tapes.Ref("c1", 1, time.Date(2026, 11, 23, 23, 0, 0, 0, time.FixedZone("", -3600)))
	if ref != "2026/11/24/c1-1" {
		t.Errorf("%s", ref)
	}
	if _, err = os.Stat(tapes.Path("2026/11/23/c1-1")); err != nil {
		t.Error(err)
	}
	about, err := tapes.about("2026/11/23/c1-1")
	told := tapes.Mended()
	if err != nil || about.LengthMS != 1000 || about.Call != "c1" || len(told) != 1 || told[0].Ref != about.Ref ||
		told[0].LengthMS != 1000 || told[0].SHA256 != about.SHA256 || len(about.SHA256) != 64 {
		t.Errorf("%+v, %+v, %v", about, told, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenTapes(file, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file is no directory")
	}
}
