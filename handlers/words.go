package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// place is what a target is called.
type place struct {
	Deployment workflows.Deployment
	Site       workflows.Site
	Stack      workflows.Stack
}

// place looks a target's names up. What was deleted stays empty.
func (s *Server) place(ctx context.Context, t workflows.Target) (place, error) {
	var p place
	var err error
	get := func(id string, load func() error) {
		if id != "" && err == nil {
			if e := load(); e != nil && !errors.Is(e, workflows.ErrNotFound) {
				err = e
			}
		}
	}
	get(t.DeploymentID, func() (e error) { p.Deployment, e = s.Store.Deployment(ctx, t.DeploymentID); return })
	get(t.SiteID, func() (e error) { p.Site, e = s.Store.Site(ctx, t.SiteID); return })
	get(t.StackID, func() (e error) { p.Stack, e = s.Store.Stack(ctx, t.StackID); return })
	return p, err
}

// on is "Ratings / Orlando", or the Stack's name.
func (p place) on() string {
	switch {
	case p.Site.Name != "" && p.Deployment.Name != "":
		return p.Deployment.Name + " / " + p.Site.Name
	case p.Deployment.Name != "":
		return p.Deployment.Name
	}
	return p.Stack.Name
}

func (p place) crumbs() []ui.Crumb {
	var out []ui.Crumb
	if p.Deployment.ID != "" {
		out = append(out, ui.Crumb{Label: p.Deployment.Name, URL: "/deployments/" + p.Deployment.ID})
	}
	if p.Site.Name != "" {
		return append(out, ui.Crumb{Label: p.Site.Name})
	}
	if p.Stack.ID != "" && p.Deployment.ID == "" {
		out = append(out, ui.Crumb{Label: "Stacks", URL: "/stacks"}, ui.Crumb{Label: p.Stack.Name, URL: "/stacks/" + p.Stack.ID})
	}
	return out
}

// runStatus is a run's status as it is shown.
func runStatus(r workflows.Run) ui.Status {
	switch r.Status {
	case workflows.RunQueued:
		return ui.Status{Tone: ui.ToneWait, Words: "Queued"}
	case workflows.RunWaiting:
		return ui.Status{Tone: ui.ToneWait, Words: "Waiting"}
	case workflows.RunRunning:
		return ui.Status{Tone: ui.ToneRun, Words: fmt.Sprintf("Running %d %%", r.Percent)}
	case workflows.RunCancelling:
		return ui.Status{Tone: ui.ToneRun, Words: "Cancelling"}
	case workflows.RunSucceeded:
		return ui.Status{Tone: ui.ToneOK, Words: "Done"}
	case workflows.RunCancelled:
		return ui.Status{Tone: ui.ToneSkip, Words: "Cancelled"}
	}
	return ui.Status{Tone: ui.ToneBad, Words: "Failed"}
}

func shortDate(t time.Time) string { return t.Local().Format("2 Jan") }
