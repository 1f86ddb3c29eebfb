CREATE TABLE announcements (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,
    text          TEXT NOT NULL,
    deployment_id TEXT NOT NULL, -- '' concerns all
    sites         TEXT NOT NULL, -- JSON; none are all of the Deployment
    from_at       INTEGER NOT NULL,
    to_at         INTEGER NOT NULL, -- 0: until somebody ends it
    created_at    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    ended_at      INTEGER NOT NULL,
    ended_by      TEXT NOT NULL,
    version       INTEGER NOT NULL
) STRICT;

CREATE INDEX announcements_from ON announcements (from_at);

CREATE TABLE api_models (
    id         TEXT PRIMARY KEY,
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    version    INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    document   TEXT NOT NULL, -- reference to a secret
    run_id     TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX api_models_version ON api_models (cluster_id, version);

CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES users (name),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL, -- 0 while it is not
    used_at    INTEGER NOT NULL  -- 0 for never
) STRICT;

CREATE INDEX api_tokens_person ON api_tokens (person);

CREATE TABLE app_probes (
    site_id         TEXT PRIMARY KEY REFERENCES sites (id),
    at              INTEGER NOT NULL,
    health          TEXT NOT NULL,
    status          INTEGER NOT NULL, -- of HTTP, 0 when nothing answered
    took            INTEGER NOT NULL, -- nanoseconds
    certificate_end INTEGER NOT NULL,
    problem         TEXT NOT NULL,
    history         BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE archives (
    id        TEXT PRIMARY KEY,
    version   TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    path      TEXT NOT NULL,
    added_by  TEXT NOT NULL,
    added_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_days (
    day       INTEGER PRIMARY KEY, -- since 1970
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER audit_day AFTER INSERT ON audit_events
BEGIN
    INSERT INTO audit_days VALUES (NEW.at / 86400000000000, NEW.seq, NEW.seq)
        ON CONFLICT (day) DO UPDATE SET first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq);
END;

CREATE TRIGGER audit_keep_content
BEFORE UPDATE OF seq, at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, workflow_id, address, token, version ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_keep_rows BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never deleted');
END;

CREATE TRIGGER audit_keep_sealed BEFORE UPDATE ON audit_events
WHEN OLD.hash IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TABLE audit_events (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    action        TEXT NOT NULL,
    object        TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    site_id       TEXT NOT NULL,
    stack_id      TEXT NOT NULL,
    detail        TEXT NOT NULL, -- JSON
    prev_hash     TEXT,
    hash          TEXT
, workflow_id TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', token TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE INDEX audit_action ON audit_events (action);

CREATE INDEX audit_actor ON audit_events (actor);

CREATE INDEX audit_actor_action ON audit_events (actor, action);

CREATE INDEX audit_actor_site ON audit_events (actor, site_id);

CREATE INDEX audit_actor_site_workflow ON audit_events (actor, site_id, workflow_id);

CREATE INDEX audit_actor_workflow ON audit_events (actor, workflow_id);

CREATE INDEX audit_deployment ON audit_events (deployment_id);

CREATE INDEX audit_run ON audit_events (run_id);

CREATE INDEX audit_site ON audit_events (site_id);

CREATE INDEX audit_site_action ON audit_events (site_id, action);

CREATE INDEX audit_site_workflow ON audit_events (site_id, workflow_id);

CREATE INDEX audit_unsealed ON audit_events (seq) WHERE hash IS NULL;

CREATE INDEX audit_workflow ON audit_events (workflow_id);

CREATE INDEX audit_workflow_action ON audit_events (workflow_id, action);

CREATE TABLE channels (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL COLLATE NOCASE,
    kind        TEXT NOT NULL,
    owner       TEXT NOT NULL, -- '' is the team's
    events      TEXT NOT NULL, -- JSON
    deployments TEXT NOT NULL, -- JSON; none are all
    address     TEXT NOT NULL, -- of mail; else the host, for people to see
    url         TEXT NOT NULL, -- reference to a secret
    signing_key TEXT NOT NULL, -- reference to a secret
    ca_bundle   TEXT NOT NULL,
    https_proxy TEXT NOT NULL,
    paused      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX channels_name ON channels (owner, name);

CREATE TABLE check_results (
    draft_id      TEXT NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    check_id      TEXT NOT NULL,
    status        TEXT NOT NULL,
    found         TEXT NOT NULL,
    remedy        TEXT NOT NULL,
    link          TEXT NOT NULL,
    waived_by     TEXT NOT NULL,
    waiver_reason TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    draft_version INTEGER NOT NULL,
    PRIMARY KEY (draft_id, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE clusters (
    id             TEXT PRIMARY KEY,
    site_id        TEXT NOT NULL REFERENCES sites (id),
    name           TEXT NOT NULL,
    name_suffix    TEXT NOT NULL,
    resource_group TEXT NOT NULL,
    fqdn           TEXT NOT NULL,
    version        TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    master_count   INTEGER NOT NULL,
    master_size    TEXT NOT NULL,
    pools          TEXT NOT NULL, -- JSON
    admin_user     TEXT NOT NULL,
    ssh_key        TEXT NOT NULL, -- reference to a secret
    output_dir     TEXT NOT NULL,
    kubeconfig     TEXT NOT NULL, -- reference to a secret
    via_helper     INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX clusters_site ON clusters (site_id, name);

CREATE TABLE connections (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL COLLATE NOCASE,
    kind            TEXT NOT NULL,
    endpoint        TEXT NOT NULL,
    login_endpoint  TEXT NOT NULL,
    tenant_id       TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    credential      TEXT NOT NULL, -- JSON; references to secrets only
    expires_at      INTEGER NOT NULL,
    ca_bundle       TEXT NOT NULL,
    https_proxy     TEXT NOT NULL,
    dns_server      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    created_by      TEXT NOT NULL,
    version         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX connections_name ON connections (name);

CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    event_key  TEXT NOT NULL,
    event      TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    next_at    INTEGER NOT NULL, -- 0: nothing is left to do
    sent_at    INTEGER NOT NULL, -- 0: it was not sent
    error      TEXT NOT NULL     -- of the last try
) STRICT;

CREATE INDEX deliveries_age ON deliveries (created_at);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at > 0;

CREATE UNIQUE INDEX deliveries_once ON deliveries (channel_id, event_key);

CREATE TABLE deployments (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL COLLATE NOCASE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    version    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX deployments_name ON deployments (name);

CREATE TABLE drafts (
    id            TEXT PRIMARY KEY,
    workflow_id   TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    site_id       TEXT NOT NULL,
    stack_id      TEXT NOT NULL,
    answers       TEXT NOT NULL, -- JSON
    version       INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_by    TEXT NOT NULL,
    updated_at    INTEGER NOT NULL,
    run_id        TEXT NOT NULL -- '' while it is a draft
) STRICT;

CREATE INDEX drafts_open ON drafts (updated_at) WHERE run_id = '';

CREATE TABLE endpoints (
    site_id    TEXT PRIMARY KEY REFERENCES sites (id),
    address    TEXT NOT NULL,
    dns_name   TEXT NOT NULL,
    host       TEXT NOT NULL,
    tls        INTEGER NOT NULL,
    port       INTEGER NOT NULL,
    path       TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE helper_vms (
    id             TEXT PRIMARY KEY,
    site_id        TEXT NOT NULL UNIQUE REFERENCES sites (id),
    existing       INTEGER NOT NULL,
    address        TEXT NOT NULL,
    port           INTEGER NOT NULL,
    user           TEXT NOT NULL,
    private_key    TEXT NOT NULL, -- reference to a secret
    host_key       TEXT NOT NULL,
    via_proxy      INTEGER NOT NULL,
    os             TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    kubernetes     TEXT NOT NULL, -- JSON
    resource_group TEXT NOT NULL,
    vm_name        TEXT NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE log_chunks (
    id          INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES runs (id),
    first_n     INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL, -- highest attempt of its lines
    first_error INTEGER NOT NULL, -- number of its first error line, 0 without one
    body        BLOB NOT NULL
) STRICT;

CREATE INDEX log_chunks_error ON log_chunks (run_id, first_error) WHERE first_error > 0;

CREATE UNIQUE INDEX log_chunks_line ON log_chunks (run_id, first_n);

CREATE TABLE log_cursors (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    stream   TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (run_id, stream)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE probes (
    site_id         TEXT PRIMARY KEY REFERENCES sites (id),
    cluster_id      TEXT NOT NULL,
    at              INTEGER NOT NULL,
    health          TEXT NOT NULL,
    ready           INTEGER NOT NULL,
    want            INTEGER NOT NULL,
    version         TEXT NOT NULL,
    certificate_end INTEGER NOT NULL,
    sick            TEXT NOT NULL, -- JSON
    problem         TEXT NOT NULL,
    history         BLOB NOT NULL  -- counts by day and by quarter hour
, scaling TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    id            TEXT PRIMARY KEY,
    site_id       TEXT NOT NULL REFERENCES sites (id),
    role          TEXT NOT NULL,
    name          TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    chart         TEXT NOT NULL,
    chart_version TEXT NOT NULL,
    app_version   TEXT NOT NULL,
    source        TEXT NOT NULL,
    digest        TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    run_id        TEXT NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX releases_name ON releases (site_id, namespace, name);

CREATE TABLE run_gates (
    run_id   TEXT PRIMARY KEY REFERENCES runs (id),
    approval INTEGER NOT NULL,
    windows  TEXT NOT NULL, -- JSON
    start_at INTEGER NOT NULL,
    askers   TEXT NOT NULL -- JSON: names
) STRICT, WITHOUT ROWID;

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

CREATE TABLE run_verdicts (
    run_id   TEXT NOT NULL REFERENCES run_gates (run_id),
    attempt  INTEGER NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;

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

CREATE INDEX runs_board ON runs (deployment_id, site_id, workflow_id);

CREATE INDEX runs_deployment ON runs (deployment_id);

CREATE INDEX runs_deployment_stack ON runs (deployment_id, stack_id, number, status);

CREATE INDEX runs_deployment_status ON runs (deployment_id, status);

CREATE UNIQUE INDEX runs_draft ON runs (draft_id) WHERE draft_id <> '';

CREATE UNIQUE INDEX runs_lock ON runs (lock_key)
    WHERE lock_key <> '' AND status NOT IN ('succeeded', 'failed', 'cancelled');

CREATE INDEX runs_site ON runs (site_id);

CREATE INDEX runs_stack ON runs (stack_id);

CREATE INDEX runs_stack_status ON runs (stack_id, status);

CREATE INDEX runs_status ON runs (status);

CREATE INDEX runs_trend ON runs (workflow_id, created_at, status, started_at, ended_at);

CREATE INDEX runs_workflow ON runs (workflow_id);

CREATE INDEX runs_workflow_deployment ON runs (workflow_id, deployment_id, number, status);

CREATE INDEX runs_workflow_deployment_stack ON runs (workflow_id, deployment_id, stack_id, number, status);

CREATE INDEX runs_workflow_stack ON runs (workflow_id, stack_id, number, status);

CREATE INDEX runs_workflow_status ON runs (workflow_id, status);

CREATE TABLE schema_migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE secrets (
    ref        TEXT PRIMARY KEY,
    purpose    TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

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
, agent_host TEXT NOT NULL DEFAULT '{}') STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    user       TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE shares (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    deployment_id TEXT NOT NULL, -- '' shows all Deployments
    token_hash    BLOB NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    expires_at    INTEGER NOT NULL,
    revoked_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sites (
    id            TEXT PRIMARY KEY,
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    stack_id      TEXT NOT NULL REFERENCES stacks (id),
    name          TEXT NOT NULL COLLATE NOCASE,
    position      INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX sites_name ON sites (deployment_id, name);

CREATE INDEX sites_stack ON sites (stack_id);

CREATE TABLE stacks (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL COLLATE NOCASE,
    arm_endpoint    TEXT NOT NULL,
    portal_url      TEXT NOT NULL,
    region          TEXT NOT NULL,
    metadata        TEXT NOT NULL, -- JSON
    tenant_id       TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    credential      TEXT NOT NULL, -- JSON; references to secrets only
    ca_bundle       TEXT NOT NULL,
    https_proxy     TEXT NOT NULL,
    air_gapped      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    created_by      TEXT NOT NULL,
    version         INTEGER NOT NULL
, hub_build TEXT NOT NULL DEFAULT '') STRICT;

CREATE UNIQUE INDEX stacks_name ON stacks (name);

CREATE TABLE traffic_profiles (
    deployment_id  TEXT PRIMARY KEY REFERENCES deployments (id),
    kind           TEXT NOT NULL,
    connection_id  TEXT NOT NULL, -- '' with an own load balancer
    resource_group TEXT NOT NULL,
    name           TEXT NOT NULL,
    fqdn           TEXT NOT NULL,
    method         TEXT NOT NULL,
    ttl            INTEGER NOT NULL,
    max_return     INTEGER NOT NULL,
    probe          TEXT NOT NULL, -- JSON
    endpoints      TEXT NOT NULL, -- JSON
    run_id         TEXT NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    name          TEXT PRIMARY KEY,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled      INTEGER NOT NULL
) STRICT;
