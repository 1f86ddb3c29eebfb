package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"hubwright/internal/audit"
	"hubwright/workflows"
)

// outcome is how a step ended: what DBOS checkpoints for it. A failed step is
// not an engine error, and a cancel is neither.
type outcome struct {
	Step  workflows.StepRun
	State []byte
}

// execute is the DBOS workflow. On recovery DBOS calls it again and answers
// the checkpointed calls from its table, so it must make the same calls in the
// same order: everything that may differ is decided inside a step.
func (e *Engine) execute(ctx dbos.Context, in runInput) (string, error) {
	if in.Gated {
		if p, err := e.wait(ctx, in); err != nil || p.End != "" {
			return string(p.End), err
		}
	}
	steps, err := dbos.RunAsStep(ctx, func(c context.Context) ([]workflows.StepRun, error) {
		if err := e.cfg.Journal.StartRun(c, in.RunID, e.cfg.Clock()); err != nil {
			return nil, err
		}
		return e.cfg.Journal.Steps(c, in.RunID, in.Attempt)
	}, dbos.WithStepName("begin"))
	if err != nil {
		return "", err
	}
	status := workflows.RunSucceeded
	var problem *workflows.Problem
	for i := in.From; i < len(steps); i++ {
		step, so := steps[i], status
		out, err := dbos.RunAsStep(ctx, func(c context.Context) (outcome, error) {
			return e.step(c, in, step, so)
		}, dbos.WithStepName(step.StepID))
		if err != nil {
			return "", err
		}
		if err := e.finishStep(ctx, out); err != nil {
			return "", err
		}
		if status == workflows.RunSucceeded {
			status, problem = runStatus(out.Step), out.Step.Problem
		}
	}
	return string(status), e.finishRun(ctx, in, status, problem)
}

func runStatus(s workflows.StepRun) workflows.RunStatus {
	switch s.Status {
	case workflows.StepFailed:
		return workflows.RunFailed
	case workflows.StepCancelled:
		return workflows.RunCancelled
	}
	return workflows.RunSucceeded
}

func (e *Engine) finishStep(ctx dbos.Context, out outcome) error {
	_, err := dbos.RunAsTransaction(ctx, e.ds, func(c context.Context, tx dbos.Tx) (bool, error) {
		return true, e.cfg.Journal.FinishStep(c, dbosTx{tx}, out.Step, out.State)
	}, dbos.WithStepName(out.Step.StepID+".end"))
	e.notify(out.Step.RunID)
	return err
}

func (e *Engine) finishRun(ctx dbos.Context, in runInput, status workflows.RunStatus, problem *workflows.Problem) error {
	_, err := dbos.RunAsTransaction(ctx, e.ds, func(c context.Context, tx dbos.Tx) (bool, error) {
		run, err := e.cfg.Journal.Run(context.WithoutCancel(e.root), in.RunID)
		if err != nil {
			return false, err
		}
		if err := e.cfg.Journal.FinishRun(c, dbosTx{tx}, in.RunID, status, problem, e.cfg.Clock()); err != nil {
			return false, err
		}
		detail := map[string]string{"status": string(status)}
		if problem != nil {
			detail["problem"] = problem.What
		}
		return true, e.audit(c, dbosTx{tx}, run, audit.ActorHubwright, audit.RunEnd, detail)
	}, dbos.WithStepName("end"))
	e.showNodes(in.RunID, nil)
	e.notify(in.RunID)
	return err
}

// NodeRows are the nodes that a run which goes on works on, as its step saw
// them last. After a restart they are there again with the step's progress.
func (e *Engine) NodeRows(runID string) []workflows.NodeRow {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.nodes[runID]
}

func (e *Engine) showNodes(runID string, rows []workflows.NodeRow) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(rows) == 0 {
		delete(e.nodes, runID)
		return
	}
	e.nodes[runID] = rows
}

// step runs one step unless what happened before forbids it. so is the
// attempt's status so far.
func (e *Engine) step(c context.Context, in runInput, step workflows.StepRun, so workflows.RunStatus) (outcome, error) {
	run, err := e.cfg.Journal.Run(c, in.RunID)
	if err != nil {
		return outcome{}, err
	}
	def, ok := e.cfg.Catalogue.Find(run.WorkflowID)
	if !ok {
		return outcome{}, fmt.Errorf("this build has no workflow %q", run.WorkflowID)
	}
	now, err := e.cfg.Journal.Steps(c, in.RunID, in.Attempt)
	if err != nil {
		return outcome{}, err
	}
	begun := now[step.Index].Status == workflows.StepRunning
	step = now[step.Index]
	always := isAlways(def, step.StepID)
	switch {
	case so != workflows.RunSucceeded && !always:
		return ended(e, step, workflows.StepSkipped, nil, nil), nil
	case run.Status == workflows.RunCancelling && !begun && !always:
		return ended(e, step, workflows.StepCancelled, nil, nil), nil
	}
	return e.runStep(c, in, run, def, step, always)
}

func (e *Engine) runStep(c context.Context, in runInput, run workflows.Run, def workflows.Definition, step workflows.StepRun, always bool) (outcome, error) {
	state, err := e.cfg.Journal.State(c, in.RunID)
	if err != nil {
		return outcome{}, err
	}
	x, err := def.Resume(state)
	if err != nil {
		return outcome{}, err
	}
	if !x.Applies(step.StepID) {
		return ended(e, step, workflows.StepSkipped, nil, nil), nil
	}
	if err := e.cfg.Journal.StartStep(c, in.RunID, in.Attempt, step.Index, e.cfg.Clock()); err != nil {
		return outcome{}, err
	}
	step.StartedAt = e.cfg.Clock()
	e.notify(in.RunID)

	sctx, done := e.stepContext(c, run, always)
	defer done()
	w := newLogWriter(e, def, run, step)
	w.onProgress = func() { e.showNodes(run.ID, x.NodeRows()) }
	stopWarning := w.warnAfter(def, step.StepID)
	err = safely(func() error { return x.Run(sctx, step.StepID, w) })
	stopWarning()
	if rows := x.NodeRows(); len(rows) > 0 {
		if err := e.cfg.Journal.KeepNodes(c, run, rows); err != nil {
			e.cfg.Log.Error("the nodes of a run could not be kept", "run", run.ID, "err", err)
		}
	}
	if context.Cause(sctx) == errStopping {
		// As after a crash: nothing is recorded, the next start runs the step
		// again. DBOS would take any return for the step's end.
		w.close()
		<-make(chan struct{})
	}
	out := e.conclude(sctx, x, step, err, w)
	w.close()
	return out, nil
}

func (e *Engine) conclude(sctx context.Context, x workflows.Execution, step workflows.StepRun, err error, w *logWriter) outcome {
	state, merr := x.State()
	if err == nil {
		err = merr
	}
	if err == nil {
		return ended(e, step, workflows.StepSucceeded, nil, state)
	}
	if context.Cause(sctx) == errCancelled {
		w.Warn("Cancelled: %s", step.Title)
		return ended(e, step, workflows.StepCancelled, nil, state)
	}
	p := asProblem(err, step.Title)
	p.What, p.Why, p.Fix, p.Detail = e.cfg.Masker.Mask(p.What), e.cfg.Masker.Mask(p.Why), e.cfg.Masker.Mask(p.Fix), e.cfg.Masker.Mask(p.Detail)
	w.Error("%s", p.Error())
	return ended(e, step, workflows.StepFailed, p, state)
}

func ended(e *Engine, s workflows.StepRun, status workflows.StepStatus, p *workflows.Problem, state []byte) outcome {
	s.Status, s.Problem, s.EndedAt, s.Doing = status, p, e.cfg.Clock(), ""
	if status == workflows.StepSucceeded {
		s.Percent = 100
	}
	return outcome{Step: s, State: state}
}

// stepContext is the step's own context: it ends when the run is cancelled or
// the engine stops. An Always step outlives the cancel. A step that is entered
// again after a cancel gets a context that is over already, so that it can
// stop what it had started. DBOS ends its context on shutdown, too; a step must
// not take that for a cancel.
func (e *Engine) stepContext(c context.Context, run workflows.Run, always bool) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(workflows.WithOrigin(context.WithoutCancel(c), workflows.Origin{RunID: run.ID, Actor: run.CreatedBy}))
	unroot := context.AfterFunc(e.root, func() { cancel(errStopping) })
	if !always {
		e.mu.Lock()
		e.active[run.ID] = cancel
		e.mu.Unlock()
		// Read again: the cancel may have come between the first look and now.
		if now, err := e.cfg.Journal.Run(c, run.ID); err == nil && now.Status == workflows.RunCancelling {
			cancel(errCancelled)
		}
	}
	return ctx, func() {
		unroot()
		e.mu.Lock()
		delete(e.active, run.ID)
		e.mu.Unlock()
		cancel(nil)
	}
}

func isAlways(def workflows.Definition, stepID string) bool {
	for _, s := range def.Info().Steps {
		if s.ID == stepID {
			return s.Always
		}
	}
	return false
}

// safely turns a panic of a step into its failure: one bad step must not take
// down the runs beside it.
func safely(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &workflows.Problem{
				Code: "engine.panic", What: "The step stopped on a fault in Hubwright itself",
				Fix:    "Retry from this step. If it happens again, report it with the log of this run.",
				Detail: fmt.Sprint(r),
			}
		}
	}()
	return fn()
}

func asProblem(err error, title string) *workflows.Problem {
	var p *workflows.Problem
	if errors.As(err, &p) {
		c := *p
		return &c
	}
	return &workflows.Problem{
		Code: "engine.step", What: title + " did not work", Why: err.Error(),
		Fix: "Read the last lines of the log, mend the cause, then retry from this step.",
	}
}

type dbosTx struct{ dbos.Tx }

func (t dbosTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.Tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t dbosTx) Raw() any { return nil }
