package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

func trunksCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "trunks", Short: "Trunks: state, running calls and their limits, registrations, targets, the last error",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Trunks
			if err := o.get(cmd.Context(), "/api/v1/trunks", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return o.trunksTable(list.Trunks) })
		},
	}
	cmd.AddCommand(trunkTestCommand(o))
	return cmd
}

func (o *options) trunksTable(list []wire.Trunk) string {
	t := newTable("TRUNK", "STATE", "IN", "OUT", "ALL", "REGISTERED", "TARGETS", "REFUSED", "MADE",
		"SOURCES", "LAST ERROR")
	for i := range list {
		k := &list[i]
		last, in, out := "-", 0, 0
		if k.ErrorAt != nil {
			last = o.clock(k.ErrorAt.Std()) + " " + k.Error
		}
		if k.Limits.In != nil {
			in = k.Limits.In.Calls
		}
		if k.Limits.Out != nil {
			out = k.Limits.Out.Calls
		}
		t.add(k.Name, k.State, ofMost(k.In, in), ofMost(k.Out, out), ofMost(k.In+k.Out, k.Limits.Calls), linesWord(k.Lines),
			targetsWord(k.Targets), countsWord(k.Refused), countsWord(k.Made), or(strings.Join(k.Sources, " ")), last)
	}
	return t.text("no trunks: publish service documents with `tierline apply DIR`")
}

// ofMost writes a number and its limit, of which 0 is none: 3/30.
func ofMost(n, most int) string {
	if most == 0 {
		return strconv.Itoa(n)
	}
	return strconv.Itoa(n) + "/" + strconv.Itoa(most)
}

// countsWord writes how often what happened: busy 2, no_answer 1.
func countsWord(counts map[string]uint64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, name+" "+strconv.FormatUint(counts[name], 10))
	}
	return or(strings.Join(parts, ", "))
}

// linesWord writes where a trunk is registered: ims.example.net yes.
func linesWord(lines []wire.Line) string {
	var parts []string
	for _, l := range lines {
		word := l.State
		if word == "registered" {
			word = "yes"
		}
		parts = append(parts, shortTarget(l.Registrar)+" "+word)
	}
	return or(strings.Join(parts, ", "))
}

// shortTarget leaves out what nobody needs to read.
func shortTarget(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "sip:"), ";transport=udp")
}

func targetsWord(targets []wire.Target) string {
	var parts []string
	for _, t := range targets {
		word := shortTarget(t.Target)
		if t.Health != "unwatched" {
			word += " " + t.Health
		}
		parts = append(parts, word)
	}
	return or(strings.Join(parts, ", "))
}
