package arm

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Overview is what a Hub has at a moment, for people to look at.
type Overview struct {
	Groups      []GroupView
	Deployments []DeploymentView // newest first
}

// GroupView is a resource group with what lies in it.
type GroupView struct {
	Name      string
	Resources []ResourceView
}

// ResourceView is a resource in a line.
type ResourceView struct {
	Type, Name string
	State      string // provisioning state
	Power      string // of a VM; "" otherwise
	Detail     string // size of a VM, address of a public IP
}

// DeploymentView is a template deployment in a line.
type DeploymentView struct {
	Group, Name, State, Error string
	Done, Total               int // resources
	Begun                     time.Time
}

// Overview lists groups, resources and deployments.
func (h *Hub) Overview() Overview {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var out Overview
	for _, g := range h.world.Groups {
		v := GroupView{Name: str(g["name"])}
		for _, r := range h.world.below(h.groupID(v.Name) + "/providers/") {
			v.Resources = append(v.Resources, h.view(r))
		}
		out.Groups = append(out.Groups, v)
	}
	slices.SortFunc(out.Groups, func(a, b GroupView) int { return cmp.Compare(a.Name, b.Name) })
	for _, d := range h.world.Deployments {
		v := DeploymentView{Group: d.Group, Name: d.Name, State: d.State, Total: len(d.Steps), Begun: d.Begun}
		for _, s := range d.Steps {
			if s.State == stateSucceeded {
				v.Done++
			}
			if s.Error.failed() && v.Error == "" {
				v.Error = s.Name + ": " + s.Error.Code
			}
		}
		out.Deployments = append(out.Deployments, v)
	}
	slices.SortFunc(out.Deployments, func(a, b DeploymentView) int { return b.Begun.Compare(a.Begun) })
	return out
}

// view is a resource in a line. The caller holds mu.
func (h *Hub) view(r object) ResourceView {
	v := ResourceView{Type: strings.TrimPrefix(str(r["type"]), "Microsoft."), Name: str(r["name"]), State: str(dig(r, "properties", "provisioningState"))}
	switch {
	case same(str(r["type"]), typeVM):
		v.Power, v.Detail = h.world.secret(str(r["id"])).Power, str(dig(r, "properties", "hardwareProfile", "vmSize"))
	case same(str(r["type"]), typePublicIP):
		v.Detail = strings.TrimSpace(str(dig(r, "properties", "ipAddress")) + " " + str(dig(r, "properties", "dnsSettings", "fqdn")))
	}
	return v
}
