package wire

// ProblemError is an error as RFC 9457 writes it, with what this API adds.
type ProblemError struct {
	Type    string    `json:"type,omitempty"`
	Title   string    `json:"title"`
	Status  int       `json:"status"`
	Detail  string    `json:"detail,omitempty"`
	Errors  []Detail  `json:"errors,omitempty"`          // which part of the request
	Mistake []Mistake `json:"problems,omitempty"`        // in the documents
	Prompts []string  `json:"missing_prompts,omitempty"` // SHA-256 of sounds to be sent first
}

// Detail says what is wrong with one part of a request.
type Detail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
	Value    any    `json:"value,omitempty"`
}

// Error implements error.
func (p *ProblemError) Error() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	for _, e := range p.Errors {
		text += "; " + e.Message
		if e.Location != "" {
			text += " (" + e.Location + ")"
		}
	}
	return text
}

// GetStatus is the HTTP status, for huma.
func (p *ProblemError) GetStatus() int { return p.Status }

// ContentType names the format, for huma.
func (*ProblemError) ContentType(string) string { return "application/problem+json" }
