package report_test

import (
	"testing"

	"tierline/acd"
	"tierline/acd/report"
)

// A menu that ended in the millisecond in which it began was sometimes missing
// after a conversation: whether the two events shared one decided it.
func TestMenuAfterATalkIsRecordedHoweverShortItWas(t *testing.T) {
	for _, took := range []int64{0, 1} {
		l := &telling{fold: report.NewFold()}
		l.at(1000, arrival("a"))
		l.at(1010, fact(acd.FactCallQueued, "a", func(f *acd.Fact) { f.Queue = "human" }))
		l.at(1020, fact(acd.FactCallConnected, "a", func(f *acd.Fact) { f.Agent, f.Offer = "1001", 5 }))
		l.at(9000, fact(acd.FactAgentReleased, "a", func(f *acd.Fact) { f.By, f.Offer = "agent", 5 }))
		l.at(9000, fact(acd.FactCallStep, "a", func(f *acd.Fact) { f.Step = "bye" }))
		l.at(9000+took, fact(acd.FactCallEnded, "a", func(f *acd.Fact) { f.Cause = "normal" }))
		b, err := l.fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		var kinds []report.Kind
		for _, s := range b.Ended[0].Segments {
			kinds = append(kinds, s.Kind)
		}
		if len(kinds) != 4 || kinds[3] != report.IVR {
			t.Errorf("a menu of %d ms after the talk: segments %v", took, kinds)
		}
	}
}
