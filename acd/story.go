package acd

// maxWord bounds the words that flows put into the story.
const maxWord = 256

func (s *State) callSurveyed(ev CallSurveyed, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case ev.Question == "" || ev.Value == "" || max(len(ev.Question), len(ev.Value)) > maxWord:
		return refuse(ev, "question and value must be there, in %d bytes", maxWord)
	}
	f := c.fact(FactCallSurveyed)
	f.Agent, f.Question, f.Value = c.served, ev.Question, ev.Value
	if o := s.offers[c.offer]; o.answered() {
		f.Agent = o.agent
	}
	r.Facts = append(r.Facts, f)
	return nil
}

func (s *State) callRecorded(ev CallRecorded, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case ev.Ref == "" || ev.Kind == "" || ev.LengthMS < 0 || max(len(ev.Ref), len(ev.Kind)) > maxWord:
		return refuse(ev, "ref and kind must be there, in %d bytes", maxWord)
	case max(len(ev.Agent), len(ev.SHA256), len(ev.Failed)) > maxWord:
		return refuse(ev, "agent, sum and reason must be in %d bytes", maxWord)
	}
	f := c.fact(FactCallRecorded)
	f.Ref, f.LengthMS, f.Reason = ev.Ref, ev.LengthMS, ev.Kind
	f.Agent, f.SHA256, f.Cause = ev.Agent, ev.SHA256, ev.Failed
	r.Facts = append(r.Facts, f)
	return nil
}

func (s *State) recordingMarked(ev RecordingMarked, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case ev.Ref == "" || ev.Mark == "" || ev.AtMS < 0 ||
		max(len(ev.Ref), len(ev.Mark), len(ev.Text), len(ev.By)) > maxWord:
		return refuse(ev, "ref and mark must be there, all words in %d bytes", maxWord)
	}
	f := c.fact(FactRecordingMarked)
	f.Ref, f.AtMS, f.Reason, f.Value, f.By = ev.Ref, ev.AtMS, ev.Mark, ev.Text, ev.By
	r.Facts = append(r.Facts, f)
	return nil
}

// recordingUsed notes for an audit what the call, which is over, can't be asked.
func (s *State) recordingUsed(ev RecordingUsed, r *Result) error {
	if ev.Ref == "" || ev.Use == "" || max(len(ev.Ref), len(ev.Use), len(ev.By)) > maxWord {
		return refuse(ev, "ref and use must be there, all words in %d bytes", maxWord)
	}
	r.Facts = append(r.Facts, Fact{Kind: FactRecordingUsed, Ref: ev.Ref, Reason: ev.Use, By: ev.By})
	return nil
}

func (s *State) callTransferred(ev CallTransferred, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case ev.To == "" || ev.Result == "" || max(len(ev.To), len(ev.Result)) > maxWord:
		return refuse(ev, "destination and result must be there, in %d bytes", maxWord)
	}
	f := c.fact(FactCallTransferred)
	f.To, f.Cause = ev.To, ev.Result
	r.Facts = append(r.Facts, f)
	return nil
}

// fact returns a fact with everything that says which call is meant, and what
// its queue was, if it had one.
func (c *call) fact(kind FactKind) Fact {
	f := Fact{Kind: kind, Call: c.id, Node: c.node, Tier: tierOf(c), Customer: c.customer.ID}
	if c.queue != nil {
		f.Queue = c.queue.Name
	}
	return f
}
