-- What leads to the services around the Hubs, and what runs have put on the
-- clusters.

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
