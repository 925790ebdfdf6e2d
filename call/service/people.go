package service

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tierline/acd"
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

type tiersDoc struct {
	Tiers document.Entries[tierDoc] `doc:"tiers,required,nonempty"`
}

type tierDoc struct {
	HeadStart document.Value[time.Duration] `doc:"head_start,required,max=1h"`
	Title     titles                        `doc:"title"`
}

func (c *compiler) tiers() {
	var d tiersDoc
	p := c.read("tiers.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	var given [routing.TierCount]*tierDoc
	var names, meant []string
	for _, t := range routing.Tiers() {
		names = append(names, t.String())
	}
	for i := range d.Tiers {
		e := &d.Tiers[i]
		t, err := routing.ParseTier(e.Key.V)
		if err != nil {
			hint := document.DidYouMean(e.Key.V, names)
			p.Errorf(e.Key.Pos, "%q is no tier (%s)%s", e.Key.V, strings.Join(names, ", "), hint)
			if name, ok := document.Nearest(e.Key.V, names); ok {
				meant = append(meant, name)
			}
			continue
		}
		given[t] = &e.Value
		c.service.Config.HeadStart[t] = e.Value.HeadStart.V.Milliseconds()
	}
	for _, t := range routing.Tiers() {
		if given[t] == nil && !slices.Contains(meant, t.String()) {
			p.Errorf(document.Pos{Line: 1, Col: 1}, "tier %q has no head start", t)
		}
	}
	c.checkTierOrder(p, given)
}

// checkTierOrder warns of a tier that is served worse than a lesser one.
func (c *compiler) checkTierOrder(p *document.Problems, given [routing.TierCount]*tierDoc) {
	for t := routing.Silver; t < routing.TierCount; t++ {
		a, b := given[t-1], given[t]
		if a != nil && b != nil && a.HeadStart.Given && b.HeadStart.Given && b.HeadStart.V < a.HeadStart.V {
			p.Warnf(b.HeadStart.Pos, "%s has a smaller head start than %s", t, t-1)
		}
	}
}

type queuesDoc struct {
	Queues document.Entries[queueDoc] `doc:"queues,required,nonempty"`
}

type queueDoc struct {
	Title        titles                        `doc:"title"`
	Requirement  document.Value[string]        `doc:"requirement"`
	RingTime     document.Value[time.Duration] `doc:"ring_time,min=3s,max=3m"`
	WrapUp       document.Value[time.Duration] `doc:"wrap_up,max=2h"`
	MaxWait      document.Value[time.Duration] `doc:"max_wait,min=1s,max=24h"`
	MaxLength    document.Value[int]           `doc:"max_length,min=1,max=1000000"`
	ReofferAfter document.Value[time.Duration] `doc:"reoffer_after,max=1h"`
	Fit          document.Value[string]        `doc:"fit"`
}

// queue is a queue whose requirement can be read.
type queue struct {
	name string
	at   document.Pos
	need *rank.Requirement // nil: it can't be read
}

func (c *compiler) queues() {
	var d queuesDoc
	p := c.read("queues.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, e := range d.Queues {
		checkName(p, e.Key, "a queue")
		q := e.Value
		need := c.requirement(p, q.Requirement)
		c.queueList = append(c.queueList, queue{e.Key.V, e.Key.Pos, need})
		c.service.Config.Queues = append(c.service.Config.Queues, acd.QueueConfig{
			Name: e.Key.V, Requirement: need.String(),
			RingTime:     q.RingTime.Or(15 * time.Second).Milliseconds(),
			WrapUp:       q.WrapUp.V.Milliseconds(),
			MaxWait:      q.MaxWait.V.Milliseconds(),
			MaxLength:    q.MaxLength.V,
			ReofferAfter: q.ReofferAfter.Or(30 * time.Second).Milliseconds(),
			Fit:          fit(p, q.Fit),
		})
	}
	slices.SortFunc(c.service.Config.Queues, func(a, b acd.QueueConfig) int { return strings.Compare(a.Name, b.Name) })
}

func fit(p *document.Problems, v document.Value[string]) acd.Fit {
	switch v.V {
	case "", "none":
		return acd.FitNone
	case "most":
		return acd.FitMost
	case "least":
		return acd.FitLeast
	}
	p.Errorf(v.Pos, "fit is none, most or least%s", document.DidYouMean(v.V, []string{"none", "most", "least"}))
	return acd.FitNone
}

// requirement reads what a queue asks of agents; its skills must be declared.
// It returns nil after a mistake.
func (c *compiler) requirement(p *document.Problems, v document.Value[string]) *rank.Requirement {
	need, err := rank.Parse(v.V)
	if err != nil {
		at := v.Pos
		text := err.Error()
		if syntax, ok := errors.AsType[*rank.SyntaxError](err); ok {
			at = v.At(len([]rune(v.V[:min(syntax.Offset, len(v.V))])))
			text = syntax.What
		}
		p.Errorf(at, "requirement: %s", text)
		return nil
	}
	for _, m := range regexp.MustCompile(`([\pL\pN._-]+)\s*>=`).FindAllStringSubmatchIndex(v.V, -1) {
		at := v.At(len([]rune(v.V[:m[2]])))
		skill := document.Value[string]{Pos: at, V: v.V[m[2]:m[3]], Given: true}
		if !reference(p, skill, c.skillNames, "skill") {
			need = nil
		}
	}
	return need
}

// checkServed warns of queues that nobody can serve.
func (c *compiler) checkServed() {
	p := document.NewProblems("queues.yaml")
	for _, q := range c.queueList {
		able := slices.ContainsFunc(c.service.Config.Agents, func(a acd.AgentConfig) bool {
			_, ok := q.need.Able(a.Skills)
			return ok
		})
		if q.need != nil && !able && len(c.service.Config.Agents) > 0 {
			p.Warnf(q.at, "queue %q: no agent has the skills it asks for", q.name)
		}
	}
	c.add(p)
}

type agentsDoc struct {
	Realm  document.Value[string]     `doc:"realm,nonempty"`
	Agents document.Entries[agentDoc] `doc:"agents,required,nonempty"`
}

type agentDoc struct {
	Name      document.Value[string]                `doc:"name,required"`
	Skills    document.Entries[document.Value[int]] `doc:"skills,min=1,max=10"`
	Secret    document.Value[string]                `doc:"secret,nonempty"`
	HA1       *ha1Doc                               `doc:"ha1"`
	Contact   document.Value[string]                `doc:"contact,nonempty"`
	SignedIn  document.Value[bool]                  `doc:"signed_in"`
	MaxMisses document.Value[int]                   `doc:"max_misses,min=1,max=100"`
	BackOff   document.Value[time.Duration]         `doc:"back_off,min=1s,max=1h"`
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
	for _, e := range d.Agents {
		c.agent(p, e)
	}
	slices.SortFunc(c.service.Config.Agents, func(a, b acd.AgentConfig) int { return strings.Compare(a.ID, b.ID) })
}

func (c *compiler) agent(p *document.Problems, e document.Entry[agentDoc]) {
	d := e.Value
	checkName(p, e.Key, "an agent")
	c.credentials(p, e)
	if d.Contact.Given && !isSIPURI(d.Contact.V) {
		p.Errorf(d.Contact.Pos, "%q is no SIP URI such as sip:1001@192.0.2.7:5060", d.Contact.V)
	}
	if len(d.Skills) == 0 {
		p.Warnf(e.Key.Pos, "agent %q has no skills", e.Key.V)
	}
	skills := make([]routing.SkillLevel, 0, len(d.Skills))
	for _, s := range d.Skills {
		reference(p, s.Key, c.skillNames, "skill")
		skills = append(skills, routing.SkillLevel{Skill: routing.Skill(s.Key.V), Level: routing.Level(s.Value.V)})
	}
	slices.SortFunc(skills, func(a, b routing.SkillLevel) int {
		return strings.Compare(string(a.Skill), string(b.Skill))
	})
	c.service.Config.Agents = append(c.service.Config.Agents, acd.AgentConfig{
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
