-- How the pipelines of Azure DevOps reach the clusters.

CREATE TABLE service_connections (
    site_id       TEXT PRIMARY KEY REFERENCES sites (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    endpoint_id   TEXT NOT NULL,
    name          TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    project       TEXT NOT NULL,
    shared        TEXT NOT NULL, -- JSON
    method        TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    account       TEXT NOT NULL,
    server        TEXT NOT NULL,
    expires_at    INTEGER NOT NULL,
    pool          TEXT NOT NULL,
    pool_id       INTEGER NOT NULL,
    agent         TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
