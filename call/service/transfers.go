package service

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tierline/routing/document"
	"tierline/routing/trunk"
)

// Destination is somebody outside the ACD to whom a flow may send callers.
type Destination struct {
	Name   string
	Number string        // normalised; "" if URI or Open
	URI    string        // a fixed address that needs no trunk
	Trunk  string        // "" the first that may call the number
	Refer  bool          // leave the call to the far switch if it can take it
	Open   bool          // the flow brings the number …
	Allow  []string      // … and it must begin like one of these
	Ring   time.Duration // unless the flow says how long
	Music  string        // what the caller hears meanwhile; "" the ringing tone
}

type transfersDoc struct {
	Destinations document.Entries[destinationDoc] `doc:"destinations,required,nonempty"`
}

type destinationDoc struct {
	Title  titles                        `doc:"title"`
	Number document.Value[string]        `doc:"number,nonempty"`
	URI    document.Value[string]        `doc:"uri,nonempty"`
	Trunk  document.Value[string]        `doc:"trunk,nonempty"`
	Mode   document.Value[string]        `doc:"mode"`
	Open   document.Value[bool]          `doc:"open"`
	Allow  []document.Value[string]      `doc:"allow,nonempty"`
	Ring   document.Value[time.Duration] `doc:"ring_time,min=3s,max=3m"`
	Music  document.Value[string]        `doc:"music,nonempty"`
}

const defaultTransferRing = 30 * time.Second

func (c *compiler) transfers() {
	var d transfersDoc
	p := c.read(transfersFile, &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, e := range d.Destinations {
		checkName(p, e.Key, "a destination")
		c.service.Destinations[e.Key.V] = c.destination(p, e)
	}
}

func (c *compiler) destination(p *document.Problems, e document.Entry[destinationDoc]) Destination {
	d := e.Value
	out := Destination{
		Name: e.Key.V, Number: trunk.Numbering{}.Normalise(d.Number.V), URI: d.URI.V, Trunk: d.Trunk.V,
		Open: d.Open.V, Allow: numberPrefixes(p, d.Allow), Ring: d.Ring.Or(defaultTransferRing), Music: d.Music.V,
	}
	switch d.Mode.V {
	case "", "bridge":
	case "refer":
		out.Refer = true
	default:
		p.Errorf(d.Mode.Pos, "mode is bridge or refer%s", document.DidYouMean(d.Mode.V, []string{"bridge", "refer"}))
	}
	reference(p, d.Trunk, c.trunkNames, "trunk")
	if given := count(d.Number.Given, d.URI.Given, d.Open.V); given != 1 {
		p.Errorf(e.Key.Pos, "destination %q needs one of number, uri, or open: true", e.Key.V)
		return out
	}
	switch {
	case d.URI.Given && !isAddress(d.URI.V):
		p.Errorf(d.URI.Pos, "%q is no address such as sip:desk@192.0.2.1:5060", d.URI.V)
	case d.Open.V && len(d.Allow) == 0:
		p.Errorf(d.Open.Pos, "an open destination needs allow: the beginnings of the numbers that may be called")
	case !d.Open.V && len(d.Allow) > 0:
		p.Errorf(d.Allow[0].Pos, "allow is for open destinations; which numbers a trunk may call stands in trunks.yaml")
	case d.Number.Given:
		c.checkPermitted(p, d, out)
	}
	if key := d.Music.V; d.Music.Given && c.bundle.Prompts[key] == "" {
		p.Warnf(d.Music.Pos, "no sound file prompts/%s.wav", key)
	}
	return out
}

// checkPermitted reports a fixed number that no trunk may call: it would fail
// for every caller.
func (c *compiler) checkPermitted(p *document.Problems, d destinationDoc, to Destination) {
	if c.service.Trunks == nil {
		return // a mistake of its own
	}
	if _, err := c.service.Outward(to.Trunk, to.Number); err != nil {
		p.Errorf(d.Number.Pos, "%s can't be called: %v", to.Number, err)
	}
}

func count(given ...bool) (n int) {
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}

// isAddress tells sip:user@host with an optional port and transport.
func isAddress(s string) bool {
	rest, isSIP := strings.CutPrefix(s, "sip:")
	user, host, ok := strings.Cut(rest, "@")
	if !isSIP || !ok || !isName(strings.TrimPrefix(user, "+")) {
		return false
	}
	_, err := trunk.ParseTarget("sip:" + host)
	return err == nil
}

// Outward finds the trunk that may call a normalised number: the one that is
// named, else the first in the order of the document. The error says why none
// may.
func (s *Service) Outward(name, number string) (trunk.Trunk, error) {
	all, err := s.Outwards(name, number)
	if err != nil {
		return trunk.Trunk{}, err
	}
	return all[0], nil
}

// Outwards finds all trunks that may call a normalised number, in the order of
// the document.
func (s *Service) Outwards(name, number string) ([]trunk.Trunk, error) {
	var out []trunk.Trunk
	why := trunk.ErrNoTargets
	for _, t := range s.Trunks.Trunks() {
		if name != "" && t.Name != name {
			continue
		}
		switch err := t.Permits(number); {
		case err == nil:
			out = append(out, t)
		case len(t.Outward.Targets) > 0:
			why = err
		}
	}
	if len(out) == 0 {
		return nil, why
	}
	return out, nil
}

// Urgent finds the trunks through which agents may always call a number: those
// that name it as one for emergencies.
func (s *Service) Urgent(number string) []trunk.Trunk {
	return slices.DeleteFunc(s.Trunks.Trunks(), func(t trunk.Trunk) bool { return !t.Urgent(number) })
}

// DestinationNames lists the destinations, sorted.
func (s *Service) DestinationNames() []string { return slices.Sorted(maps.Keys(s.Destinations)) }
