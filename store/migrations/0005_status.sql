-- What the Monitor found, one row a Site, and the links that show the status
-- page to people without a login.

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
) STRICT, WITHOUT ROWID;

-- The token itself is not kept: who reads the database cannot open the page.
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
