-- What people register: Stacks, Deployments and their Sites, and what runs
-- have built there. Times are nanoseconds since 1970, 0 where there is none.

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
) STRICT;

CREATE UNIQUE INDEX stacks_name ON stacks (name);

CREATE TABLE deployments (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL COLLATE NOCASE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    version    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX deployments_name ON deployments (name);

CREATE TABLE sites (
    id            TEXT PRIMARY KEY,
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    stack_id      TEXT NOT NULL REFERENCES stacks (id),
    name          TEXT NOT NULL COLLATE NOCASE,
    position      INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX sites_name ON sites (deployment_id, name);
CREATE INDEX sites_stack ON sites (stack_id);

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
