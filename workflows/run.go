package workflows

import "time"

// RunStatus is where a run stands.
type RunStatus string

// The statuses of a run.
const (
	RunQueued     RunStatus = "queued"
	RunWaiting    RunStatus = "waiting"
	RunRunning    RunStatus = "running"
	RunCancelling RunStatus = "cancelling"
	RunSucceeded  RunStatus = "succeeded"
	RunFailed     RunStatus = "failed"
	RunCancelled  RunStatus = "cancelled"
)

// Ended says whether the status is final for the attempt.
func (s RunStatus) Ended() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCancelled
}

// Run is one execution of a workflow.
type Run struct {
	ID         string
	Number     int // counts up over all runs; what people say: "run 42"
	WorkflowID string
	Title      string // from the plan
	Target     Target
	DraftID    string
	LockKey    string // runs with the same key go one at a time; "" never waits
	Status     RunStatus
	Attempt    int // from 1
	Plan       Plan
	Problem    *Problem // why it failed
	Percent    int      // 0 to 100
	Doing      string   // what it is doing now, in a few words
	Lines      int64    // how many log lines it has
	CreatedBy  string
	CreatedAt  time.Time
	StartedAt  time.Time
	EndedAt    time.Time
}

// StepStatus is where a step stands.
type StepStatus string

// The statuses of a step.
const (
	StepPending   StepStatus = "pending"
	StepRunning   StepStatus = "running"
	StepSucceeded StepStatus = "succeeded"
	StepFailed    StepStatus = "failed"
	StepCancelled StepStatus = "cancelled"
	StepSkipped   StepStatus = "skipped"
)

// StepRun is one action of a run, in one attempt.
type StepRun struct {
	RunID     string
	Attempt   int
	Index     int // from 0, the order of the rail
	StepID    string
	Title     string
	Status    StepStatus
	Percent   int // 0 to 100, -1 while unknown
	Doing     string
	FirstLine int64 // first log line of the step, 0 before it has one
	Problem   *Problem
	StartedAt time.Time
	EndedAt   time.Time
}

// Problem is a failure in words: what happened, why, and what to do.
type Problem struct {
	Code   string // stable, e.g. arm.QuotaExceeded, cse.50, ssh.hostkey
	What   string
	Why    string
	Fix    string
	Detail string // raw text for the expert, masked
	Link   string
}

// Error makes Problem an error: what and why in one sentence.
func (p *Problem) Error() string {
	if p.Why == "" {
		return p.What
	}
	return p.What + ": " + p.Why
}

// Level is a log line's weight.
type Level string

// The levels. LevelCommand is the echo of a command, LevelPhase a headline.
const (
	LevelInfo    Level = "info"
	LevelWarn    Level = "warn"
	LevelError   Level = "error"
	LevelGood    Level = "good"
	LevelPhase   Level = "phase"
	LevelCommand Level = "command"
	LevelOutput  Level = "output"
)

// LogLine is one line of a run's log. N is the absolute line number from 1:
// the same in the database, on the wire and in the URL.
type LogLine struct {
	N       int64
	At      time.Time
	StepID  string
	Attempt int
	Level   Level
	Text    string // masked; may hold ANSI colours; no newline
}
