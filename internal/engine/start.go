package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"hubwright/internal/audit"
	"hubwright/workflows"
)

// Start is what becomes a run.
type Start struct {
	Workflow workflows.Definition
	Target   workflows.Target
	DraftID  string
	LockKey  string
	Plan     workflows.Plan
	State    []byte
	Actor    string
	Gate     workflows.Gate    // what it waits for before its first step
	Details  map[string]string // go into the audit: waivers, versions before
}

// runInput is DBOS's copy of what to do; everything else is in the journal.
type runInput struct {
	RunID   string
	Attempt int
	From    int
	Gated   bool // the run waits for its gate first
}

func (in runInput) workflowID() string { return fmt.Sprintf("%s-%d", in.RunID, in.Attempt) }

// ErrNotNow says that a run is not in a state for what was asked.
var ErrNotNow = errors.New("the run is not in a state for that")

// Start inserts the run, its steps and its audit event and enqueues it, all in
// one transaction. It returns *workflows.LockedError when another run works
// on the same thing or the draft became a run already.
func (e *Engine) Start(ctx context.Context, s Start) (workflows.Run, error) {
	run := &workflows.Run{
		WorkflowID: s.Workflow.Info().ID, Title: s.Plan.Title, Target: s.Target, DraftID: s.DraftID,
		LockKey: s.LockKey, Status: workflows.RunQueued, Attempt: 1, Plan: s.Plan,
		CreatedBy: s.Actor, CreatedAt: e.cfg.Clock(),
	}
	var steps []workflows.StepRun
	for i, st := range s.Workflow.Info().Steps {
		steps = append(steps, workflows.StepRun{Attempt: 1, Index: i, StepID: st.ID, Title: st.Title, Status: workflows.StepPending, Percent: -1})
	}
	err := e.cfg.Journal.InTx(ctx, func(tx Tx) error {
		if err := e.cfg.Journal.CreateRun(ctx, tx, run, steps, s.State); err != nil {
			return err
		}
		in := runInput{RunID: run.ID, Attempt: 1, Gated: s.Gate.Shut()}
		if err := e.hold(ctx, tx, in, s.Gate); err != nil {
			return err
		}
		if err := e.enqueue(tx, in, run.LockKey); err != nil {
			return err
		}
		return e.audit(ctx, tx, *run, s.Actor, audit.RunStart, s.Details)
	})
	if err != nil {
		return workflows.Run{}, err
	}
	e.notify(run.ID)
	return e.cfg.Journal.Run(ctx, run.ID)
}

// Retry begins a new attempt at the first step that did not succeed.
func (e *Engine) Retry(ctx context.Context, runID, actor string) (workflows.Run, error) {
	run, err := e.cfg.Journal.Run(ctx, runID)
	if err != nil {
		return run, err
	}
	if run.Status != workflows.RunFailed && run.Status != workflows.RunCancelled {
		return run, ErrNotNow
	}
	steps, err := e.cfg.Journal.Steps(ctx, runID, run.Attempt)
	if err != nil {
		return run, err
	}
	gate, err := e.cfg.Journal.Gate(ctx, runID)
	if err != nil {
		return run, err
	}
	gate = again(gate, actor, e.cfg.Clock())
	next := runInput{RunID: runID, Attempt: run.Attempt + 1, From: firstOpen(steps)}
	next.Gated = gate.Shut() && run.StartedAt.IsZero()
	err = e.cfg.Journal.InTx(ctx, func(tx Tx) error {
		if err := e.cfg.Journal.AddAttempt(ctx, tx, runID, next.Attempt, next.From); err != nil {
			return err
		}
		if err := e.hold(ctx, tx, next, gate); err != nil {
			return err
		}
		if err := e.enqueue(tx, next, run.LockKey); err != nil {
			return err
		}
		return e.audit(ctx, tx, run, actor, audit.RunRetry, map[string]string{"from": steps[next.From].Title})
	})
	if err != nil {
		return run, err
	}
	e.notify(runID)
	return e.cfg.Journal.Run(ctx, runID)
}

// Cancel asks the run to stop. It is cancelled only when the step that is
// running has confirmed it; until then its status is cancelling.
func (e *Engine) Cancel(ctx context.Context, runID, actor string) error {
	run, err := e.cfg.Journal.Run(ctx, runID)
	if err != nil {
		return err
	}
	var did bool
	err = e.cfg.Journal.InTx(ctx, func(tx Tx) error {
		if did, err = e.cfg.Journal.RequestCancel(ctx, tx, runID, actor); err != nil || !did {
			return err
		}
		if err := e.wake(tx, run); err != nil {
			return err
		}
		return e.audit(ctx, tx, run, actor, audit.RunCancel, nil)
	})
	if err != nil {
		return err
	}
	if !did {
		return ErrNotNow
	}
	e.mu.Lock()
	if cancel := e.active[runID]; cancel != nil {
		cancel(errCancelled)
	}
	e.mu.Unlock()
	e.notify(runID)
	return nil
}

func (e *Engine) enqueue(tx Tx, in runInput, lockKey string) error {
	if lockKey == "" {
		lockKey = in.RunID
	}
	_, err := dbos.Enqueue[string](e.dbos, queueName, workflowName, in,
		dbos.WithEnqueueWorkflowID(in.workflowID()), dbos.WithEnqueueQueuePartitionKey(lockKey),
		dbos.WithEnqueueApplicationVersion(applicationVersion), dbos.WithEnqueueTransaction(tx.Raw()))
	if err != nil {
		return fmt.Errorf("enqueueing the run: %w", err)
	}
	return nil
}

func (e *Engine) audit(ctx context.Context, tx Tx, run workflows.Run, actor, action string, detail map[string]string) error {
	return e.cfg.Journal.Audit(ctx, tx, workflows.AuditEvent{
		At: e.cfg.Clock(), Actor: actor, Action: action, Object: run.Title,
		RunID: run.ID, Target: run.Target, Detail: detail,
	})
}

// firstOpen is the first step that neither succeeded nor did not apply. Steps
// that a failure kept from running are skipped only behind that failure.
func firstOpen(steps []workflows.StepRun) int {
	for i, s := range steps {
		if s.Status != workflows.StepSucceeded && s.Status != workflows.StepSkipped {
			return i
		}
	}
	return len(steps) - 1
}
