package phone

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/emiago/diago"
	"github.com/emiago/diago/media"
	"github.com/emiago/diago/media/sdp"
)

// prime gives a dialog its media session before diago makes one. A fresh
// session of diago v0.31.0 writes an o= line beyond 63 bits, which strict peers
// refuse; a session that has seen a remote description goes on with that
// one's number. So it is shown one.
func prime(d *diago.DialogClientSession, ip netip.Addr) error {
	s := &media.MediaSession{
		Codecs: codecs(), Mode: sdp.ModeSendrecv, Laddr: net.UDPAddr{IP: ip.AsSlice()},
	}
	if err := s.Init(); err != nil {
		return fmt.Errorf("open media sockets: %w", err)
	}
	seen := fmt.Sprintf("v=0\r\no=- %d 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"+
		"m=audio 9 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", s.Laddr.Port, ip, ip)
	if err := s.RemoteSDP([]byte(seen)); err != nil {
		_ = s.Close() // the first error says what is wrong
		return fmt.Errorf("prime media session: %w", err)
	}
	s.SetRemoteAddr(&net.UDPAddr{})
	d.InitMediaSession(s, nil, nil)
	return nil
}
