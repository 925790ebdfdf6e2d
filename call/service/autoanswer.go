package service

import "tierline/routing/document"

// AutoAnswer says what an agent's phones are asked to do with calls of queues.
type AutoAnswer uint8

// Ways to take a call.
const (
	AnswerByHand  AutoAnswer = iota
	AnswerByPhone            // by itself, if its user lets it
	AnswerAtOnce             // by itself or not at all
)

// AutoAnswer says who takes a call at an agent's phones.
func (s *Service) AutoAnswer(agent string) AutoAnswer { return s.autoAnswer[agent] }

// readAutoAnswer reads who takes a call.
func readAutoAnswer(p *document.Problems, v document.Value[string]) AutoAnswer {
	switch v.V {
	case "", "off":
		return AnswerByHand
	case "header":
		return AnswerByPhone
	case "force":
		return AnswerAtOnce
	}
	p.Errorf(v.Pos, "auto_answer is off, header or force, not %q%s", v.V,
		document.DidYouMean(v.V, []string{"off", "header", "force"}))
	return AnswerByHand
}
