package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"tierline/.ci/bed"
)

// Whom the registrar of the fake carrier knows, and how.
const (
	carrierRealm  = "ims.test"
	carrierUser   = "057187650000"
	carrierSecret = "hunter2"
	leastExpires  = 120 // seconds; less gets 423
	granted       = 4   // the same: a refresh is due soon
)

// fakeCarrier registers us as carriers do, and answers calls with one status.
type fakeCarrier struct {
	conn   *net.UDPConn
	status int // of INVITEs
	wg     sync.WaitGroup

	mu        sync.Mutex
	registers map[int]int // answers to REGISTER, by status
	contact   string
	invite    bed.Message
}

func openFakeCarrier(ip string, port, status int) (*fakeCarrier, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
	if err != nil {
		return nil, fmt.Errorf("open the carrier: %w", err)
	}
	c := &fakeCarrier{conn: conn, status: status, registers: map[int]int{}}
	c.wg.Go(c.serve)
	return c, nil
}

func (c *fakeCarrier) close() {
	_ = c.conn.Close() // nothing is buffered
	c.wg.Wait()
}

func (c *fakeCarrier) serve() {
	buf := make([]byte, 65535)
	for {
		n, from, err := c.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if answer := c.answer(bed.Message(buf[:n])); answer != "" {
			_, _ = c.conn.WriteToUDP([]byte(answer), from) // the switch will ask again
		}
	}
}

func (c *fakeCarrier) answer(m bed.Message) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := "sip:carrier@" + c.conn.LocalAddr().String()
	switch m.Method() {
	case "INVITE":
		c.invite = m
		return m.Reply(c.status, "As Told", "carrier", own, "")
	case "OPTIONS":
		return m.Reply(200, "OK", "carrier", own, "")
	case "REGISTER":
		status, extra := c.registered(m)
		c.registers[status]++
		return strings.Replace(m.Reply(status, "As Told", "carrier", own, ""), "\r\n", "\r\n"+extra, 1)
	}
	return ""
}

// registered decides about a REGISTER. mu is held.
func (c *fakeCarrier) registered(m bed.Message) (status int, extra string) {
	auth := m.Header("Authorization")
	expires, _ := strconv.Atoi(m.Header("Expires")) // none is 0
	switch {
	case auth == "":
		return 401, fmt.Sprintf("WWW-Authenticate: Digest realm=%q, nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n",
			carrierRealm)
	case !proves(auth):
		return 403, ""
	case expires > 0 && expires < leastExpires:
		return 423, fmt.Sprintf("Min-Expires: %d\r\n", leastExpires)
	}
	c.contact = bed.URI(m.Header("Contact"))
	return 200, fmt.Sprintf("Contact: <%s>;expires=%d\r\n", c.contact, min(expires, granted))
}

// proves checks a digest.
func proves(auth string) bool {
	get := func(name string) string {
		_, rest, _ := strings.Cut(auth, " "+name+"=")
		rest, _, _ = strings.Cut(rest, ",")
		return strings.Trim(rest, `" `)
	}
	if get("username") != carrierUser || get("realm") != carrierRealm {
		return false
	}
	a1, a2 := hash(carrierUser+":"+carrierRealm+":"+carrierSecret), hash("REGISTER:"+get("uri"))
	known := []string{a1, get("nonce"), get("nc"), get("cnonce"), get("qop"), a2}
	return get("response") == hash(strings.Join(known, ":"))
}

// seen is how often REGISTER was answered in some way, and the contact.
func (c *fakeCarrier) seen(status int) (n int, contact string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.registers[status], c.contact
}

// invited is the last INVITE.
func (c *fakeCarrier) invited() bed.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.invite
}
