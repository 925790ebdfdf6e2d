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
	return &cobra.Command{
		Use: "trunks", Short: "Trunks: addresses, limits, running calls, refusals, the last error", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Trunks
			if err := o.get(cmd.Context(), "/api/v1/trunks", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return o.trunksTable(list.Trunks) })
		},
	}
}

func (o *options) trunksTable(list []wire.Trunk) string {
	t := newTable("TRUNK", "IN", "OUT", "MOST", "A SECOND", "REFUSED", "MADE", "SOURCES", "TARGETS",
		"REGISTERED", "LAST ERROR")
	for i := range list {
		k := &list[i]
		name, last := k.Name, "-"
		if k.Gone {
			name += " (gone)"
		}
		if k.ErrorAt != nil {
			last = o.clock(k.ErrorAt.Std()) + " " + k.Error
		}
		t.add(name, strconv.Itoa(k.In), strconv.Itoa(k.Out), limitWord(k.Limits.Calls), limitWord(k.Limits.Rate),
			countsWord(k.Refused), countsWord(k.Made), or(strings.Join(k.Sources, " ")), targetsWord(k.Targets),
			linesWord(k.Lines), last)
	}
	return t.text("no trunks: publish service documents with `tierline apply DIR`")
}

// limitWord writes a limit, of which 0 is none.
func limitWord(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
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
