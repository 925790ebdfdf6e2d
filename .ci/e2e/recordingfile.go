package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tierline/.ci/bed"
	"tierline/media/g711"
	"tierline/media/tone"
)

// recording is what the API says of a recording, and its file.
type recording struct {
	Ref       string `json:"ref"`
	Kind      string `json:"kind"`
	Agent     string `json:"agent"`
	Queue     string `json:"queue"`
	LengthMS  int    `json:"length_ms"`
	SHA256    string `json:"sha256"`
	Failed    string `json:"failed"`
	AudioPath string `json:"audio_path"`

	sides [2][]int16 // caller, agent
	about about
}

// about is what stands beside a recording.
type about struct {
	Queue  string `json:"queue"`
	SHA256 string `json:"sha256"`
	Stored string `json:"stored"`
	Marks  []struct {
		AtMS int    `json:"at_ms"`
		Mark string `json:"mark"`
		Text string `json:"text"`
		By   string `json:"by"`
	} `json:"marks"`
}

// recordingOf waits for the only recording of a caller and reads it.
func (l *lab) recordingOf(ctx context.Context, from string) (recording, error) {
	all, err := l.recordingsOf(ctx, from, 1)
	return all[0], err
}

// recordingsOf waits for n recordings of a caller and reads them.
func (l *lab) recordingsOf(ctx context.Context, from string, n int) (all []recording, err error) {
	all = make([]recording, n)
	err = bed.Eventually(8*time.Second, func() error {
		var list struct {
			Recordings []recording `json:"recordings"`
		}
		query := url.Values{"number": {"+86" + from}}
		if err = l.node.Get(ctx, "/api/v1/recordings?"+query.Encode(), &list); err != nil {
			return err
		}
		if copy(all, list.Recordings) != n || len(list.Recordings) != n {
			return fmt.Errorf("%d recordings of %s, not %d", len(list.Recordings), from, n)
		}
		return nil
	})
	for i := range all {
		if err == nil {
			err = l.read(ctx, &all[i])
		}
	}
	return all, err
}

// read fetches a recording's file and what stands beside it.
func (l *lab) read(ctx context.Context, r *recording) error {
	if r.Failed != "" {
		return nil
	}
	if r.Kind != "conversation" {
		return fmt.Errorf("recording %+v", r)
	}
	status, file, err := l.fetch(ctx, r.AudioPath, "")
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(file); status != http.StatusOK || hex.EncodeToString(sum[:]) != r.SHA256 {
		return fmt.Errorf("recording: %d, %d bytes, and their checksum is not the one of the event", status, len(file))
	}
	if err = l.node.Get(ctx, r.AudioPath+".json", &r.about); err != nil {
		return err
	}
	if r.about.SHA256 != r.SHA256 {
		return fmt.Errorf("recording: what stands beside it has the checksum %s", r.about.SHA256)
	}
	return r.split(file)
}

// fetch reads a resource, or a part of it.
func (l *lab) fetch(ctx context.Context, path, part string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.node.URL(path), nil)
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	if part != "" {
		req.Header.Set("Range", part)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the switch: %w", err)
	}
	body, err = io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return res.StatusCode, body, nil
}

// split takes a file apart without the switch's own reader.
func (r *recording) split(file []byte) error {
	at := bytes.Index(file, []byte("data"))
	if len(file) < 58 || at < 0 || string(file[:4]) != "RIFF" || string(file[8:16]) != "WAVEfmt " {
		return fmt.Errorf("recording %s is no WAV", r.Ref)
	}
	format := file[20:]
	if binary.LittleEndian.Uint16(format) != 6 || binary.LittleEndian.Uint16(format[2:]) != 2 {
		return fmt.Errorf("recording %s is not A-law in stereo: % x", r.Ref, format[:16])
	}
	sound := file[at+8:]
	n := int(binary.LittleEndian.Uint32(file[at+4:]))
	if n > len(sound) || n/16 != r.LengthMS {
		return fmt.Errorf("recording %s: %d bytes of sound for %d ms", r.Ref, n, r.LengthMS)
	}
	for i := range n / 2 {
		r.sides[0] = append(r.sides[0], g711.DecodeA(sound[2*i]))
		r.sides[1] = append(r.sides[1], g711.DecodeA(sound[2*i+1]))
	}
	return nil
}

// tones tells how long a side has which frequencies, at a stretch.
func (r *recording) tones(side int, hz ...float64) map[float64]time.Duration {
	return tonesIn(r.sides[side], hz...)
}

func tonesIn(sound []int16, hz ...float64) map[float64]time.Duration {
	d := tone.NewDetector(hz...)
	d.Feed(sound)
	out := map[float64]time.Duration{}
	for _, h := range d.Heard() {
		out[h.Hz] = h.Longest
	}
	return out
}

// marks returns where the marks of a kind are.
func (a about) marks(kind string) (at []time.Duration) {
	for _, m := range a.Marks {
		if m.Mark == kind {
			at = append(at, time.Duration(m.AtMS)*time.Millisecond)
		}
	}
	return at
}

// between cuts a part out of both sides, together.
func (r *recording) between(from, to time.Duration) []int16 {
	a, b := int(from/time.Millisecond)*8, int(to/time.Millisecond)*8
	n := len(r.sides[0])
	a, b = min(a, n), min(b, n)
	return append(append([]int16{}, r.sides[0][a:b]...), r.sides[1][a:b]...)
}

// loudestIn is the largest sample of some sound.
func loudestIn(sound []int16) (most int) {
	for _, s := range sound {
		most = max(most, max(int(s), -int(s)))
	}
	return most
}
