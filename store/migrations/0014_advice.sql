-- What a person knows of a Hub and a tenant cannot ask, and how long nodes
-- took that runs made anew.

ALTER TABLE stacks ADD COLUMN hub_build TEXT NOT NULL DEFAULT '';

CREATE TABLE node_work (
    run_id      TEXT NOT NULL REFERENCES runs (id),
    node        TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    site_id     TEXT NOT NULL,
    status      TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL, -- 0 while it goes on
    PRIMARY KEY (run_id, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_work_site ON node_work (workflow_id, site_id, ended_at);
CREATE INDEX node_work_time ON node_work (workflow_id, ended_at, started_at, status);

-- Trends walk the runs of a workflow that have ended, by time.
CREATE INDEX runs_trend ON runs (workflow_id, created_at, status, started_at, ended_at);
