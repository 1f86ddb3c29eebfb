package engine

import (
	"context"
	"log/slog"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"hubwright/workflows"
)

// endOrphans fails the runs that the journal thinks are under way and DBOS has
// given up, so that no run stays "running" for ever.
func (e *Engine) endOrphans(ctx context.Context) error {
	runs, err := e.cfg.Journal.UnfinishedRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		in := runInput{RunID: run.ID, Attempt: run.Attempt}
		found, err := dbos.ListWorkflows(e.dbos, dbos.WithFilterWorkflowIDs(in.workflowID()))
		if err != nil {
			return err
		}
		if len(found) > 0 && alive(found[0].Status) {
			continue
		}
		p := &workflows.Problem{
			Code: "engine.orphan", What: "Hubwright could not go on with this run",
			Why: "its record in the run engine is gone or ended early",
			Fix: "Retry from the step that was running: it looks first what is there already.",
		}
		err = e.cfg.Journal.InTx(ctx, func(tx Tx) error {
			return e.cfg.Journal.FinishRun(ctx, tx, run.ID, workflows.RunFailed, p, e.cfg.Clock())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func alive(s dbos.WorkflowStatusType) bool {
	return s == dbos.WorkflowStatusPending || s == dbos.WorkflowStatusEnqueued || s == dbos.WorkflowStatusDelayed
}

// quiet keeps DBOS's own chatter out of the server's log; its warnings stay.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(levelHandler{log.Handler()})
}

type levelHandler struct{ slog.Handler }

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}
