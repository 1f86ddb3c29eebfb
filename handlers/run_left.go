package handlers

import (
	"context"

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
		p.UndoAction = &a
	}
	return nil
}

// startOf is the button that opens a workflow's draft.
func startOf(workflowID, label string, t workflows.Target) ui.Action {
	return ui.Action{Label: label, URL: "/drafts", Method: "POST", Fields: []ui.Hidden{
		{Name: "workflow", Value: workflowID}, {Name: "deployment", Value: t.DeploymentID},
		{Name: "site", Value: t.SiteID}, {Name: "stack", Value: t.StackID},
	}}
}
