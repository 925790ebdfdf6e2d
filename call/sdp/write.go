package sdp

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// audio is the audio line we write.
type audio struct {
	protocol  string
	formats   []Format
	event     uint8 // 0: none
	mux       bool
	direction Direction

	cryptos []crypto
	tls     bool
	setup   string
	ice     *ICE
	mid     string
	bundled bool
}

// writeHead writes the session level. Strict peers read the ids into signed
// integers.
func writeHead(b *strings.Builder, o LocalOptions, a audio) {
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
	if a.bundled {
		b.WriteString("a=group:BUNDLE " + a.mid + "\r\n")
	}
	if a.ice != nil {
		b.WriteString("a=ice-lite\r\n")
	}
}

func writeAudio(b *strings.Builder, o LocalOptions, a audio) {
	b.WriteString("m=audio ")
	b.WriteString(strconv.Itoa(o.Port))
	b.WriteString(" " + a.protocol)
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
		name := f.Name
		if name == opusName {
			name = "opus" // as it is registered, for who compares letter by letter
		}
		b.WriteString("\r\na=rtpmap:" + strconv.Itoa(int(f.PT)) + " " + name + "/" + strconv.Itoa(f.Rate))
		if f.Channels > 1 {
			b.WriteString("/" + strconv.Itoa(f.Channels))
		}
	}
	if a.event != 0 {
		b.WriteString("\r\na=fmtp:" + strconv.Itoa(int(a.event)) + " 0-16")
	}
	b.WriteString("\r\na=ptime:" + strconv.Itoa(defaultPtime))
	if a.mid != "" {
		b.WriteString("\r\na=mid:" + a.mid)
	}
	if a.mux {
		b.WriteString("\r\na=rtcp-mux")
	}
	writeProtection(b, o, a)
	b.WriteString("\r\na=" + a.direction.String() + "\r\n")
}

// writeProtection writes keys, certificate and the one candidate of ours: an
// address of the node, which needs no gathering.
func writeProtection(b *strings.Builder, o LocalOptions, a audio) {
	for _, c := range a.cryptos {
		writeCrypto(b, c)
	}
	if a.tls {
		b.WriteString("\r\na=fingerprint:" + o.Security.Fingerprint.String() + "\r\na=setup:" + a.setup)
	}
	if a.ice == nil {
		return
	}
	b.WriteString("\r\na=ice-ufrag:" + a.ice.Ufrag + "\r\na=ice-pwd:" + a.ice.Password +
		"\r\na=candidate:1 1 UDP 2130706431 " + o.IP.Unmap().String() + " " + strconv.Itoa(o.Port) + " typ host" +
		"\r\na=end-of-candidates\r\na=msid:tierline tierline")
}
