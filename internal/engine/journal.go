package engine

import (
	"context"
	"time"

	"hubwright/workflows"
)

// Tx is a transaction that the engine and the store share: the store writes
// its rows with Exec, and DBOS enqueues or checkpoints in the same one.
type Tx interface {
	// Exec runs one statement with $1 placeholders and tells the rows affected.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Raw is the *sql.Tx where there is one (in InTx), else nil.
	Raw() any
}

// Journal is where the engine writes what it does. The store implements it.
type Journal interface {
	// InTx runs fn in one write transaction.
	InTx(ctx context.Context, fn func(Tx) error) error

	// CreateRun inserts the run, its steps (pending) and its first state, gives
	// it its Number and links its draft. It returns *workflows.LockedError when
	// a run that has not ended holds the same LockKey, and also when the
	// draft already became a run.
	CreateRun(ctx context.Context, tx Tx, run *workflows.Run, steps []workflows.StepRun, state []byte) error
	// AddAttempt inserts the steps of a retry: those before from are copied as
	// they ended, the rest are pending. It sets the run's Attempt and makes it
	// queued again. The lock is checked as in CreateRun.
	AddAttempt(ctx context.Context, tx Tx, runID string, attempt, from int) error

	Run(ctx context.Context, runID string) (workflows.Run, error)
	// State is the run's state after the last finished step.
	State(ctx context.Context, runID string) ([]byte, error)
	Steps(ctx context.Context, runID string, attempt int) ([]workflows.StepRun, error)

	// HoldRun keeps a run that was just created, or given a new attempt, waiting
	// for the gate, which it stores without its verdicts.
	HoldRun(ctx context.Context, tx Tx, runID string, g workflows.Gate) error
	// Gate is what a run waits for, empty for one that waits for nothing.
	Gate(ctx context.Context, runID string) (workflows.Gate, error)
	// AddVerdict notes what somebody said of a waiting run's plan, and says
	// whether it did: not when the run does not wait, or somebody was quicker.
	AddVerdict(ctx context.Context, tx Tx, runID string, v workflows.Verdict) (bool, error)

	// UnfinishedRuns are the runs that have not ended, the oldest first.
	UnfinishedRuns(ctx context.Context) ([]workflows.Run, error)

	StartRun(ctx context.Context, runID string, at time.Time) error
	StartStep(ctx context.Context, runID string, attempt, index int, at time.Time) error
	// FinishStep writes a step's end and, unless it is nil, the state after it.
	FinishStep(ctx context.Context, tx Tx, step workflows.StepRun, state []byte) error
	// FinishRun writes the end of an attempt.
	FinishRun(ctx context.Context, tx Tx, runID string, status workflows.RunStatus, problem *workflows.Problem, at time.Time) error
	// RequestCancel marks a run that has not ended as cancelling and says
	// whether it did.
	RequestCancel(ctx context.Context, tx Tx, runID, by string) (bool, error)
	// KeepNodes writes down the nodes that a run worked on; it may be called
	// again with more.
	KeepNodes(ctx context.Context, run workflows.Run, rows []workflows.NodeRow) error
	// SetProgress writes what the step and the run are doing now.
	SetProgress(ctx context.Context, runID string, attempt, index, stepPercent, runPercent int, doing string) error

	// AppendLog numbers the lines after the run's last one, stores them as one
	// chunk and, when cursor is not nil, moves the stream's position, all in
	// one transaction. It returns the number of the first line. No lines and a
	// cursor moves the cursor alone.
	AppendLog(ctx context.Context, runID string, lines []workflows.LogLine, cursor *CursorMove) (int64, error)
	// StreamOffset is the position of a stream, 0 when it is new.
	StreamOffset(ctx context.Context, runID, stream string) (int64, error)

	// Audit appends to the audit in the same transaction.
	Audit(ctx context.Context, tx Tx, e workflows.AuditEvent) error
}

// CursorMove is the new position of a followed stream.
type CursorMove struct {
	Stream string
	From   int64 // the position it was at; when that is not so, nothing is stored and ErrCursor returned
	To     int64
}
