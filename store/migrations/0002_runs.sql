-- Runs, their steps and their logs. The number of a run is its row id, so a
-- list of runs, newest first, is a walk down an index whatever the filter.

CREATE TABLE runs (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    workflow_id   TEXT NOT NULL,
    title         TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    site_id       TEXT NOT NULL,
    stack_id      TEXT NOT NULL,
    draft_id      TEXT NOT NULL,
    lock_key      TEXT NOT NULL,
    status        TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    problem       TEXT NOT NULL DEFAULT '', -- JSON
    percent       INTEGER NOT NULL DEFAULT 0,
    doing         TEXT NOT NULL DEFAULT '',
    lines         INTEGER NOT NULL DEFAULT 0,
    cancel_by     TEXT NOT NULL DEFAULT '',
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    started_at    INTEGER NOT NULL DEFAULT 0,
    ended_at      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Only one run that has not ended holds a lock; a draft becomes one run.
CREATE UNIQUE INDEX runs_lock ON runs (lock_key)
    WHERE lock_key <> '' AND status NOT IN ('succeeded', 'failed', 'cancelled');
CREATE UNIQUE INDEX runs_draft ON runs (draft_id) WHERE draft_id <> '';

CREATE INDEX runs_workflow ON runs (workflow_id);
CREATE INDEX runs_deployment ON runs (deployment_id);
CREATE INDEX runs_site ON runs (site_id);
CREATE INDEX runs_stack ON runs (stack_id);
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_board ON runs (deployment_id, site_id, workflow_id);

-- Plan and state are large and seldom read: apart from the row.
CREATE TABLE run_plans (
    run_id TEXT PRIMARY KEY REFERENCES runs (id),
    plan   TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE run_states (
    run_id TEXT PRIMARY KEY REFERENCES runs (id),
    state  BLOB NOT NULL
) STRICT;

CREATE TABLE run_steps (
    run_id     TEXT NOT NULL REFERENCES runs (id),
    attempt    INTEGER NOT NULL,
    idx        INTEGER NOT NULL,
    step_id    TEXT NOT NULL,
    title      TEXT NOT NULL,
    status     TEXT NOT NULL,
    percent    INTEGER NOT NULL DEFAULT -1,
    doing      TEXT NOT NULL DEFAULT '',
    first_line INTEGER NOT NULL DEFAULT 0,
    problem    TEXT NOT NULL DEFAULT '', -- JSON
    started_at INTEGER NOT NULL DEFAULT 0,
    ended_at   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, attempt, idx)
) STRICT, WITHOUT ROWID;

-- A chunk holds count lines from first_n on.
CREATE TABLE log_chunks (
    id          INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES runs (id),
    first_n     INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL, -- highest attempt of its lines
    first_error INTEGER NOT NULL, -- number of its first error line, 0 without one
    body        BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX log_chunks_line ON log_chunks (run_id, first_n);
CREATE INDEX log_chunks_error ON log_chunks (run_id, first_error) WHERE first_error > 0;

CREATE TABLE log_cursors (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    stream   TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (run_id, stream)
) STRICT, WITHOUT ROWID;
