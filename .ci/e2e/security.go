package main

func securitySteps() []step {
	return []step{
		{"bad inputs: each message gets its answer or none, the call beside it goes on", badMessages},
		{"corpora: RFC 4475 and RFC 5118 get their answers", tortures},
		{"corpora: PROTOS c07-sip harms neither the switch nor a call", protos},
		{"brute force: wrong passwords are held back, then banned, and the same for nobody as for somebody", bruteForce},
		{"SIPVicious: svmap, svwar and svcrack get nothing", sipVicious},
		{"garbage: malformed datagrams harm neither the switch nor a call", garbage},
		{"after all that: the call beside it ends as it should, and another begins", survived},
	}
}
