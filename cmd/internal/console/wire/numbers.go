package wire

import "tierline/acd/report"

// ServiceLevel is how a service level is counted: docs/reference/numbers.md
// has the variants.
type ServiceLevel struct {
	Variant string `json:"variant" enum:"A,B,C,D,E"`
	WithinS int    `json:"within_s" doc:"T: seconds within which calls are to be answered"`
	ShortS  int    `json:"short_s" doc:"s: seconds up to which an abandon is short"`
}

// QueueNumbers is what happened at a queue in an interval. Sums may be added
// up over rows; ratios and means may not.
type QueueNumbers struct {
	Began report.Time `json:"began"`
	Ended report.Time `json:"ended" doc:"Exclusive"`
	Queue string      `json:"queue,omitempty" doc:"Absent in the total"`
	Tier  string      `json:"tier,omitempty"`
	Skill string      `json:"skill,omitempty" doc:"Skills that the calls asked for, with +"`

	Offered        int64            `json:"offered" doc:"Visits that began"`
	Answered       int64            `json:"answered"`
	Abandoned      int64            `json:"abandoned" doc:"The caller hung up"`
	ShortAbandoned int64            `json:"short_abandoned"`
	Left           map[string]int64 `json:"left" doc:"Visits that ended otherwise, by cause"`
	Waiting        int64            `json:"waiting" doc:"Visits of the interval that go on"`
	Refused        int64            `json:"refused" doc:"The queue took no call"`
	AnsweredIn     int64            `json:"answered_in" doc:"Within T"`
	AbandonedIn    int64            `json:"abandoned_in" doc:"Within T"`
	ServiceLevel   *float64         `json:"service_level,omitempty" doc:"0 to 1; absent if no call counts"`

	AnsweredWaitMS  int64  `json:"answered_wait_ms" doc:"Waits of answered visits, summed"`
	AbandonedWaitMS int64  `json:"abandoned_wait_ms"`
	LeftWaitMS      int64  `json:"left_wait_ms"`
	MaxWaitMS       int64  `json:"max_wait_ms" doc:"Longest wait of visits that ended"`
	ASAMS           *int64 `json:"asa_ms,omitempty" doc:"answered_wait_ms / answered"`
	Handled         int64  `json:"handled" doc:"Conversations that ended"`
	TalkMS          int64  `json:"talk_ms"`
	WrapUpMS        int64  `json:"wrap_up_ms"`
	AHTMS           *int64 `json:"aht_ms,omitempty" doc:"(talk_ms + wrap_up_ms) / handled"`

	Callbacks *CallbackNumbers `json:"callbacks,omitempty" doc:"Counted apart; absent if none was asked for"`
}

// CallbackNumbers are the call-backs that a queue was asked for in an interval.
type CallbackNumbers struct {
	Requested   int64  `json:"requested"`
	Attempts    int64  `json:"attempts" doc:"Agents who were there to call the customer"`
	Done        int64  `json:"done" doc:"The customer was reached"`
	Failed      int64  `json:"failed" doc:"As many attempts as allowed, in vain"`
	Expired     int64  `json:"expired"`
	Cancelled   int64  `json:"cancelled"`
	CalledAgain int64  `json:"called_again" doc:"The customer called; the call took its place"`
	Lost        int64  `json:"lost,omitempty" doc:"The records have a gap"`
	Open        int64  `json:"open" doc:"Go on"`
	DoneAfterMS *int64 `json:"done_after_ms,omitempty" doc:"Mean time from the request until the customer was reached"`
}

// Survey is what customers answered to a question in an interval.
type Survey struct {
	Began    report.Time      `json:"began"`
	Ended    report.Time      `json:"ended" doc:"Exclusive"`
	Queue    string           `json:"queue,omitempty"`
	Agent    string           `json:"agent,omitempty" doc:"Who talked last"`
	Question string           `json:"question"`
	Answers  map[string]int64 `json:"answers" doc:"How many, by answer"`
	Count    int64            `json:"count"`
	Mean     *float64         `json:"mean,omitempty" doc:"Of the answers that are numbers"`
}

// QueueReport are the numbers of queues.
type QueueReport struct {
	From         report.Time    `json:"from"`
	Until        report.Time    `json:"until"`
	ServiceLevel ServiceLevel   `json:"service_level"`
	Rows         []QueueNumbers `json:"rows"`
	Total        QueueNumbers   `json:"total" doc:"All rows together"`
	Surveys      []Survey       `json:"surveys,omitempty" doc:"By queue and question"`
}

// AgentNumbers is what an agent did in an interval.
type AgentNumbers struct {
	Began report.Time `json:"began"`
	Ended report.Time `json:"ended" doc:"Exclusive"`
	Agent string      `json:"agent,omitempty" doc:"Absent in the total"`
	Queue string      `json:"queue,omitempty" doc:"Of the agent's calls; absent for time without one"`

	SignedInMS    int64            `json:"signed_in_ms" doc:"The sum of the following"`
	ReadyMS       int64            `json:"ready_ms"`
	ReservedMS    int64            `json:"reserved_ms"`
	AlertingMS    int64            `json:"alerting_ms"`
	TalkingMS     int64            `json:"talking_ms"`
	WrapUpMS      int64            `json:"wrap_up_ms"`
	NotReadyMS    int64            `json:"not_ready_ms"`
	UnreachableMS int64            `json:"unreachable_ms"`
	NotReady      map[string]int64 `json:"not_ready" doc:"not_ready_ms by reason"`

	Offers    int64            `json:"offers" doc:"Offers that came to an end"`
	Answered  int64            `json:"answered"`
	Missed    int64            `json:"missed" doc:"Rang out"`
	Rejected  int64            `json:"rejected"`
	Outcomes  map[string]int64 `json:"outcomes" doc:"All offers by outcome"`
	Occupancy *float64         `json:"occupancy,omitempty" doc:"Time on calls over that and ready; 0 to 1"`
	AHTMS     *int64           `json:"aht_ms,omitempty" doc:"(talking_ms + wrap_up_ms) / answered"`
}

// AgentReport are the numbers of agents.
type AgentReport struct {
	From  report.Time    `json:"from"`
	Until report.Time    `json:"until"`
	Rows  []AgentNumbers `json:"rows"`
	Total AgentNumbers   `json:"total" doc:"All rows together"`

	Surveys []Survey `json:"surveys,omitempty" doc:"By agent and question"`
}

// Today are a queue's numbers since midnight.
type Today struct {
	Offered      int64    `json:"offered"`
	Answered     int64    `json:"answered"`
	Abandoned    int64    `json:"abandoned"`
	ServiceLevel *float64 `json:"service_level,omitempty" doc:"0 to 1; absent if no call counts"`
	ASAMS        *int64   `json:"asa_ms,omitempty" doc:"Mean wait of answered calls"`
}
