package sdp

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// plainAudio is the audio line we write.
type plainAudio struct {
	formats   []Format
	event     uint8 // 0: none
	mux       bool
	direction Direction
}

// writeHead writes the session level. Strict peers read the ids into signed
// integers.
func writeHead(b *strings.Builder, o LocalOptions) {
	ip := o.IP.Unmap()
	family := "IP4"
	if ip.Is6() {
		family = "IP6"
	}
	b.WriteString("v=0\r\no=- ")
	b.WriteString(strconv.FormatUint(o.SessionID&math.MaxInt64, 10))
	b.WriteByte(' ')
	b.WriteString(strconv.FormatUint(o.Version&math.MaxInt64, 10))
	address := " IN " + family + " " + ip.String() + "\r\n"
	b.WriteString(address)
	b.WriteString("s=-\r\nc=" + address[1:] + "t=0 0\r\n")
}

func writeAudio(b *strings.Builder, o LocalOptions, a plainAudio) {
	b.WriteString("m=audio ")
	b.WriteString(strconv.Itoa(o.Port))
	b.WriteString(" RTP/AVP")
	formats := a.formats
	if a.event != 0 {
		formats = append(slices.Clip(formats),
			Format{PT: a.event, Name: "telephone-event", Rate: codecRate, Channels: 1})
	}
	for _, f := range formats {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(int(f.PT)))
	}
	for _, f := range formats {
		b.WriteString("\r\na=rtpmap:" + strconv.Itoa(int(f.PT)) + " " + f.Name + "/8000")
	}
	if a.event != 0 {
		b.WriteString("\r\na=fmtp:" + strconv.Itoa(int(a.event)) + " 0-16")
	}
	b.WriteString("\r\na=ptime:" + strconv.Itoa(defaultPtime))
	if a.mux {
		b.WriteString("\r\na=rtcp-mux")
	}
	b.WriteString("\r\na=" + a.direction.String() + "\r\n")
}
