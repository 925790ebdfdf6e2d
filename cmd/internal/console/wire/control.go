package wire

// Control is what an agent does with his call. For consult, transfer and
// conference one of agent, queue, number and flow says whom it is about; none:
// whom he asks already.
type Control struct {
	Action string `json:"action" enum:"hold,resume,mute,unmute,consult,swap,transfer,conference,drop"`
	Agent  string `json:"agent,omitempty" maxLength:"64" doc:"Another agent"`
	Queue  string `json:"queue,omitempty" maxLength:"64" doc:"Its longest idle agent; transfer: its line"`
	Number string `json:"number,omitempty" maxLength:"64" doc:"Outside, or a destination of the documents"`
	Flow   string `json:"flow,omitempty" maxLength:"64" doc:"transfer: a flow"`
	Party  string `json:"party,omitempty" maxLength:"64" doc:"drop: an agent or number; none: whom he asks"`
	By     string `json:"by,omitempty" maxLength:"64" doc:"Who asks, if not the agent"`
}

// Party is an agent in a call beside the one who serves it.
type Party struct {
	Agent string `json:"agent"`
	Role  string `json:"role" enum:"consult,transfer,member,caller"`
	State string `json:"state" enum:"ringing,talking"`
	By    string `json:"by,omitempty" doc:"Who wanted it"`
}
