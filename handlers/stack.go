package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/checks"
	"hubwright/web/layout"
	"hubwright/web/stacks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const stackTest = "stack-test"

func (s *Server) stacks(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := s.Store.Stacks(ctx)
	if err != nil {
		return err
	}
	used, err := s.stackUse(ctx)
	if err != nil {
		return err
	}
	p := stacks.ListProps{Role: me(c).ui(), Now: s.Clock()}
	for _, st := range all {
		tested, err := s.testProps(c, st, false)
		if err != nil {
			return err
		}
		p.Items = append(p.Items, stacks.Item{Stack: st, Tested: tested.Status(), At: tested.Count().Newest, UsedBy: len(used[st.ID])})
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Stacks", Active: layout.NavStacks, Body: stacks.List(p)})
}

// stackUse is which Deployments have a Site on which Stack.
func (s *Server) stackUse(ctx context.Context) (map[string][]ui.Crumb, error) {
	out := map[string][]ui.Crumb{}
	all, err := s.Store.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		sites, err := s.Store.Sites(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		for _, site := range sites {
			out[site.StackID] = append(out[site.StackID], ui.Crumb{Label: d.Name, URL: "/deployments/" + d.ID})
		}
	}
	return out, nil
}

func (s *Server) readStack(c echo.Context) (workflows.Stack, error) {
	stackID, err := id(c)
	if err != nil {
		return workflows.Stack{}, err
	}
	return s.Store.Stack(c.Request().Context(), stackID)
}

func (s *Server) stack(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	used, err := s.stackUse(c.Request().Context())
	if err != nil {
		return err
	}
	p := stacks.ShowProps{Role: me(c).ui(), Stack: st, Sites: used[st.ID], CreatedNote: "registered by " + st.CreatedBy, Now: s.Clock()}
	if p.Checks, err = s.testProps(c, st, false); err != nil {
		return err
	}
	if p.Policy, err = s.Store.Policy(c.Request().Context(), st.ID); err != nil {
		return err
	}
	p.Workflows = s.guarded()
	if st.CABundle != "" {
		certs, err := s.Hubs.ReadBundle(st.CABundle)
		if err != nil {
			return err
		}
		p.CAs = certList(certs)
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: st.Name, Active: layout.NavStacks, Going: p.Checks.Running, Body: stacks.Show(p)})
}

func certList(in []Certificate) []stacks.Cert {
	var out []stacks.Cert
	for _, x := range in {
		out = append(out, stacks.Cert{Subject: x.Subject, Issuer: x.Issuer, SHA256: x.SHA256, NotAfter: x.NotAfter, IsCA: x.IsCA})
	}
	return out
}

// testDraft is the draft that carries a Stack's test. There is one a Stack.
func (s *Server) testDraft(ctx context.Context, st workflows.Stack, by string) (workflows.Draft, error) {
	t := workflows.Target{StackID: st.ID}
	open, err := s.Store.Drafts(ctx, t)
	if err != nil {
		return workflows.Draft{}, err
	}
	for _, d := range open {
		if d.WorkflowID == stackTest {
			return d, nil
		}
	}
	d := workflows.Draft{WorkflowID: stackTest, Target: t, Answers: workflows.Answers{}}
	if by == "" {
		return d, nil
	}
	d.CreatedBy, d.UpdatedBy, d.CreatedAt, d.UpdatedAt = by, by, s.Clock(), s.Clock()
	err = s.Store.SaveDraft(ctx, &d)
	return d, err
}

func (s *Server) testProps(c echo.Context, st workflows.Stack, start bool) (checks.Props, error) {
	ctx := c.Request().Context()
	p := checks.Props{
		ID: "checks", URL: "/stacks/" + st.ID + "/checks", RunURL: "/stacks/" + st.ID + "/test",
		CanRun: me(c).ui().Operates(), Now: s.Clock(), Empty: "Nobody has tested this Hub yet.",
	}
	by := ""
	if start {
		by = me(c).Name
	}
	d, err := s.testDraft(ctx, st, by)
	if err != nil {
		return p, err
	}
	def, ok := s.Catalogue.Find(stackTest)
	if !ok {
		return p, workflows.ErrNotFound
	}
	if start {
		if err := s.Preflight.Start(ctx, d); err != nil {
			return p, err
		}
	}
	if d.ID == "" {
		return p, nil
	}
	results, err := s.Store.CheckResults(ctx, d.ID)
	if err != nil {
		return p, err
	}
	p.Running = s.Preflight.Running(d.ID)
	p.Items = checkItems(def.Info().Checks, results, d.Version, "", ui.RoleViewer)
	for i := range p.Items {
		p.Items[i].ChangeURL = ""
	}
	return p, nil
}

func (s *Server) stackChecks(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	p, err := s.testProps(c, st, false)
	if err != nil {
		return err
	}
	return s.fragment(c, http.StatusOK, checks.List(p))
}

func (s *Server) testStack(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	p, err := s.testProps(c, st, true)
	if err != nil {
		return err
	}
	if err := s.record(c, audit.StackTest, st.Name, workflows.Target{StackID: st.ID}, nil); err != nil {
		return err
	}
	if wantsFragment(c) {
		return s.fragment(c, http.StatusOK, checks.List(p))
	}
	return c.Redirect(http.StatusSeeOther, "/stacks/"+st.ID)
}
