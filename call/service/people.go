package service

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/routing"
	"tierline/routing/document"
	"tierline/routing/rank"
)

type skillsDoc struct {
	Skills document.Entries[titles] `doc:"skills,required,nonempty"`
}

func (c *compiler) skills() {
	var d skillsDoc
	p := c.read("skills.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, s := range d.Skills {
		// A requirement must be able to name it.
		if _, err := rank.Parse(s.Key.V + ">=1"); err != nil {
			p.Errorf(s.Key.Pos, "%q can't be the name of a skill: a letter, then letters, digits, . - and _", s.Key.V)
		}
		c.skillNames = append(c.skillNames, s.Key.V)
	}
}

type agentsDoc struct {
	Realm  document.Value[string]     `doc:"realm,nonempty"`
	Limits limitsDoc                  `doc:"outward_limits"`
	Allow  []document.Value[string]   `doc:"allow"`
	Agents document.Entries[agentDoc] `doc:"agents,required,nonempty"`
}

type agentDoc struct {
	Name       document.Value[string]                `doc:"name,required"`
	Skills     document.Entries[document.Value[int]] `doc:"skills,min=1,max=10"`
	Secret     document.Value[string]                `doc:"secret,nonempty"`
	HA1        *ha1Doc                               `doc:"ha1"`
	Contact    document.Value[string]                `doc:"contact,nonempty"`
	SignedIn   document.Value[bool]                  `doc:"signed_in"`
	Role       document.Value[string]                `doc:"role,nonempty"`
	Groups     []document.Value[string]              `doc:"groups,nonempty"`
	Supervises []document.Value[string]              `doc:"supervises,nonempty"`
	MaxMisses  document.Value[int]                   `doc:"max_misses,min=1,max=100"`
	BackOff    document.Value[time.Duration]         `doc:"back_off,min=1s,max=1h"`
	SRTP       document.Value[string]                `doc:"srtp,nonempty"`
	AutoAnswer document.Value[string]                `doc:"auto_answer,nonempty"`
	Allow      []document.Value[string]              `doc:"allow"`
	Limits     *limitsDoc                            `doc:"outward_limits"`
}

type ha1Doc struct {
	MD5    document.Value[string] `doc:"md5,required"`
	SHA256 document.Value[string] `doc:"sha256,required"`
}

func (c *compiler) agents() {
	var d agentsDoc
	p := c.read("agents.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	c.service.Realm = d.Realm.Or("tierline")
	if strings.ContainsAny(c.service.Realm, "\"\\\r\n:") {
		p.Errorf(d.Realm.Pos, "a realm has no quotes, backslashes or colons")
	}
	c.service.dials = d.Limits.or(c.service.dials)
	c.service.dialled.allow = numberPrefixes(p, d.Allow)
	for _, e := range d.Agents {
		c.agent(p, e)
	}
	supervised(p, d.Agents)
	slices.SortFunc(c.service.Config.Agents, func(a, b acd.AgentConfig) int { return strings.Compare(a.ID, b.ID) })
}

func (c *compiler) agent(p *document.Problems, e document.Entry[agentDoc]) {
	d := e.Value
	checkName(p, e.Key, "an agent")
	c.credentials(p, e)
	if d.Allow != nil {
		c.service.dialled.own[e.Key.V] = numberPrefixes(p, d.Allow)
	}
	if queue, taken := c.service.dialled.extensions[e.Key.V]; taken {
		p.Errorf(e.Key.Pos, "agent %q has the extension of queue %s", e.Key.V, queue)
	}
	if d.Contact.Given && !isSIPURI(d.Contact.V) {
		p.Errorf(d.Contact.Pos, "%q is no SIP URI such as sip:1001@192.0.2.7:5060", d.Contact.V)
	}
	if len(d.Skills) == 0 {
		p.Warnf(e.Key.Pos, "agent %q has no skills", e.Key.V)
	}
	if policy := readSRTP(p, d.SRTP, sdp.Optional); policy != sdp.Optional {
		c.service.srtp[e.Key.V] = policy
	}
	if mode := readAutoAnswer(p, d.AutoAnswer); mode != AnswerByHand {
		c.service.autoAnswer[e.Key.V] = mode
	}
	if d.Limits != nil {
		c.service.dialling[e.Key.V] = d.Limits.or(c.service.dials)
	}
	skills := make([]routing.SkillLevel, 0, len(d.Skills))
	for _, s := range d.Skills {
		reference(p, s.Key, c.skillNames, "skill")
		skills = append(skills, routing.SkillLevel{Skill: routing.Skill(s.Key.V), Level: routing.Level(s.Value.V)})
	}
	slices.SortFunc(skills, func(a, b routing.SkillLevel) int {
		return strings.Compare(string(a.Skill), string(b.Skill))
	})
	groups, supervises := c.supervision(p, e)
	c.service.Config.Agents = append(c.service.Config.Agents, acd.AgentConfig{
		Groups: groups, Supervises: supervises,
		ID: e.Key.V, Name: d.Name.V, Skills: skills, MaxMisses: d.MaxMisses.Or(1),
		BackOff: d.BackOff.Or(10 * time.Second).Milliseconds(), Contact: d.Contact.V, SignedIn: d.SignedIn.V,
	})
}

// credentials reads an agent's secret or its HA1 values. Messages never show
// them.
func (c *compiler) credentials(p *document.Problems, e document.Entry[agentDoc]) {
	d := e.Value
	switch {
	case d.Secret.Given && d.HA1 != nil:
		p.Errorf(d.Secret.Pos, "agent %q has both secret and ha1", e.Key.V)
	case d.Secret.Given:
		c.service.accounts[e.Key.V] = newAccount(e.Key.V, c.service.Realm, d.Secret.V)
	case d.HA1 != nil:
		checkHex(p, d.HA1.MD5, md5.Size)
		checkHex(p, d.HA1.SHA256, sha256.Size)
		c.service.accounts[e.Key.V] = account{strings.ToLower(d.HA1.MD5.V), strings.ToLower(d.HA1.SHA256.V)}
	case !d.Contact.Given:
		p.Errorf(e.Key.Pos, "agent %q needs a secret, ha1 or a contact", e.Key.V)
	}
}

func newAccount(user, realm, secret string) account {
	text := []byte(user + ":" + realm + ":" + secret)
	m, s := md5.Sum(text), sha256.Sum256(text)
	return account{hex.EncodeToString(m[:]), hex.EncodeToString(s[:])}
}

func checkHex(p *document.Problems, v document.Value[string], size int) {
	if b, err := hex.DecodeString(v.V); v.Given && (err != nil || len(b) != size) {
		p.Errorf(v.Pos, "this is not %d hexadecimal digits", 2*size)
	}
}

// isSIPURI tells whether a text is a SIP URI with a host that a phone can be
// reached at.
func isSIPURI(s string) bool {
	rest, ok := strings.CutPrefix(s, "sip:")
	if !ok || strings.ContainsAny(s, " \t\r\n<>\"") {
		return false
	}
	rest, _, _ = strings.Cut(rest, ";")
	if user, host, found := strings.Cut(rest, "@"); found {
		if user == "" {
			return false
		}
		rest = host
	}
	if _, err := netip.ParseAddrPort(rest); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil {
		return true
	}
	host, port, found := strings.Cut(rest, ":")
	if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0) {
		return false
	}
	return isName(host) && !strings.Contains(host, "_")
}
