-- The record. A row is inserted with hash NULL, then sealed once: prev_hash and
-- hash are filled in. After that nothing about it changes.

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
) STRICT;

CREATE INDEX audit_unsealed ON audit_events (seq) WHERE hash IS NULL;
CREATE INDEX audit_actor ON audit_events (actor);
CREATE INDEX audit_action ON audit_events (action);
CREATE INDEX audit_run ON audit_events (run_id);
CREATE INDEX audit_deployment ON audit_events (deployment_id);
CREATE INDEX audit_at ON audit_events (at);

CREATE TRIGGER audit_keep_sealed BEFORE UPDATE ON audit_events
WHEN OLD.hash IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_keep_content
BEFORE UPDATE OF seq, at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_keep_rows BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never deleted');
END;
