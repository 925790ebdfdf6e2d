package sdp_test

import (
	"fmt"
	"net/netip"
	"strings"

	"tierline/call/sdp"
)

func Example() {
	offer, err := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n" +
		"m=audio 4000 RTP/AVP 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, n, err := sdp.Answer(offer, sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.1"), Port: 20000, SessionID: 5, Version: 1, Codecs: []uint8{sdp.PCMA, sdp.PCMU},
	})
	fmt.Println(err, n.Remote, n.PT, n.EventPT, n.Send, n.Receive, n.Hold)
	fmt.Print(strings.ReplaceAll(string(body), "\r\n", "\n"))
	// Output:
	// <nil> 192.0.2.7:4000 8 96 false true true
	// v=0
	// o=- 5 1 IN IP4 192.0.2.1
	// s=-
	// c=IN IP4 192.0.2.1
	// t=0 0
	// m=audio 20000 RTP/AVP 8 96
	// a=rtpmap:8 PCMA/8000
	// a=rtpmap:96 telephone-event/8000
	// a=fmtp:96 0-16
	// a=ptime:20
	// a=recvonly
}
