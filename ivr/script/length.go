package script

import (
	"time"

	"tierline/ivr" //nolint:depguard // scripts are about flows
)

// Lengths tells how long prompts of a flow last: as known, or else as long as
// somebody needs to read their text out.
func Lengths(f *ivr.Flow, known func(p ivr.Prompt) (time.Duration, bool)) func(p ivr.Prompt) time.Duration {
	type key struct{ id, language string }
	texts := map[key]time.Duration{}
	for _, p := range f.Prompts() {
		for _, t := range p.Texts {
			texts[key{p.ID, t.Language}] = ivr.Spoken(t.Text)
		}
	}
	return func(p ivr.Prompt) time.Duration {
		switch {
		case p.Reading != nil:
			return ivr.Spoken(p.Reading.Text)
		case p.Text != "":
			return ivr.Spoken(p.Text)
		case p.Recording != "":
			return time.Second
		}
		if known != nil {
			if d, ok := known(p); ok {
				return d
			}
		}
		if d, ok := texts[key{p.ID, p.Language}]; ok {
			return d
		}
		return time.Second
	}
}
