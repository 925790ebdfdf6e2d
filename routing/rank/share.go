package rank

// Share lets agents whom no waiting call needs ring for the calls of a complete
// match that may ring several, the smallest call key first: for each choice,
// who rings beside the chosen one, the best first. Who was passed over by a call
// is left in peace: somebody else rings already. Without such calls it is nil.
func (b *Board) Share(choices []Choice, now int64) [][]*Agent {
	if len(choices) >= b.ready || !groups(choices) {
		return nil
	}
	m := match{board: b, now: now, used: map[*Agent]bool{}}
	for i := range choices {
		m.used[choices[i].Agent] = true
	}
	out := make([][]*Agent, len(choices))
	for i := range choices {
		c := choices[i].Call
		for c.owner == nil && !c.Yields && 1+len(out[i]) < c.Group {
			a := m.best(c)
			if a == nil || m.passed(c, a) {
				break
			}
			m.used[a] = true
			out[i] = append(out[i], a)
		}
	}
	return out
}

// groups reports whether one of the calls may ring several agents.
func groups(choices []Choice) bool {
	for i := range choices {
		if choices[i].Call.Group > 1 {
			return true
		}
	}
	return false
}
