package main

import (
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a DNS server for the names of a test.
type zone struct {
	conn  *net.UDPConn
	hosts map[string]string                   // A: name with a final dot to address
	srv   map[string][]dnsmessage.SRVResource // the same of SRV
	wg    sync.WaitGroup
}

func openZone(ip string, port int, hosts map[string]string, srv map[string][]dnsmessage.SRVResource) (*zone, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
	if err != nil {
		return nil, fmt.Errorf("open the DNS server: %w", err)
	}
	z := &zone{conn: conn, hosts: hosts, srv: srv}
	z.wg.Go(z.serve)
	return z, nil
}

func (z *zone) close() {
	_ = z.conn.Close() // nothing is buffered
	z.wg.Wait()
}

func (z *zone) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
			continue
		}
		if out, err := z.answer(q).Pack(); err == nil {
			_, _ = z.conn.WriteToUDP(out, from) // the switch will ask again
		}
	}
}

func (z *zone) answer(q dnsmessage.Message) *dnsmessage.Message {
	asked := q.Questions[0]
	name := strings.ToLower(asked.Name.String())
	out := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true},
		Questions: q.Questions,
	}
	head := dnsmessage.ResourceHeader{Name: asked.Name, Type: asked.Type, Class: dnsmessage.ClassINET, TTL: 60}
	switch at, srv := z.hosts[name], z.srv[name]; {
	case at == "" && len(srv) == 0:
		out.RCode = dnsmessage.RCodeNameError
	case asked.Type == dnsmessage.TypeA && at != "":
		out.Answers = append(out.Answers, dnsmessage.Resource{
			Header: head, Body: &dnsmessage.AResource{A: [4]byte(net.ParseIP(at).To4())},
		})
	case asked.Type == dnsmessage.TypeSRV:
		for i := range srv {
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: head, Body: &srv[i]})
		}
	}
	return out
}
