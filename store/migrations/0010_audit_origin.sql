-- Where a change came from. Events from here on have the workflow, the address
-- and the API token in their hash, which is what version 2 means.

DROP TRIGGER audit_keep_sealed;
DROP TRIGGER audit_keep_content;

ALTER TABLE audit_events ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

CREATE TRIGGER audit_keep_sealed BEFORE UPDATE ON audit_events
WHEN OLD.hash IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_keep_content
BEFORE UPDATE OF seq, at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, workflow_id, address, token, version ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

-- API tokens: only the hash is kept.
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
