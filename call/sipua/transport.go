package sipua

import "strings"

// Transports.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
	WS  = "ws"  // WebSocket (RFC 7118); only phones connect, we never do
	WSS = "wss" // the same over TLS
)

// overSocket says whether a transport is one of WebSockets.
func overSocket(transport string) bool { return transport == WS || transport == WSS }

// secure says whether nobody on the way can read a transport.
func secure(transport string) bool { return transport == TLS || transport == WSS }

// uriParam is what the transport parameter of a SIP URI says: both kinds of
// WebSocket are ws there (RFC 7118 §5.4).
func uriParam(transport string) string {
	if transport == WSS {
		return WS
	}
	return transport
}

// named returns the transport that a URI asks for, seen by somebody who would
// else use network.
func named(scheme, param, network string) string {
	param = strings.ToLower(param)
	switch {
	case overSocket(network): // a phone behind a WebSocket has no other way
		return network
	case scheme == "sips" || param == TLS:
		return TLS
	case param == TCP || param == UDP:
		return param
	}
	return network
}

// usualPort is where SIP is served if nothing else is said.
func usualPort(transport string) uint16 {
	if secure(transport) {
		return 5061
	}
	return 5060
}
