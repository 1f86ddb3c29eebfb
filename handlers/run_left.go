package handlers

import (
	"context"
	"maps"

	"hubwright/web/run"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// runLeft tells what a run that did not succeed leaves, with the way to take
// that away.
func (s *Server) runLeft(ctx context.Context, p *run.Props, role ui.Role) error {
	x, err := s.execution(ctx, p.Run)
	if x == nil {
		return err
	}
	left := x.Left()
	if len(left.Items) == 0 {
		return nil
	}
	p.Left = &left
	if left.Undo == nil {
		return nil
	}
	if _, ok := s.Catalogue.Find(left.Undo.WorkflowID); ok && role.Operates() {
		a := startOf(left.Undo.WorkflowID, left.Undo.Title, p.Run.Target)
		a.Fields = append(a.Fields, ui.Hidden{Name: "undo", Value: p.Run.ID})
		p.UndoAction = &a
	}
	return nil
}

// undoing are the answers with which a draft takes away what a run left, none
// when no run is named. They are the run's own: the form only names it.
func (s *Server) undoing(ctx context.Context, runID, workflowID string, t workflows.Target) (workflows.Answers, error) {
	answers := workflows.Answers{}
	if runID == "" {
		return answers, nil
	}
	r, err := s.Store.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	x, err := s.execution(ctx, r)
	if x == nil || err != nil {
		return answers, err
	}
	if u := x.Left().Undo; u != nil && u.WorkflowID == workflowID && r.Target == t {
		maps.Copy(answers, u.Answers)
	}
	return answers, nil
}

// startOf is the button that opens a workflow's draft.
func startOf(workflowID, label string, t workflows.Target) ui.Action {
	return ui.Action{Label: label, URL: "/drafts", Method: "POST", Fields: []ui.Hidden{
		{Name: "workflow", Value: workflowID}, {Name: "deployment", Value: t.DeploymentID},
		{Name: "site", Value: t.SiteID}, {Name: "stack", Value: t.StackID},
	}}
}
