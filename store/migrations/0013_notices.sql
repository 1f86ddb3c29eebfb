-- Who is told of what, what is still to be sent, what people announce, and
-- how the applications answered.

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

-- The outbox. A channel hears of the same event once.
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

CREATE UNIQUE INDEX deliveries_once ON deliveries (channel_id, event_key);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at > 0;
CREATE INDEX deliveries_age ON deliveries (created_at);

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
