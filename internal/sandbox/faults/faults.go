// Package faults is misbehaviour ordered by data: a list of rules that say
// where something goes wrong in the emulated world, how often, and how. Rules
// come from Go or from JSON, may be added and lifted while the world runs, and
// count how often they struck.
package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Place is the kind of event that a rule applies to.
type Place string

// The places where a rule can strike.
const (
	AtConnect   Place = "connect"   // somebody asks the door for a name
	AtRequest   Place = "request"   // an HTTP request reached ARM, a login or a download site
	AtOperation Place = "operation" // ARM starts to make, change or delete a resource
	AtArtifact  Place = "artifact"  // somebody looks for a marketplace item, as publisher:offer:sku:version or publisher:type:version
	AtQuota     Place = "quota"     // a limit is read, by its usage name

	AtSubscription Place = "subscription" // the subscription is looked at, or written into
	AtSSH          Place = "ssh"          // somebody connects to a machine's SSH server, by the machine's name
	AtDisk         Place = "disk"         // a command or an upload begins on a machine, by the machine's name
	AtNode         Place = "node"         // a machine joins its cluster as a node, by its name
	AtCluster      Place = "cluster"      // a cluster that lives when the rule begins to be in force, by its API server's name
)

// Rule is one misbehaviour.
type Rule struct {
	ID     string `json:"id"`
	Kind   string `json:"kind,omitempty"`  // preset that the rule started from
	Title  string `json:"title,omitempty"` // in words, for people
	Match  Match  `json:"match"`
	Effect Effect `json:"effect"`
}

// Match says which events a rule strikes. Empty fields match everything;
// Path and Name are regular expressions, case-insensitive.
type Match struct {
	At     Place  `json:"at"`
	Stamp  string `json:"stamp,omitempty"`  // seattle, orlando; "" also matches what belongs to no stamp
	Host   string `json:"host,omitempty"`   // exact name
	Method string `json:"method,omitempty"` // HTTP method; for operations PUT, DELETE or POST
	Path   string `json:"path,omitempty"`   // of a request
	Type   string `json:"type,omitempty"`   // resource type, such as Microsoft.Compute/virtualMachines
	Name   string `json:"name,omitempty"`   // resource name, artifact or usage name
	First  int    `json:"first,omitempty"`  // strikes from this matching event on; 0 and 1 are the first
	Times  int    `json:"times,omitempty"`  // strikes at most so often; 0 is always
}

// Effect is what happens instead of, or before, the usual.
type Effect struct {
	Delay       float64           `json:"delay,omitempty"`       // seconds at speed 1, before anything else
	Unreachable bool              `json:"unreachable,omitempty"` // connect: 502; request, ssh: the connection is cut before anything is said
	Status      int               `json:"status,omitempty"`      // request: this HTTP status
	Header      map[string]string `json:"header,omitempty"`
	RetryAfter  int               `json:"retryAfter,omitempty"` // seconds, sent as Retry-After
	Code        string            `json:"code,omitempty"`       // ARM error code; an operation with a code fails
	Message     string            `json:"message,omitempty"`
	Body        json.RawMessage   `json:"body,omitempty"`      // request: this body in place of ARM's envelope
	ExitCode    int               `json:"exitCode,omitempty"`  // operation on a CustomScript extension: the script's exit code
	Stuck       bool              `json:"stuck,omitempty"`     // operation: does not end, node: does not get Ready, until the rule is lifted
	Missing     bool              `json:"missing,omitempty"`   // artifact: is not in the marketplace
	Limit       *int64            `json:"limit,omitempty"`     // quota: this limit
	State       string            `json:"state,omitempty"`     // subscription: its state in place of Enabled; writes are refused
	Untrusted   bool              `json:"untrusted,omitempty"` // connect: the name's certificate is of an authority that nobody knows
	Damaged     bool              `json:"damaged,omitempty"`   // request to a download site: the body is not what it was
	OtherKey    bool              `json:"otherKey,omitempty"`  // ssh: the machine shows another host key
	CutAfter    float64           `json:"cutAfter,omitempty"`  // ssh: the connection is cut when it is so old, in seconds at speed 1
	Full        bool              `json:"full,omitempty"`      // disk: nothing can be written any more
	Frozen      bool              `json:"frozen,omitempty"`    // cluster: a disruption budget lets no pod of a workload on all nodes go, until the rule is lifted
}

// Event is something that a rule may strike.
type Event struct {
	At                              Place
	Stamp, Host, Method, Path, Type string
	Name                            string
}

// Status is a rule with its counters.
type Status struct {
	Rule
	Matched int `json:"matched"`
	Struck  int `json:"struck"`
}

type entry struct {
	rule            Rule
	path, name      *regexp.Regexp
	matched, struck int
	lifted          chan struct{}
}

// Set is the list of rules in force. Its zero value is ready and empty.
type Set struct {
	mu    sync.Mutex
	rules []*entry
	next  int
	added func(hits func(Event) bool, e Effect)
}

// OnAdd makes the set call f after each Add, with the rule's effect and with
// what says whether an event would be struck by it: what is open already may
// have to end. It is called before the set is used.
func (s *Set) OnAdd(f func(hits func(Event) bool, e Effect)) { s.added = f }

// Add puts a rule in force and answers its id (made up when empty). An id that
// exists is replaced. It fails on a bad expression or an unknown place.
func (s *Set) Add(r Rule) (string, error) {
	e := &entry{rule: r, lifted: make(chan struct{})}
	switch r.Match.At {
	case AtConnect, AtRequest, AtOperation, AtArtifact, AtQuota, AtSubscription, AtSSH, AtDisk, AtNode, AtCluster:
	default:
		return "", fmt.Errorf("fault %q: unknown place %q", r.ID, r.Match.At)
	}
	var err error
	if e.path, err = expression(r.Match.Path); err != nil {
		return "", fmt.Errorf("fault %q: path: %w", r.ID, err)
	}
	if e.name, err = expression(r.Match.Name); err != nil {
		return "", fmt.Errorf("fault %q: name: %w", r.ID, err)
	}
	id := s.put(e)
	if s.added != nil {
		s.added(e.matches, e.rule.Effect)
	}
	return id, nil
}

func (s *Set) put(e *entry) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.rule.ID == "" {
		s.next++
		e.rule.ID = fmt.Sprintf("fault-%d", s.next)
	}
	s.remove(e.rule.ID)
	s.rules = append(s.rules, e)
	return e.rule.ID
}

// Lift takes a rule out of force; what was stuck because of it goes on.
func (s *Set) Lift(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(id)
}

// LiftAll takes all rules out of force.
func (s *Set) LiftAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.rules {
		close(e.lifted)
	}
	s.rules = nil
}

func (s *Set) remove(id string) bool {
	i := slices.IndexFunc(s.rules, func(e *entry) bool { return e.rule.ID == id })
	if i < 0 {
		return false
	}
	close(s.rules[i].lifted)
	s.rules = slices.Delete(s.rules, i, i+1)
	return true
}

// List answers the rules in force with their counters, oldest first.
func (s *Set) List() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, 0, len(s.rules))
	for _, e := range s.rules {
		out = append(out, Status{Rule: e.rule, Matched: e.matched, Struck: e.struck})
	}
	return out
}

// Strike answers the effect of the first rule that strikes ev, and a channel
// that is closed when that rule is lifted. A nil Set never strikes.
func (s *Set) Strike(ev Event) (Effect, <-chan struct{}, bool) {
	if s == nil {
		return Effect{}, nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.rules {
		if !e.matches(ev) {
			continue
		}
		e.matched++
		if e.matched < e.rule.Match.First || e.rule.Match.Times > 0 && e.struck >= e.rule.Match.Times {
			continue
		}
		e.struck++
		return e.rule.Effect, e.lifted, true
	}
	return Effect{}, nil, false
}

func (e *entry) matches(ev Event) bool {
	m := e.rule.Match
	return m.At == ev.At &&
		(m.Stamp == "" || strings.EqualFold(m.Stamp, ev.Stamp)) &&
		(m.Host == "" || strings.EqualFold(m.Host, ev.Host)) &&
		(m.Method == "" || strings.EqualFold(m.Method, ev.Method)) &&
		(m.Type == "" || strings.EqualFold(m.Type, ev.Type)) &&
		(e.path == nil || e.path.MatchString(ev.Path)) &&
		(e.name == nil || e.name.MatchString(ev.Name))
}

func expression(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	return regexp.Compile("(?i)" + s)
}

// Load reads a JSON list of rules and puts them in force. A rule with a kind
// starts as that preset; its own fields go on top. Nothing is added when one
// of them is wrong.
func (s *Set) Load(r io.Reader) error {
	rules, err := Read(r)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		if _, err := s.Add(rule); err != nil {
			return err
		}
	}
	return nil
}

// Read reads a JSON list of rules as Load does, and puts none in force.
func Read(r io.Reader) ([]Rule, error) {
	var raw []json.RawMessage
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("list of faults: %w", err)
	}
	var rules []Rule
	for i, m := range raw {
		rule, err := parse(m)
		if err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
		if _, err := new(Set).Add(rule); err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parse(m json.RawMessage) (Rule, error) {
	var head struct{ Kind string }
	if err := json.Unmarshal(m, &head); err != nil {
		return Rule{}, err
	}
	var rule Rule
	if head.Kind != "" {
		var ok bool
		if rule, ok = Preset(head.Kind, ""); !ok {
			return Rule{}, fmt.Errorf("unknown kind %q", head.Kind)
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(m)))
	dec.DisallowUnknownFields()
	err := dec.Decode(&rule)
	return rule, err
}
