package handlers

import (
	"context"
	"maps"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

// opened is a draft with its workflow and names.
type opened struct {
	draft workflows.Draft
	def   workflows.Definition
	info  workflows.Info
	place place
}

func (s *Server) openDraft(c echo.Context) (opened, error) {
	draftID, err := id(c)
	if err != nil {
		return opened{}, err
	}
	ctx := c.Request().Context()
	d, err := s.Store.Draft(ctx, draftID)
	if err != nil {
		return opened{}, err
	}
	def, ok := s.Catalogue.Find(d.WorkflowID)
	if !ok {
		return opened{}, workflows.ErrNotFound
	}
	p, err := s.place(ctx, d.Target)
	return opened{draft: d, def: def, info: def.Info(), place: p}, err
}

// becameRun sends the person to the run that the draft became.
func (o opened) becameRun(c echo.Context) (bool, error) {
	if o.draft.RunID == "" {
		return false, nil
	}
	return true, see(c, "/runs/"+o.draft.RunID, ui.ToneOK, "This draft became this run.")
}

func (s *Server) createDraft(c echo.Context) error {
	ctx := c.Request().Context()
	def, ok := s.Catalogue.Find(c.FormValue("workflow"))
	if !ok {
		return problemPage(http.StatusUnprocessableEntity, "There is no such workflow", "the form was changed or is old", "Go back to the guide and start it there.")
	}
	t := workflows.Target{DeploymentID: c.FormValue("deployment"), SiteID: c.FormValue("site"), StackID: c.FormValue("stack")}
	if err := s.checkTarget(ctx, def.Info().Scope, t); err != nil {
		return err
	}
	answers, err := s.undoing(ctx, c.FormValue("undo"), def.Info().ID, t)
	if err != nil {
		return err
	}
	open, err := s.Store.Drafts(ctx, t)
	if err != nil {
		return err
	}
	for _, d := range open {
		if d.WorkflowID != def.Info().ID {
			continue
		}
		if len(answers) > 0 {
			// What somebody typed there stays.
			kept := workflows.Answers{}
			maps.Copy(kept, d.Answers)
			maps.Copy(kept, answers)
			d.Answers, d.UpdatedBy = kept, me(c).Name
			if err := s.Store.SaveDraft(ctx, &d); err != nil {
				return err
			}
		}
		return c.Redirect(http.StatusSeeOther, "/drafts/"+d.ID)
	}
	d := workflows.Draft{
		WorkflowID: def.Info().ID, Target: t, Answers: answers,
		CreatedBy: me(c).Name, CreatedAt: s.Clock(), UpdatedBy: me(c).Name, UpdatedAt: s.Clock(),
	}
	if err := s.Store.SaveDraft(ctx, &d); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/drafts/"+d.ID)
}

func (s *Server) checkTarget(ctx context.Context, scope workflows.Scope, t workflows.Target) error {
	bad := problemPage(http.StatusUnprocessableEntity, "This workflow needs a place to work on", "the form did not name one that exists", "Go back to the guide and start it there.")
	switch scope {
	case workflows.ScopeSite:
		site, err := s.Store.Site(ctx, t.SiteID)
		if err != nil || siteTarget(site) != t {
			return bad
		}
	case workflows.ScopeStack:
		if _, err := s.Store.Stack(ctx, t.StackID); err != nil || t.SiteID != "" || t.DeploymentID != "" {
			return bad
		}
	default:
		if _, err := s.Store.Deployment(ctx, t.DeploymentID); err != nil || t.SiteID != "" || t.StackID != "" {
			return bad
		}
	}
	return nil
}

// draft goes to the page where the person left off.
func (s *Server) draft(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	session, err := o.def.Open(c.Request().Context(), o.draft.Target, o.draft.Answers)
	if err != nil {
		return err
	}
	base := "/drafts/" + o.draft.ID
	for _, p := range session.Pages() {
		if !visited(o.draft, p.ID) {
			return c.Redirect(http.StatusSeeOther, base+"/pages/"+p.ID)
		}
	}
	return c.Redirect(http.StatusSeeOther, base+"/review")
}

// visitedKey marks in the answers that a page was answered once, so that its
// errors are shown and the rail knows. No field has such a name.
func visitedKey(page string) string { return "~visited." + page }

func visited(d workflows.Draft, page string) bool { return d.Answers[visitedKey(page)] != "" }

func (s *Server) head(c echo.Context, o opened, session workflows.Session) wizard.Head {
	h := wizard.Head{Role: me(c).ui(), Draft: o.draft, Info: o.info, Crumbs: o.place.crumbs(), Now: s.Clock()}
	if on := o.place.Site.Name; on != "" {
		h.Heading = o.info.Title + " on " + on
	}
	if session == nil {
		return h
	}
	h.Info.Steps = session.Steps()
	for _, p := range session.Pages() {
		r := wizard.RailPage{ID: p.ID, Title: p.Title, State: wizard.RailTodo}
		if visited(o.draft, p.ID) {
			r.State = wizard.RailDone
			if len(p.Errors) > 0 {
				r.State = wizard.RailError
			}
		}
		h.Rail = append(h.Rail, r)
	}
	return h
}

func (s *Server) deleteDraft(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	if err := s.Store.DeleteDraft(c.Request().Context(), o.draft.ID); err != nil {
		return err
	}
	if err := s.record(c, audit.DraftDelete, o.info.Title+" on "+o.place.on(), o.draft.Target, nil); err != nil {
		return err
	}
	to := "/"
	if o.draft.Target.DeploymentID != "" {
		to = "/deployments/" + o.draft.Target.DeploymentID
	}
	return see(c, to, ui.ToneOK, "The draft is deleted.")
}

func (s *Server) stale(o opened) *wizard.Stale {
	return &wizard.Stale{By: o.draft.UpdatedBy, At: o.draft.UpdatedAt}
}

func formVersion(c echo.Context) int {
	n, err := strconv.Atoi(c.FormValue("version"))
	if err != nil {
		return -1
	}
	return n
}

func (s *Server) wizardFrame(h wizard.Head) layout.Frame {
	title := h.Heading
	if title == "" {
		title = h.Info.Title
	}
	return layout.Frame{Title: title, Active: layout.NavDeployments}
}
