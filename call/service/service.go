package service

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/ivr"
	"tierline/routing/customer"
	"tierline/routing/dialplan"
	"tierline/routing/hours"
	"tierline/routing/trunk"
)

// HoldMusic is the sound that a caller hears while an agent holds the call.
const HoldMusic = "music/hold-1"

// Service is one generation, ready for calls.
type Service struct {
	Trunks    *trunk.Table
	Numbers   *dialplan.Plan
	Flows     map[string]*ivr.Flow
	Calendars map[string]*hours.Calendar
	Customers *customer.Directory
	Config    acd.Config // for the ACD core
	Realm     string     // of agents' digest credentials

	// Environment is what its flows may refer to, for flows from elsewhere.
	Environment ivr.Environment
	Callbacks   CallbackPrompts

	Destinations map[string]Destination // of transfers, by name

	accounts      map[string]account
	trunkAccounts map[string]account      // what their peers prove, by name
	features      map[string]Feature      // by what is dialled
	peers         map[string]Peer         // what hosts prove over TLS, if not the usual
	dials         trunk.Limits            // calls outward of an agent …
	dialling      map[string]trunk.Limits // … and of those who have others
	refused       string
	languages     []string
	sounds        map[string]string
	sources       map[string]ivr.Source
	channels      map[string]ivr.Channel
	hours         map[string]*hours.Calendar // when a queue takes calls
	srtp          map[string]sdp.Policy      // of agents' phones that don't have the usual one
	autoAnswer    map[string]AutoAnswer      // of agents whose phones needn't wait for them
	greetings     map[string]Greeting        // of queues
	reminders     map[string]time.Duration   // of callers on hold, by queue
	recorded      map[string]RecordFrom      // queues whose conversations are recorded
	dialled       dialled
	inCall        []InCall // codes that agents dial while they talk
}

// SRTP says whether the sound of an agent's phones is encrypted.
func (s *Service) SRTP(agent string) sdp.Policy {
	if policy, ok := s.srtp[agent]; ok {
		return policy
	}
	return sdp.Optional
}

// HoldReminder is how often an agent is reminded of a caller of a queue whom he
// holds; 0 never.
func (s *Service) HoldReminder(queue string) time.Duration { return s.reminders[queue] }

// Recorded reports from where the conversations of a queue are recorded.
func (s *Service) Recorded(queue string) RecordFrom { return s.recorded[queue] }

// RecordsCalls reports whether a queue has its calls recorded from the answer
// on, when nobody knows yet who will get there.
func (s *Service) RecordsCalls() bool {
	for _, from := range s.recorded {
		if from == RecordAnswer {
			return true
		}
	}
	return false
}

// CallbackPrompts are what a call-back says; "" nothing.
type CallbackPrompts struct {
	Agent    string // when the agent has answered, before we dial
	Customer string // when the customer has answered, before they talk
}

// Hours tells when a queue takes calls; false: always.
func (s *Service) Hours(queue string) (*hours.Calendar, bool) {
	c, ok := s.hours[queue]
	return c, ok
}

// Feature is what dialling a feature code does.
type Feature struct {
	Command acd.AgentCommand
	Reason  string // for not ready
	Prompt  string // spoken afterwards
}

// Sound is one piece of audio of a generation.
type Sound struct {
	ID       string
	Language string // empty for music
	SHA      string // in the prompt library
	Music    bool
}

// account is an agent's credentials (RFC 7616: HA1).
type account struct{ md5, sha256 string }

// Secret returns the digest HA1 values of an agent's phone.
func (s *Service) Secret(user string) (ha1MD5, ha1SHA256 string, ok bool) {
	a, ok := s.accounts[user]
	return a.md5, a.sha256, ok
}

// Feature returns what a dialled feature code does.
func (s *Service) Feature(number string) (Feature, bool) {
	f, ok := s.features[number]
	return f, ok
}

// FeatureRefused is the prompt for an agent whose feature code was refused.
func (s *Service) FeatureRefused() string { return s.refused }

// Languages are those in which feature codes speak.
func (s *Service) Languages() []string { return slices.Clone(s.languages) }

// Prompt returns the sound of a prompt in a language; music has none.
func (s *Service) Prompt(id, language string) (sha string, ok bool) {
	sha, ok = s.sounds[soundKey(id, language)]
	return sha, ok
}

// Prompts lists all sounds, sorted.
func (s *Service) Prompts() []Sound {
	out := make([]Sound, 0, len(s.sounds))
	for key, sha := range s.sounds {
		id, language, _ := strings.Cut(key, ".")
		out = append(out, Sound{ID: id, Language: language, SHA: sha, Music: strings.HasPrefix(id, "music/")})
	}
	slices.SortFunc(out, func(a, b Sound) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Language, b.Language))
	})
	return out
}

// FlowNames lists the flows, sorted.
func (s *Service) FlowNames() []string { return slices.Sorted(maps.Keys(s.Flows)) }

func soundKey(id, language string) string {
	if language == "" {
		return id
	}
	return id + "." + language
}
