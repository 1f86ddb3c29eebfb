// Package monitor asks every cluster how it is, on a schedule, and keeps what
// it heard small: the newest answer, and counts by quarter hour and day.
package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/workflows"
)

// Health is how a cluster was found.
type Health string

// The healths. They are stored.
const (
	Up       Health = "up"
	Degraded Health = "degraded" // it answers, but a node or a component is not well
	Down     Health = "down"     // it does not answer, or no node is Ready
	// Planned is only counted: it was not well, in scheduled maintenance.
	Planned Health = "planned"
)

// Sample is what a cluster says of itself.
type Sample struct {
	Nodes           []workflows.Node
	Components      []workflows.Component
	Autoscalers     []workflows.Autoscaler
	CertificateEnds time.Time // of the API server; zero if unknown
}

// Scaler is an autoscaler as it was found.
type Scaler struct {
	Name            string
	Current, Target int // percent of the CPU requests; Current is -1 while unknown
	Replicas        int
	Min, Max        int
}

// mostScalers are kept of a Site.
const mostScalers = 8

// Probe is one look at a Site's cluster.
type Probe struct {
	SiteID          string
	ClusterID       string
	At              time.Time // when it ended
	Health          Health
	Ready, Want     int       // nodes that are Ready, and that there should be
	Version         string    // the oldest of the nodes, without v; "" if unknown
	CertificateEnds time.Time // zero if unknown
	Sick            []string  // components that are not well
	Scaling         []Scaler  // a few of its autoscalers, by name
	Problem         string    // why it is down, for people who are logged in
}

// judge is a probe of a cluster that answered.
func judge(c workflows.Cluster, s Sample, at time.Time) Probe {
	p := Probe{SiteID: c.SiteID, ClusterID: c.ID, At: at, Want: c.Nodes(), CertificateEnds: s.CertificateEnds}
	for _, n := range s.Nodes {
		if n.Ready {
			p.Ready++
		}
		if v := strings.TrimPrefix(n.Version, "v"); p.Version == "" || slices.Compare(numbers(v), numbers(p.Version)) < 0 {
			p.Version = v
		}
	}
	for _, x := range s.Components {
		if !x.Healthy {
			p.Sick = append(p.Sick, x.Name)
		}
	}
	for _, a := range s.Autoscalers {
		p.Scaling = append(p.Scaling, Scaler{Name: a.Name, Current: a.Current, Target: a.Percent, Replicas: a.Replicas, Min: a.Min, Max: a.Max})
	}
	slices.SortFunc(p.Scaling, func(a, b Scaler) int { return strings.Compare(a.Name, b.Name) })
	p.Scaling = p.Scaling[:min(len(p.Scaling), mostScalers)]
	switch {
	case p.Ready == 0:
		p.Health, p.Problem = Down, "No node is Ready"
	case p.Ready < p.Want || p.Ready < len(s.Nodes) || len(p.Sick) > 0:
		p.Health = Degraded
	default:
		p.Health = Up
	}
	return p
}

// numbers are a version's parts; a text that is none is older than all.
func numbers(version string) []int {
	n := make([]int, 3)
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &n[0], &n[1], &n[2]); err != nil {
		return nil
	}
	return n
}

// LeastFresh is how long an answer tells of now at least.
const LeastFresh = 3 * time.Minute

// FreshFor is how long an answer tells of now when clusters are asked every so
// often: until three probes in a row would have been missed.
func FreshFor(every time.Duration) time.Duration { return max(LeastFresh, 3*every) }

// Why is why the health is not Up, in a few words; "" when it is.
func (p Probe) Why() string {
	switch {
	case p.Health == Up:
		return ""
	case p.Problem != "":
		return p.Problem
	case p.Ready < p.Want:
		return fmt.Sprintf("%d of %d nodes Ready", p.Ready, p.Want)
	case len(p.Sick) > 0:
		return "not well: " + strings.Join(p.Sick, ", ")
	}
	return "a node is not Ready"
}
