package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

var errEmpty = errors.New("an answer without a byte")

// exchange asks over UDP, from a port of its own, and again over TCP if the
// answer didn't fit.
func exchange(ctx context.Context, server netip.AddrPort, question []byte) ([]byte, error) {
	b, err := over(ctx, "udp", server, question, datagrams)
	if err == nil && len(b) > 2 && b[2]&2 != 0 { // truncated
		return over(ctx, "tcp", server, question, stream)
	}
	return b, err
}

func over(
	ctx context.Context, network string, server netip.AddrPort, question []byte,
	talk func(c net.Conn, question []byte) ([]byte, error),
) ([]byte, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", server, err)
	}
	defer func() { _ = c.Close() }() // nothing is kept back
	if end, ok := ctx.Deadline(); ok {
		if err = c.SetDeadline(end); err != nil {
			return nil, fmt.Errorf("ask %s: %w", server, err)
		}
	}
	b, err := talk(c, question)
	if err != nil {
		return nil, fmt.Errorf("ask %s over %s: %w", server, network, err)
	}
	return b, nil
}

// datagrams takes the first one with the question's id; others may be guesses.
func datagrams(c net.Conn, question []byte) ([]byte, error) {
	if _, err := c.Write(question); err != nil {
		return nil, err //nolint:wrapcheck // over does
	}
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return nil, err //nolint:wrapcheck // over does
		}
		if n >= 2 && b[0] == question[0] && b[1] == question[1] {
			return b[:n], nil
		}
	}
}

func stream(c net.Conn, question []byte) ([]byte, error) {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...) //nolint:gosec // short
	if _, err := c.Write(framed); err != nil {
		return nil, err //nolint:wrapcheck // over does
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err //nolint:wrapcheck // over does
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if len(b) == 0 {
		return nil, errEmpty
	}
	_, err := io.ReadFull(c, b)
	return b, err //nolint:wrapcheck // over does
}
