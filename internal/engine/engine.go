package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // DBOS's dialect for the handle that we give it

	"hubwright/workflows"
)

const (
	queueName    = "runs"
	workflowName = "run"
	// DBOS recovers only runs of its own application version and executor. By
	// default the version is a hash of the binary, and a new build would leave
	// runs behind.
	applicationVersion = "1"
	executorID         = "hubwright"
	pollInterval       = 100 * time.Millisecond
	// Every start of the server counts as an attempt to recover; a long upgrade
	// may see many.
	maxRecoveries = 1_000_000
)

var (
	errCancelled = errors.New("the run was cancelled")
	errStopping  = workflows.ErrStopping
)

// Masker makes secrets unreadable.
type Masker interface {
	Add(secret string)
	Mask(text string) string
}

// Notifier tells readers that there is news about a topic.
type Notifier interface{ Notify(topic string) }

// Config is what an Engine needs. All fields but Clock and Log are required.
type Config struct {
	DB        *sql.DB // DBOS keeps its tables on the same handle as the journal
	Journal   Journal
	Catalogue workflows.Catalogue
	Masker    Masker
	Notifier  Notifier
	Log       *slog.Logger
	Clock     func() time.Time
}

// Engine starts, resumes, cancels and retries runs.
type Engine struct {
	cfg  Config
	dbos dbos.Context
	ds   *dbos.DataSource
	stop context.CancelCauseFunc
	root context.Context // cancelled by Close

	mu     sync.Mutex
	active map[string]context.CancelCauseFunc // by run id
	nodes  map[string][]workflows.NodeRow     // of runs that go on, by run id
}

// New prepares an engine; Launch starts it.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dctx, err := dbos.NewContext(context.WithoutCancel(ctx), dbos.Config{
		AppName: "hubwright", SQLiteSystemDB: cfg.DB, Logger: quiet(cfg.Log),
		ApplicationVersion: applicationVersion, ExecutorID: executorID,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the run engine: %w", err)
	}
	e := &Engine{cfg: cfg, dbos: dctx, active: map[string]context.CancelCauseFunc{}, nodes: map[string][]workflows.NodeRow{}}
	e.root, e.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	dbos.RegisterWorkflow(dctx, e.execute, dbos.WithWorkflowName(workflowName), dbos.WithMaxRecoveryAttempts(maxRecoveries))
	return e, nil
}

// Launch starts the engine: runs that were under way go on at once.
func (e *Engine) Launch(ctx context.Context) error {
	_, err := dbos.RegisterQueue(e.dbos, queueName,
		dbos.WithPartitionConcurrency(1), dbos.WithQueueBasePollingInterval(pollInterval))
	if err != nil {
		return fmt.Errorf("preparing the queue of runs: %w", err)
	}
	if e.ds, err = dbos.NewDataSource(e.dbos, e.cfg.DB); err != nil {
		return fmt.Errorf("preparing the run engine's transactions: %w", err)
	}
	if err := dbos.Launch(e.dbos); err != nil {
		return fmt.Errorf("starting the run engine: %w", err)
	}
	return e.endOrphans(ctx)
}

// Close stops the engine without ending runs: they go on at the next Launch,
// exactly as after a crash.
func (e *Engine) Close() {
	e.stop(errStopping)
	if err := dbos.Shutdown(e.dbos, time.Second); err != nil {
		e.cfg.Log.Debug("run engine stopped with steps under way", "err", err)
	}
}

// Topic is the live topic of a run.
func Topic(runID string) string { return "run:" + runID }

func (e *Engine) notify(runID string) { e.cfg.Notifier.Notify(Topic(runID)) }
