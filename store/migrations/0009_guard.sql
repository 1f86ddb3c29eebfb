-- What guards a change: the policy of a Stack, and what each run waits for.

CREATE TABLE policies (
    stack_id   TEXT PRIMARY KEY REFERENCES stacks (id),
    approval   TEXT NOT NULL, -- JSON: ids of workflows
    windowed   TEXT NOT NULL, -- JSON: ids of workflows
    windows    TEXT NOT NULL, -- JSON
    zone       TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A run without a row waits for nothing.
CREATE TABLE run_gates (
    run_id   TEXT PRIMARY KEY REFERENCES runs (id),
    approval INTEGER NOT NULL,
    windows  TEXT NOT NULL, -- JSON
    start_at INTEGER NOT NULL,
    askers   TEXT NOT NULL -- JSON: names
) STRICT, WITHOUT ROWID;

CREATE TABLE run_verdicts (
    run_id   TEXT NOT NULL REFERENCES run_gates (run_id),
    attempt  INTEGER NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;
