package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tierline/call/sipua"
)

// Settings are what one node needs to know about itself. The tags carry the
// key in the file; a flag's name is its path with dashes unless the tag flag
// says otherwise. What each means stands in meanings.
type Settings struct {
	Node       string     `mapstructure:"node"`
	DataDir    string     `mapstructure:"data_dir"`
	ServiceDir string     `mapstructure:"service_dir" flag:"service"`
	SIP        SIP        `mapstructure:"sip"`
	RTP        RTP        `mapstructure:"rtp"`
	DNS        DNS        `mapstructure:"dns"`
	HTTP       HTTP       `mapstructure:"http"`
	TLS        TLS        `mapstructure:"tls"`
	Raft       Raft       `mapstructure:"raft"`
	Seal       Seal       `mapstructure:"seal"`
	Cluster    Cluster    `mapstructure:"cluster"`
	Takeover   Takeover   `mapstructure:"takeover"`
	Log        Log        `mapstructure:"log"`
	Drain      Drain      `mapstructure:"drain"`
	Report     Report     `mapstructure:"report"`
	Recordings Recordings `mapstructure:"recordings"`
	Trace      Trace      `mapstructure:"trace"`
	HEP        HEP        `mapstructure:"hep"`

	// Sources are where flows' lookups go, by name; in the file only.
	Sources map[string]Source `mapstructure:"sources"`

	// Accounts are what trunks ask this node to prove, by name; in the file only.
	Accounts map[string]Account `mapstructure:"accounts"`

	// Speech is what speaks texts that nobody recorded, by language; in the file
	// only.
	Speech map[string]Speech `mapstructure:"speech"`
}

// SIP says where calls come in.
type SIP struct {
	Listen    []Listen `mapstructure:"listen"`
	Advertise string   `mapstructure:"advertise"`
	Origins   []string `mapstructure:"origins"`
	PerSource int      `mapstructure:"connections_per_source"`
	MaxCalls  int      `mapstructure:"max_calls"`
	Admission string   `mapstructure:"admission"`
}

// Listen is one SIP socket.
type Listen struct {
	Transport string         `mapstructure:"transport"`
	Address   netip.AddrPort `mapstructure:"address"`
}

func (l Listen) String() string { return l.Transport + ":" + l.Address.String() }

// RTP says where audio comes in.
type RTP struct {
	IP      netip.Addr `mapstructure:"ip"`
	PortMin int        `mapstructure:"port_min"`
	PortMax int        `mapstructure:"port_max"`

	CheckAfter time.Duration `mapstructure:"check_after"`
}

// DNS says who knows the hosts of trunks that are names.
type DNS struct {
	Servers []netip.AddrPort `mapstructure:"servers"`
}

// HTTP says where the API, the metrics and the health checks are.
type HTTP struct {
	Listen    netip.AddrPort `mapstructure:"listen"`
	UsersFile string         `mapstructure:"users_file"`
	TLS       bool           `mapstructure:"tls"`
}

// Raft says how the log is kept.
type Raft struct {
	LogStore string `mapstructure:"log_store"`
}

// Seal says where the key is that log and snapshots are sealed with.
type Seal struct {
	KeyFile string `mapstructure:"key_file"`
}

// Takeover says what becomes of the calls of a process that died.
type Takeover struct {
	Mode    string `mapstructure:"mode"`
	Command string `mapstructure:"command"`
}

// Log says what is logged, and how.
type Log struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// Drain says how a node stops.
type Drain struct {
	Timeout time.Duration `mapstructure:"timeout"`
}

// Defaults are the settings of a node that was told nothing: everything on
// loopback.
func Defaults() Settings {
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	return Settings{
		Node:    "n1",
		DataDir: "data",
		SIP: SIP{Admission: "auto", Origins: []string{}, PerSource: 64, Listen: []Listen{
			{Transport: "udp", Address: netip.AddrPortFrom(local, 5060)},
			{Transport: "tcp", Address: netip.AddrPortFrom(local, 5060)},
		}},
		RTP:      RTP{IP: local, PortMin: 20000, PortMax: 29999, CheckAfter: 30 * time.Second},
		DNS:      DNS{Servers: []netip.AddrPort{}},
		HTTP:     HTTP{Listen: netip.AddrPortFrom(local, 8080)},
		TLS:      TLS{ClientCertificates: "off"},
		Raft:     Raft{LogStore: "wal"},
		Takeover: Takeover{Mode: "address"},
		Log:      Log{Level: "info", Format: "text"},
		Drain:    Drain{Timeout: 30 * time.Second},
		Report:   Report{RetentionDays: 90},
		Trace:    defaultTrace(),
		HEP:      HEP{NodeID: 2001},

		Recordings: Recordings{S3: S3{Region: "us-east-1", Credentials: S3Keys}},
	}
}

// Mistake is one thing wrong with the settings.
type Mistake struct {
	Path string // as in the file: sip.listen[1].transport
	Text string
}

func (m Mistake) String() string { return m.Path + ": " + m.Text }

// MistakesError carries all that is wrong at once.
type MistakesError []Mistake

func (e MistakesError) Error() string {
	lines := make([]string, len(e))
	for i, m := range e {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// Validate returns everything that is wrong as a MistakesError, or nil.
func (s Settings) Validate() error {
	var c checker
	c.check(isName(s.Node), "node", "%q is no name: lower-case letters, digits and dashes, at most 63", s.Node)
	c.check(s.DataDir != "", "data_dir", "is empty")
	s.SIP.validate(&c)
	s.RTP.validate(&c)
	c.check(len(s.DNS.Servers) <= 3, "dns.servers", "%d are too many: three are asked at most", len(s.DNS.Servers))
	c.check(s.HTTP.Listen.IsValid(), "http.listen", "is empty")
	c.check(!s.HTTP.Listen.IsValid() || s.HTTP.UsersFile != "" || s.HTTP.Listen.Addr().IsLoopback(), "http.listen",
		"%s can be reached from other machines: set http.users_file, so that users of the API sign in",
		s.HTTP.Listen)
	s.TLS.validate(&c, s)
	s.Cluster.validate(&c, s.Node)
	c.oneOf("raft.log_store", s.Raft.LogStore, "wal", "bolt")
	c.oneOf("takeover.mode", s.Takeover.Mode, "address", "reinvite", "off")
	c.oneOf("log.level", s.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", s.Log.Format, "text", "json")
	c.check(s.Drain.Timeout >= 0, "drain.timeout", "%s is negative", s.Drain.Timeout)
	s.Report.validate(&c)
	s.Recordings.validate(&c)
	s.Trace.validate(&c)
	s.HEP.validate(&c, s.Trace.Enabled)
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		s.Accounts[name].validate(&c, "accounts."+name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		s.Sources[name].validate(&c, "sources."+name)
	}
	for _, language := range slices.Sorted(maps.Keys(s.Speech)) {
		s.Speech[language].validate(&c, "speech."+language)
	}
	if len(c.found) == 0 {
		return nil
	}
	return c.found
}

func (s SIP) validate(c *checker) {
	c.check(len(s.Listen) > 0, "sip.listen", "is empty: no call could come in")
	seen := map[Listen]bool{}
	for i, l := range s.Listen {
		path := fmt.Sprintf("sip.listen[%d]", i)
		c.oneOf(path+".transport", l.Transport, sipua.UDP, sipua.TCP, sipua.TLS, sipua.WS, sipua.WSS)
		c.check(l.Address.IsValid(), path+".address", "is empty")
		c.check(!seen[l] || l.Address.Port() == 0, path, "%s is listed twice", l)
		c.check(!l.Address.Addr().IsUnspecified() || s.Advertise != "", "sip.advertise",
			"is empty, but %s listens on every address: peers must be told one", path)
		seen[l] = true
	}
	for i, o := range s.Origins {
		u, err := url.Parse(o)
		c.check(o == "*" || err == nil && u.Host != "" && strings.EqualFold(o, u.Scheme+"://"+u.Host),
			fmt.Sprintf("sip.origins[%d]", i), "%q is no origin (https://desk.example.net)", o)
	}
	c.check(s.PerSource >= 1 && s.PerSource <= 4096, "sip.connections_per_source", "%d is not between 1 and 4096",
		s.PerSource)
	c.oneOf("sip.admission", s.Admission, "auto", "off")
	c.check(s.MaxCalls >= 0 && s.MaxCalls <= 1_000_000, "sip.max_calls",
		"%d is not between 0 and 1000000 (0: no limit)", s.MaxCalls)
	c.check(!strings.ContainsAny(s.Advertise, " \t/@:") || isAddr(s.Advertise), "sip.advertise",
		"%q is neither a host name nor an address (no port)", s.Advertise)
}

func (r RTP) validate(c *checker) {
	c.check(r.IP.IsValid() && !r.IP.IsUnspecified(), "rtp.ip", "%s: SDP must name one address of this machine", r.IP)
	c.check(r.PortMin >= 1024 && r.PortMin <= 65534, "rtp.port_min", "%d is not between 1024 and 65534", r.PortMin)
	c.check(r.PortMin%2 == 0, "rtp.port_min", "%d is odd: RTP takes the even port, RTCP the next", r.PortMin)
	c.check(r.PortMax <= 65535, "rtp.port_max", "%d is above 65535", r.PortMax)
	c.check(r.CheckAfter == 0 || r.CheckAfter >= time.Second, "rtp.check_after", "%s is less than a second (0s: never)",
		r.CheckAfter)
	c.check(r.PortMax > r.PortMin, "rtp.port_max", "%d leaves no room for a pair of ports from %d", r.PortMax, r.PortMin)
}

type checker struct{ found MistakesError }

func (c *checker) check(ok bool, path, text string, values ...any) {
	if !ok {
		c.found = append(c.found, Mistake{path, fmt.Sprintf(text, values...)})
	}
}

func (c *checker) oneOf(path, got string, allowed ...string) {
	c.check(slices.Contains(allowed, got), path, "%q is not one of %s", got, strings.Join(allowed, ", "))
}

func isName(s string) bool {
	rest := strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-")
	return s != "" && len(s) <= 63 && rest == "" && s[0] != '-'
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
