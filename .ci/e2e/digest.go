package main

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// bind registers a phone by digest from the very address where sipp will
// answer, after it has taken back what is named in before ("*": everything).
// sipp could do it by itself, but version 3.6 looks at the first challenge
// only, which is SHA-256, and knows nothing but MD5.
func bind(registrar, ip string, port int, user, secret, before string) error {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
	if err != nil {
		return fmt.Errorf("open phone's socket: %w", err)
	}
	defer func() { _ = conn.Close() }()
	to, err := net.ResolveUDPAddr("udp4", registrar)
	if err != nil {
		return fmt.Errorf("resolve registrar: %w", err)
	}
	r := &registration{conn: conn, to: to, user: user, call: fmt.Sprintf("%x@%s", rand.Uint64(), ip)}
	if before != "" {
		if err := r.register(before, 0, secret); err != nil {
			return fmt.Errorf("take back %s: %w", before, err)
		}
	}
	return r.register(fmt.Sprintf("<sip:%s@%s>", user, conn.LocalAddr()), 600, secret)
}

type registration struct {
	conn *net.UDPConn
	to   *net.UDPAddr
	user string
	call string
	cseq int
}

// register asks once, is challenged, and asks again.
func (r *registration) register(contact string, expires int, secret string) error {
	m, err := r.ask(contact, expires, "")
	if err != nil {
		return err
	}
	if m.Status() != 401 {
		return fmt.Errorf("register %s: %d without a challenge", r.user, m.Status())
	}
	for _, challenge := range m.Headers("WWW-Authenticate") {
		if !strings.Contains(strings.ToUpper(challenge), "MD5") {
			continue
		}
		if m, err = r.ask(contact, expires, r.answer(challenge, secret)); err != nil {
			return err
		}
		if m.Status() != 200 {
			return fmt.Errorf("register %s: %d", r.user, m.Status())
		}
		return nil
	}
	return fmt.Errorf("register %s: no MD5 challenge", r.user)
}

// ask sends one REGISTER and returns its final answer.
func (r *registration) ask(contact string, expires int, authorization string) (bed.Message, error) {
	r.cseq++
	var b strings.Builder
	local := r.conn.LocalAddr()
	fmt.Fprintf(&b, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%x;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@%s>;tag=%x\r\nTo: <sip:%s@%s>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\n"+
		"Contact: %s\r\nExpires: %d\r\n%sContent-Length: 0\r\n\r\n",
		r.to, local, rand.Uint64(), r.user, r.to.IP, r.cseq, r.user, r.to.IP, r.call, r.cseq, contact, expires,
		authorization)
	buf := make([]byte, 65535)
	for range 5 {
		if _, err := r.conn.WriteToUDP([]byte(b.String()), r.to); err != nil {
			return "", fmt.Errorf("register: %w", err)
		}
		if err := r.conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			return "", fmt.Errorf("register: %w", err)
		}
		for {
			n, _, err := r.conn.ReadFromUDP(buf)
			if err != nil {
				break // a retransmission may help
			}
			m := bed.Message(buf[:n])
			if m.Status() >= 200 && strings.HasPrefix(m.Header("CSeq"), fmt.Sprintf("%d ", r.cseq)) {
				return m, nil
			}
		}
	}
	return "", errors.New("register: no answer")
}

// answer makes the Authorization header for an MD5 challenge with qop=auth.
func (r *registration) answer(challenge, secret string) string {
	get := func(name string) string {
		_, rest, _ := strings.Cut(challenge, name+`="`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	realm, nonce, uri := get("realm"), get("nonce"), fmt.Sprintf("sip:%s", r.to)
	cnonce := fmt.Sprintf("%x", rand.Uint64())
	a1, a2 := hash(r.user+":"+realm+":"+secret), hash("REGISTER:"+uri)
	response := hash(a1 + ":" + nonce + ":00000001:" + cnonce + ":auth:" + a2)
	opaque := ""
	if o := get("opaque"); o != "" {
		opaque = fmt.Sprintf(`, opaque="%s"`, o)
	}
	return fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", `+
		"algorithm=MD5, qop=auth, nc=00000001, cnonce=\"%s\"%s\r\n", r.user, realm, nonce, uri, response, cnonce, opaque)
}

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
