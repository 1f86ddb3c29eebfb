// Package trafficmanager is the workflow that joins a Deployment's Sites under
// one name: Azure Traffic Manager, or the team's own load balancer.
package trafficmanager

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "traffic-manager"

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Join the Sites with Traffic Manager", Why: "One name for users, and a lost stamp that they hardly notice.",
		Scope: w.ScopeDeployment, Row: 9, Begin: f.begin, Pages: f.pages(), Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "traffic:" + s.DeploymentID }, Result: result,
	}.Erase()
}

func (f flow) steps() []w.Step[State] {
	azure := func(s *State) bool { return s.azure() }
	return []w.Step[State]{
		{ID: "group", Title: "Make sure of the resource group", Why: "The profile lives in one of public Azure.", When: func(s *State) bool { return s.azure() && s.isNew() }, Timeout: time.Minute, Run: f.group},
		{ID: "profile", Title: "Make the profile as planned", Why: "Name, method, probe and endpoints in one piece.", When: azure, Timeout: time.Minute, Run: f.profile},
		{ID: "record", Title: "Remember the name", Why: "Drills, upgrades and the status page work with it.", Run: f.record},
		{ID: "monitor", Title: "Wait until the Sites are Online", Why: "Traffic Manager must reach each Site itself.", When: azure, Timeout: 5 * time.Minute, Weight: 4, Run: f.monitor},
		{ID: "dns", Title: "Ask for the name", Why: "It must lead to the Sites, and to nothing else.", Timeout: 2 * time.Minute, Run: f.dns},
		{ID: "http", Title: "Visit the application by its name", Why: "That is what users do.", When: func(s *State) bool { return s.Profile.Probe.Protocol != "TCP" }, Timeout: 2 * time.Minute, Run: f.visit},
	}
}

// shares says in words what each Site gets while all are well.
func (s *State) shares() string {
	names := func(format func(e w.TrafficEndpoint) string) string {
		var out []string
		for _, e := range s.Profile.Endpoints {
			site, _ := s.site(e.SiteID)
			out = append(out, part(site.Name, e, format))
		}
		for _, e := range s.Others {
			out = append(out, part(e.Name, e, format))
		}
		return strings.Join(out, ", ")
	}
	sum := 0
	for _, e := range append(slices.Clone(s.Profile.Endpoints), s.Others...) {
		if e.Enabled {
			sum += e.Weight
		}
	}
	switch s.Profile.Method {
	case w.RouteWeighted:
		return names(func(e w.TrafficEndpoint) string { return fmt.Sprintf("%d %%", (100*e.Weight+sum/2)/max(sum, 1)) })
	case w.RoutePriority:
		order := slices.SortedFunc(slices.Values(append(slices.Clone(s.Profile.Endpoints), s.Others...)), func(a, b w.TrafficEndpoint) int { return cmp.Compare(a.Priority, b.Priority) })
		var out []string
		for _, e := range order {
			site, _ := s.site(e.SiteID)
			out = append(out, cmp.Or(site.Name, e.Name))
		}
		return strings.Join(out, ", then ")
	case w.RoutePerformance:
		return names(func(e w.TrafficEndpoint) string { return "near " + e.Location })
	case w.RouteGeographic:
		return names(func(e w.TrafficEndpoint) string { return "for " + e.Geo })
	case w.RouteSubnet:
		return names(func(e w.TrafficEndpoint) string { return "for " + cmp.Or(e.Subnets, "all others") })
	}
	return names(func(w.TrafficEndpoint) string { return "" })
}

// part is what an endpoint gets.
func part(name string, e w.TrafficEndpoint, format func(e w.TrafficEndpoint) string) string {
	if !e.Enabled {
		return name + " out of rotation"
	}
	return strings.TrimSpace(name + " " + format(e))
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: "Users reach the application at " + s.link() + ".",
		Facts: []w.SummaryItem{
			{Label: "Name", Value: s.Profile.FQDN},
			{Label: "Changed", Value: cmp.Or(strings.Join(s.Found.Changes, ", "), "Nothing: all was as planned already")},
		},
		Next: &w.NextStep{Title: "Try the failover", Why: "A drill takes a Site out, measures what users notice, and puts it back.", WorkflowID: "drill"},
	}
	if len(s.Found.Changes) == 0 {
		r.Headline = "Nothing had to be changed. " + r.Headline
	}
	if s.azure() {
		r.Facts = append(r.Facts, w.SummaryItem{Label: string(s.Profile.Method), Value: s.shares()})
		quick, all := failover(s.Profile)
		r.Facts = append(r.Facts, w.SummaryItem{Label: "When a Site is lost", Value: fmt.Sprintf("new users are led elsewhere after %d s at most, all users after %d s", quick, all)})
	}
	if s.Found.Status > 0 {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Page behind the name", Value: fmt.Sprintf("HTTP %d", s.Found.Status)})
	}
	return r
}
