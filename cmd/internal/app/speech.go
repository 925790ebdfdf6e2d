package app

import (
	"context"
	"fmt"

	"tierline/cmd/internal/config"
	"tierline/cmd/internal/console"
	"tierline/media/speech"
)

// startSpeech makes what speaks texts; without engines none is spoken.
func (n *Node) startSpeech(_, _ context.Context) error {
	engines := map[string]speech.Engine{}
	for language, s := range n.settings.Speech {
		engine, err := engineOf(s)
		if err != nil {
			return fmt.Errorf("speech.%s: %w", language, err)
		}
		engines[language] = engine
	}
	n.speaker = speech.NewSpeaker(speech.Config{Engines: engines, Log: n.log.With("part", "speech")})
	n.undo(n.speaker.Close)
	return nil
}

func engineOf(s config.Speech) (speech.Engine, error) {
	if s.URL == "" {
		return speech.Exec{Command: s.Command, Version: s.Version, Timeout: s.Timeout}, nil
	}
	header := map[string]string{}
	if s.TokenFile != "" {
		token, err := readSecret(s.TokenFile)
		if err != nil {
			return nil, err
		}
		header["Authorization"] = "Bearer " + token
	}
	return speech.HTTP{URL: s.URL, JSON: s.JSON, Header: header, Version: s.Version, Timeout: s.Timeout}, nil
}

func (n *Node) speechFigures() []console.Figure {
	s := n.speaker.Figures()
	out := console.Counters("speech_texts_total", "Texts to be spoken", "outcome", map[string]uint64{
		"kept": s.Hits, "made": s.Misses, "slow": s.Slow, "failed": s.Failed, "busy": s.Turned,
	})
	return append(out, console.Gauge("speech_memory_bytes", "Spoken texts in memory", s.Bytes))
}
