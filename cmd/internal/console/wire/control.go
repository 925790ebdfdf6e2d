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
	Role  string `json:"role" enum:"consult,transfer,member,caller,supervisor"`
	State string `json:"state" enum:"ringing,talking"`
	Mode  string `json:"mode,omitempty" enum:"listen,whisper,barge" doc:"Of a supervisor"`
	By    string `json:"by,omitempty" doc:"Who wanted it"`
}

// Supervision is what a supervisor does in a call: of an agent, or by its id;
// neither: the one he is in.
type Supervision struct {
	Supervisor string `json:"supervisor" minLength:"1" maxLength:"64" doc:"An agent with role: supervisor"`
	Agent      string `json:"agent,omitempty" maxLength:"64" doc:"Whose call"`
	Call       string `json:"call,omitempty" maxLength:"64" doc:"Which call"`
	Mode       string `json:"mode" enum:"listen,whisper,barge,take_over" doc:"take_over: he serves the call from now on"`
	By         string `json:"by,omitempty" maxLength:"64" doc:"Who asks, if not the supervisor"`
}
