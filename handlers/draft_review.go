package handlers

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/engine"
	"hubwright/internal/preflight"
	"hubwright/internal/problem"
	"hubwright/web/checks"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

func (s *Server) review(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	return s.showReview(c, http.StatusOK, o, nil, nil)
}

func (s *Server) showReview(c echo.Context, status int, o opened, locked *workflows.Run, stale *wizard.Stale) error {
	p, err := s.reviewProps(c, o, true)
	if err != nil {
		return err
	}
	p.Locked, p.Stale = locked, stale
	return s.reviewPage(c, status, p)
}

func (s *Server) reviewPage(c echo.Context, status int, p wizard.ReviewProps) error {
	f := s.wizardFrame(p.Head)
	f.Body, f.Going = wizard.Review(p), p.Checks.Running
	return s.page(c, status, f)
}

// reviewProps reads the draft as it stands. With start, checks that were never
// run for this version begin.
func (s *Server) reviewProps(c echo.Context, o opened, start bool) (wizard.ReviewProps, error) {
	// A plan may render and compare several charts.
	ctx, cancel := context.WithTimeout(c.Request().Context(), 3*observing)
	defer cancel()
	session, err := o.def.Open(ctx, o.draft.Target, o.draft.Answers)
	if err != nil {
		return wizard.ReviewProps{}, err
	}
	p := wizard.ReviewProps{Head: s.head(c, o, session), Errors: session.Errors()}
	if p.Checks, err = s.checkProps(ctx, c, o, session, start && len(p.Errors) == 0); err != nil {
		return p, err
	}
	if len(p.Errors) > 0 {
		return p, nil
	}
	planned, enough := context.WithTimeout(c.Request().Context(), planning)
	defer enough()
	if p.Plan, err = session.Plan(planned); err != nil {
		p.PlanErr = problem.From(err)
	}
	p.StartAt = c.FormValue("start_at")
	p.Gate, p.Zone, err = s.gateOf(c.Request().Context(), o)
	return p, err
}

func (s *Server) checkProps(ctx context.Context, c echo.Context, o opened, session workflows.Session, start bool) (checks.Props, error) {
	role := me(c).ui()
	base := "/drafts/" + o.draft.ID
	p := checks.Props{ID: "checks", URL: base + "/checks", CanRun: role.Operates(), Version: o.draft.Version, Now: s.Clock()}
	results, err := s.Store.CheckResults(ctx, o.draft.ID)
	if err != nil {
		return p, err
	}
	verdict := preflight.Judge(session.Checks(), results, o.draft.Version)
	cutOff := verdict.Waiting > 0 && !s.Preflight.Running(o.draft.ID)
	if start && (verdict.Stale || cutOff) {
		if err := s.Preflight.Start(ctx, o.draft); err != nil {
			return p, err
		}
		if results, err = s.Store.CheckResults(ctx, o.draft.ID); err != nil {
			return p, err
		}
	}
	p.Running = s.Preflight.Running(o.draft.ID)
	p.Items = checkItems(session.Checks(), results, o.draft.Version, base, role)
	return p, nil
}

func checkItems(infos []workflows.CheckInfo, results []workflows.CheckResult, version int, base string, role ui.Role) []checks.Item {
	var out []checks.Item
	for _, info := range infos {
		item := checks.Item{Info: info}
		for _, r := range results {
			if r.CheckID == info.ID && r.DraftVersion == version {
				item.Result = r
			}
		}
		if info.Page != "" {
			item.ChangeURL = base + "/pages/" + info.Page
		}
		if info.Waivable && role.Operates() && item.Result.Status == workflows.CheckFailed {
			item.WaiveURL = base + "/checks/" + info.ID + "/waive"
		}
		out = append(out, item)
	}
	return out
}

func (s *Server) draftChecks(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	p, err := s.reviewProps(c, o, false)
	if err != nil {
		return err
	}
	return s.fragment(c, http.StatusOK, wizard.LiveChecks(p))
}

func (s *Server) runDraftChecks(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	if err := s.Preflight.Start(c.Request().Context(), o.draft); err != nil {
		return err
	}
	if wantsFragment(c) {
		return s.draftChecks(c)
	}
	return c.Redirect(http.StatusSeeOther, "/drafts/"+o.draft.ID+"/review")
}

func (s *Server) waiveCheck(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	back := ui.Action{Label: "Back to the review", URL: "/drafts/" + o.draft.ID + "/review", Primary: true}
	var info *workflows.CheckInfo
	for _, ch := range o.info.Checks {
		if ch.ID == c.Param("check") {
			info = &ch
		}
	}
	if info == nil {
		return workflows.ErrNotFound
	}
	if !info.Waivable {
		return problemPage(http.StatusForbidden, "This check cannot be waived", "going on without it would fail for certain or do harm", "Fix what the check says.", back)
	}
	reason := strings.TrimSpace(c.FormValue("reason"))
	if len(reason) < 8 || len(reason) > 1000 {
		return problemPage(http.StatusUnprocessableEntity, "The reason is missing", "a waiver goes into the audit with its reason, 8 to 1,000 characters", "Say why this is acceptable here.", back)
	}
	if formVersion(c) != o.draft.Version {
		return s.showReview(c, http.StatusConflict, o, nil, s.stale(o))
	}
	if err := s.Store.WaiveCheck(ctx, o.draft.ID, info.ID, me(c).Name, reason); err != nil {
		return err
	}
	err = s.record(c, audit.CheckWaive, info.Title+" on "+o.place.on(), o.draft.Target,
		map[string]string{"check": info.ID, "reason": reason, "workflow": o.info.ID})
	if err != nil {
		return err
	}
	return see(c, "/drafts/"+o.draft.ID+"/review", ui.ToneOK, "Waived, with your reason in the audit.")
}

func (s *Server) draftDocument(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	docs, err := s.documents(c.Request().Context(), o, c.QueryParam("page"))
	if err != nil {
		return err
	}
	for _, d := range docs {
		if d.Name == c.Param("name") {
			if err := s.record(c, audit.DocumentDownload, d.Name+" of "+o.info.Title+" on "+o.place.on(), o.draft.Target, nil); err != nil {
				return err
			}
			return download(c, d.Name, d.MIME, []byte(d.Body))
		}
	}
	return workflows.ErrNotFound
}

// documents are those of a question page, or of the plan when page is "".
func (s *Server) documents(ctx context.Context, o opened, page string) ([]workflows.Document, error) {
	if o.draft.RunID != "" && page == "" {
		run, err := s.Store.Run(ctx, o.draft.RunID)
		return run.Plan.Documents, err
	}
	session, err := o.def.Open(ctx, o.draft.Target, o.draft.Answers)
	if err != nil {
		return nil, err
	}
	if page != "" {
		view, _ := session.Page(ctx, page)
		return view.Documents, nil
	}
	plan, err := session.Plan(ctx)
	return plan.Documents, err
}

func download(c echo.Context, name, kind string, body []byte) error {
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	return c.Blob(http.StatusOK, kind, body)
}

func (s *Server) startRun(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	if formVersion(c) != o.draft.Version {
		return s.refuseStart(c, http.StatusConflict, o, "the draft was changed in the meantime", nil, s.stale(o))
	}
	ctx := c.Request().Context()
	session, err := o.def.Open(ctx, o.draft.Target, o.draft.Answers)
	if err != nil {
		return err
	}
	results, err := s.Store.CheckResults(ctx, o.draft.ID)
	if err != nil {
		return err
	}
	if len(session.Errors()) > 0 || !preflight.Judge(session.Checks(), results, o.draft.Version).Ready() {
		return s.refuseStart(c, http.StatusUnprocessableEntity, o, "answers or checks are not ready", nil, nil)
	}
	start, err := s.startOf(ctx, c, o, session, results)
	if wrong := fieldErrors(err); wrong != nil {
		return s.showWrongStart(c, o, wrong[0])
	}
	if err != nil {
		return err
	}
	run, err := s.Engine.Start(ctx, start)
	var locked *workflows.LockedError
	if errors.As(err, &locked) {
		if locked.Run.DraftID == o.draft.ID {
			return see(c, "/runs/"+locked.Run.ID, ui.ToneOK, locked.Run.CreatedBy+" has just started this draft. This is the run.")
		}
		return s.refuseStart(c, http.StatusConflict, o, "another run goes on: "+locked.Run.Title, &locked.Run, nil)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/runs/"+run.ID)
}

// refuseStart shows the review again, and writes down that a start was tried
// and why nothing came of it.
func (s *Server) refuseStart(c echo.Context, status int, o opened, why string, locked *workflows.Run, stale *wizard.Stale) error {
	err := s.record(c, audit.RunRefuse, o.info.Title+" on "+o.place.on(), o.draft.Target, map[string]string{"workflow": o.info.ID, "why": why})
	if err != nil {
		return err
	}
	return s.showReview(c, status, o, locked, stale)
}

func (s *Server) startOf(ctx context.Context, c echo.Context, o opened, session workflows.Session, results []workflows.CheckResult) (engine.Start, error) {
	plan, err := session.Plan(ctx)
	if err != nil {
		return engine.Start{}, err
	}
	state, err := session.State()
	if err != nil {
		return engine.Start{}, err
	}
	gate, err := s.askedGate(ctx, c, o)
	if err != nil {
		return engine.Start{}, err
	}
	if plan.Tools, err = s.tools(ctx, o.draft.Target); err != nil {
		return engine.Start{}, err
	}
	details := map[string]string{"workflow": o.info.ID}
	for _, r := range results {
		if r.Status == workflows.CheckWaived {
			details["waived."+r.CheckID] = r.WaivedBy + ": " + r.WaiverReason
		}
	}
	return engine.Start{
		Workflow: o.def, Target: o.draft.Target, DraftID: o.draft.ID, LockKey: session.LockKey(),
		Plan: plan, State: state, Actor: me(c).Name, Gate: gate, Details: details,
	}, nil
}
