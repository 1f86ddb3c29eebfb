package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"hubwright/internal/audit"
	"hubwright/workflows"
)

const (
	gateTopic = "gate"
	// A waiting run looks at its gate this often at least: clocks are set and
	// machines sleep.
	gateLook = time.Hour
)

// ErrOwnRun says that a person asked for the run and so may not decide on it.
var ErrOwnRun = errors.New("who asked for a run cannot approve it")

// Decide approves or rejects a waiting run. It returns ErrOwnRun for a person
// who asked for it, and ErrNotNow when nobody has to decide any more.
func (e *Engine) Decide(ctx context.Context, runID string, v workflows.Verdict) error {
	run, err := e.cfg.Journal.Run(ctx, runID)
	if err != nil {
		return err
	}
	gate, err := e.cfg.Journal.Gate(ctx, runID)
	switch {
	case err != nil:
		return err
	case slices.Contains(gate.Askers, v.By):
		return ErrOwnRun
	case run.Status != workflows.RunWaiting || !gate.MayDecide(v.By):
		return ErrNotNow
	}
	v.At = e.cfg.Clock()
	action := audit.RunReject
	if v.Approved {
		action = audit.RunApprove
	}
	did := false
	err = e.cfg.Journal.InTx(ctx, func(tx Tx) error {
		if did, err = e.cfg.Journal.AddVerdict(ctx, tx, runID, v); err != nil || !did {
			return err
		}
		if err := e.wake(tx, run); err != nil {
			return err
		}
		return e.audit(ctx, tx, run, v.By, action, map[string]string{"reason": v.Reason, "plan-sha256": planDigest(run.Plan)})
	})
	if err == nil && !did {
		err = ErrNotNow
	}
	e.notify(runID)
	return err
}

// planDigest names the plan that somebody has seen: it is stored once, when
// the run is made, and never written again.
func planDigest(p workflows.Plan) string {
	doc, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// hold keeps a gated attempt waiting.
func (e *Engine) hold(ctx context.Context, tx Tx, in runInput, g workflows.Gate) error {
	if !in.Gated {
		return nil
	}
	return e.cfg.Journal.HoldRun(ctx, tx, in.RunID, g)
}

// again is the gate of a retry of a run that had not begun: an approval
// stands, since the plan is the same, and a time that has passed does not
// count any more.
func again(g workflows.Gate, actor string, now time.Time) workflows.Gate {
	if g.StartAt.Before(now) {
		g.StartAt = time.Time{}
	}
	if !slices.Contains(g.Askers, actor) {
		g.Askers = append(slices.Clone(g.Askers), actor)
	}
	return g
}

// wake makes a waiting run look at its gate once the transaction is committed.
func (e *Engine) wake(tx Tx, run workflows.Run) error {
	if run.Status != workflows.RunWaiting {
		return nil
	}
	id := runInput{RunID: run.ID, Attempt: run.Attempt}.workflowID()
	if err := dbos.Send(e.dbos, id, "", gateTopic, dbos.WithSendTransaction(tx.Raw())); err != nil {
		return fmt.Errorf("waking the run: %w", err)
	}
	return nil
}

// passage is what a look at the gate came to.
type passage struct {
	Go      bool
	End     workflows.RunStatus // "" while it waits
	Problem *workflows.Problem
	Wait    time.Duration
}

// wait keeps the run until its gate lets it through or it has ended.
func (e *Engine) wait(ctx dbos.Context, in runInput) (passage, error) {
	for {
		p, err := dbos.RunAsStep(ctx, func(c context.Context) (passage, error) { return e.lookAtGate(c, in) }, dbos.WithStepName("gate"))
		switch {
		case err != nil || p.Go:
			return p, err
		case p.End != "":
			return p, e.endUnbegun(ctx, in, p)
		}
		_, err = dbos.Recv[string](ctx, gateTopic, p.Wait)
		if e.root.Err() != nil {
			<-make(chan struct{}) // as after a crash: the next start waits on
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return p, fmt.Errorf("waiting at the gate: %w", err)
		}
	}
}

func (e *Engine) lookAtGate(ctx context.Context, in runInput) (passage, error) {
	run, err := e.cfg.Journal.Run(ctx, in.RunID)
	if err != nil {
		return passage{}, err
	}
	gate, err := e.cfg.Journal.Gate(ctx, in.RunID)
	if err != nil {
		return passage{}, err
	}
	now := e.cfg.Clock()
	at, missed, err := gate.Opens(now)
	if err != nil {
		return passage{}, err
	}
	verdict, rejected := gate.Rejected(in.Attempt)
	switch {
	case rejected:
		return passage{End: workflows.RunCancelled, Problem: rejection(verdict)}, nil
	case run.Status == workflows.RunCancelling:
		return passage{End: workflows.RunCancelled}, nil
	case missed:
		return passage{End: workflows.RunFailed, Problem: missedStart(gate)}, nil
	case gate.Approved() && !at.IsZero() && !at.After(now):
		return passage{Go: true}, nil
	}
	wait := gateLook
	if at.After(now) {
		wait = min(wait, at.Sub(now))
	}
	return passage{Wait: wait + time.Millisecond}, nil
}

func rejection(v workflows.Verdict) *workflows.Problem {
	return &workflows.Problem{
		Code: "run.rejected", What: v.By + " has rejected this run", Why: v.Reason,
		Fix: "Talk it over. A new draft can be planned differently; a retry asks for approval of this plan once more.",
	}
}

func missedStart(g workflows.Gate) *workflows.Problem {
	why := "Hubwright was not running then."
	if !g.Approved() {
		why = "Nobody had approved it by then."
	}
	return &workflows.Problem{
		Code: "run.missed", What: "The time at which this run was to begin has passed", Why: why,
		Fix: "Nothing was changed. Retry to begin now, or make a new draft with another time.",
	}
}

// endUnbegun ends an attempt of which no step has begun; Always steps have
// nothing to put in order then.
func (e *Engine) endUnbegun(ctx dbos.Context, in runInput, p passage) error {
	_, err := dbos.RunAsTransaction(ctx, e.ds, func(c context.Context, tx dbos.Tx) (bool, error) {
		steps, err := e.cfg.Journal.Steps(context.WithoutCancel(e.root), in.RunID, in.Attempt)
		if err != nil {
			return false, err
		}
		for i, s := range steps[in.From:] {
			status := workflows.StepSkipped
			if i == 0 {
				status = workflows.StepCancelled
			}
			if err := e.cfg.Journal.FinishStep(c, dbosTx{tx}, ended(e, s, status, nil, nil).Step, nil); err != nil {
				return false, err
			}
		}
		return true, nil
	}, dbos.WithStepName("unbegun"))
	if err != nil {
		return err
	}
	return e.finishRun(ctx, in, p.End, p.Problem)
}
