package handlers

import (
	"context"

	"hubwright/workflows"
)

// execution is a run as its workflow knows it. It is nil when this build has no
// such workflow, or cannot read what another build wrote: log and plan still
// tell of such a run.
func (s *Server) execution(ctx context.Context, r workflows.Run) (workflows.Execution, error) {
	def, ok := s.Catalogue.Find(r.WorkflowID)
	if !ok {
		return nil, nil
	}
	state, err := s.Store.State(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	x, err := def.Resume(state)
	if err != nil {
		return nil, nil
	}
	return x, nil
}
