package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/store"
	"hubwright/web/deployments"
	"hubwright/web/guide"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// home is the one Deployment's guide, or the list while there is not exactly one.
func (s *Server) home(c echo.Context) error {
	all, err := s.Store.Deployments(c.Request().Context())
	if err != nil {
		return err
	}
	if len(all) == 1 {
		return c.Redirect(http.StatusSeeOther, "/deployments/"+all[0].ID)
	}
	return c.Redirect(http.StatusSeeOther, "/deployments")
}

func (s *Server) deployments(c echo.Context) error {
	return s.deploymentList(c, http.StatusOK, deployments.Props{})
}

func (s *Server) deploymentList(c echo.Context, status int, p deployments.Props) error {
	ctx := c.Request().Context()
	all, err := s.Store.Deployments(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		item, err := s.deploymentItem(ctx, d)
		if err != nil {
			return err
		}
		p.Items = append(p.Items, item)
	}
	stacks, err := s.Store.Stacks(ctx)
	if err != nil {
		return err
	}
	chosen, _ := c.FormParams()
	for _, st := range stacks {
		p.Stacks = append(p.Stacks, deployments.StackChoice{
			ID: st.ID, Name: st.Name, Note: st.Region + ", " + st.Metadata.Identity.Title(),
			Chosen: slices.Contains(chosen["stack"], st.ID),
		})
	}
	if p.ForYou, err = s.waitingFor(ctx, viewerOf(c)); err != nil {
		return err
	}
	p.Role, p.Now = me(c).ui(), s.Clock()
	return s.page(c, status, layout.Frame{Title: "Deployments", Active: layout.NavDeployments, Body: deployments.Page(p)})
}

func (s *Server) deploymentItem(ctx context.Context, d workflows.Deployment) (deployments.Item, error) {
	b, err := s.readBoard(ctx, d)
	if err != nil {
		return deployments.Item{}, err
	}
	item := deployments.Item{Deployment: d, LastChange: d.CreatedAt, LastWords: "made by " + d.CreatedBy}
	for _, site := range b.sites {
		item.Sites = append(item.Sites, site.Name)
	}
	failed := 0
	for _, row := range b.rows(ui.RoleViewer) {
		for _, cell := range row.Cells {
			if cell.Status.Tone == ui.ToneBad {
				failed++
			}
			if row.Optional() {
				continue
			}
			item.Total++
			if cell.Status.Tone == ui.ToneOK {
				item.Done++
			}
		}
	}
	for _, r := range b.latest {
		if at := lastTouched(r); at.After(item.LastChange) {
			item.LastChange, item.LastWords = at, r.Title+", by "+r.CreatedBy
		}
	}
	item.Status = standOf(b.going(), failed, item.Done, item.Total)
	return item, nil
}

// standOf is how far a Deployment is, in one status.
func standOf(going []guide.Going, failed, done, total int) ui.Status {
	switch {
	case len(going) > 0:
		return going[len(going)-1].Status
	case failed > 0:
		return ui.Status{Tone: ui.ToneBad, Words: fmt.Sprintf("%d failed", failed)}
	case done == 0:
		return ui.Status{Tone: ui.ToneIdle, Words: "Not started"}
	case done < total:
		return ui.Status{Tone: ui.ToneIdle, Words: "Being built"}
	}
	return ui.Status{Tone: ui.ToneOK, Words: "All done"}
}

func (s *Server) createDeployment(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := c.FormParams()
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	p := deployments.Props{Name: strings.TrimSpace(form.Get("name"))}
	if msg := nameProblem(p.Name); msg != "" {
		p.Errors = append(p.Errors, workflows.FieldError{Field: "name", Message: msg})
	}
	var stacks []workflows.Stack
	for _, id := range form["stack"] {
		st, err := s.Store.Stack(ctx, id)
		if err != nil {
			p.Errors = append(p.Errors, workflows.FieldError{Field: "stack", Message: "One of the chosen Stacks does not exist any more."})
			break
		}
		stacks = append(stacks, st)
	}
	if len(form["stack"]) == 0 {
		p.Errors = append(p.Errors, workflows.FieldError{Field: "stack", Message: "Choose at least one Stack. Two or more make it highly available."})
	}
	if p.Errors != nil {
		return s.deploymentList(c, http.StatusUnprocessableEntity, p)
	}
	d := workflows.Deployment{Name: p.Name, CreatedAt: s.Clock(), CreatedBy: me(c).Name}
	if err := s.Store.SaveDeployment(ctx, &d); err != nil {
		return err
	}
	for i, st := range stacks {
		if err := s.Store.SaveSite(ctx, &workflows.Site{DeploymentID: d.ID, StackID: st.ID, Name: st.Name, Position: i}); err != nil {
			return err
		}
	}
	err = s.Store.AppendAudit(ctx, workflows.AuditEvent{At: s.Clock(), Actor: d.CreatedBy, Action: audit.DeploymentCreate,
		Object: d.Name, Target: workflows.Target{DeploymentID: d.ID}})
	if err != nil {
		return err
	}
	return see(c, "/deployments/"+d.ID, ui.ToneOK, "The Deployment is there. Its guide leads you from here.")
}

// nameProblem is what is wrong with a name that people choose, "" if nothing.
func nameProblem(name string) string {
	n := utf8.RuneCountInString(name)
	switch {
	case n == 0:
		return "Give it a name."
	case n > 60:
		return "The name is too long: at most 60 characters."
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }):
		return "The name holds characters that cannot be shown."
	}
	return ""
}

// guideProps is the board of a Deployment as that person sees it.
func (s *Server) guideProps(ctx context.Context, id string, who viewer) (guide.Props, error) {
	d, err := s.Store.Deployment(ctx, id)
	if err != nil {
		return guide.Props{}, err
	}
	b, err := s.readBoard(ctx, d)
	if err != nil {
		return guide.Props{}, err
	}
	rows := b.rows(who.role)
	p := guide.Props{Role: who.role, Deployment: d, Columns: b.columns(rows), Rows: rows, Going: b.going(), Next: b.next(rows),
		Icon: string(boardIcon(rows)), Drafts: b.draftItems(who.role), Now: b.now}
	if p.ForYou, err = s.waitingFor(ctx, who); err != nil {
		return p, err
	}
	all, err := s.Store.Stacks(ctx)
	for _, st := range all {
		if !slices.ContainsFunc(b.sites, func(x workflows.Site) bool { return x.StackID == st.ID }) {
			p.Stacks = append(p.Stacks, ui.Choice{Value: st.ID, Label: st.Name})
		}
	}
	p.Version = boardLive(p).version()
	return p, err
}

func boardLive(p guide.Props) livePage {
	return livePage{live: p.Live(), parts: p.Parts(), inside: guide.Inner(p)}
}

// boardOf is the board that the request asks for.
func (s *Server) boardOf(c echo.Context) (guide.Props, error) {
	id, err := id(c)
	if err != nil {
		return guide.Props{}, err
	}
	return s.guideProps(c.Request().Context(), id, viewerOf(c))
}

func (s *Server) guide(c echo.Context) error {
	p, err := s.boardOf(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: p.Deployment.Name, Active: layout.NavDeployments, Body: guide.Page(p), Icon: layout.Icon(p.Icon), Every: 30, Going: len(p.Going) > 0})
}

func (s *Server) board(c echo.Context) error {
	p, err := s.boardOf(c)
	if err != nil {
		return err
	}
	return s.fragment(c, http.StatusOK, guide.Board(p))
}

// boardLook is one person's look at a board; those who only read share theirs.
type boardLook struct {
	deploymentID string
	who          viewer
}

// boardSocket tells of changes to a Deployment's board.
func (s *Server) boardSocket(c echo.Context) error {
	p, err := s.boardOf(c)
	if err != nil {
		return err
	}
	l := boardLook{p.Deployment.ID, viewerOf(c)}
	return s.watch(c, l, func(ctx context.Context) (livePage, error) {
		p, err := s.guideProps(ctx, l.deploymentID, l.who)
		return boardLive(p), err
	}, s.stillIn(c))
}

func boardIcon(rows []guide.Row) layout.Icon {
	icon := layout.IconIdle
	for _, r := range rows {
		for _, cell := range r.Cells {
			switch cell.Status.Tone {
			case ui.ToneBad:
				return layout.IconBad
			case ui.ToneRun:
				icon = layout.IconRunning
			}
		}
	}
	return icon
}

func (s *Server) addSite(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := id(c)
	if err != nil {
		return err
	}
	d, err := s.Store.Deployment(ctx, id)
	if err != nil {
		return err
	}
	st, err := s.Store.Stack(ctx, c.FormValue("stack"))
	if err != nil {
		return problemPage(http.StatusUnprocessableEntity, "Choose a Stack for the new Site", "none was chosen, or it does not exist any more", "Go back to the guide and choose one.",
			ui.Action{Label: "Back to the guide", URL: "/deployments/" + d.ID, Primary: true})
	}
	sites, err := s.Store.Sites(ctx, d.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(sites, func(x workflows.Site) bool { return x.StackID == st.ID }) {
		return see(c, "/deployments/"+d.ID, ui.ToneWarn, st.Name+" is part of this Deployment already.")
	}
	site := workflows.Site{DeploymentID: d.ID, StackID: st.ID, Name: st.Name, Position: len(sites)}
	if err := s.Store.SaveSite(ctx, &site); err != nil {
		return err
	}
	err = s.Store.AppendAudit(ctx, workflows.AuditEvent{At: s.Clock(), Actor: me(c).Name, Action: audit.SiteCreate, Object: d.Name + " / " + site.Name,
		Target: workflows.Target{DeploymentID: d.ID, SiteID: site.ID, StackID: st.ID}})
	if err != nil {
		return err
	}
	return see(c, "/deployments/"+d.ID, ui.ToneOK, site.Name+" is a Site of this Deployment now.")
}

// siteRow finds the newest run of a workflow on a site.
func siteRow(site workflows.Site, workflowID string) store.SiteRow {
	return store.SiteRow{SiteID: site.ID, WorkflowID: workflowID}
}
