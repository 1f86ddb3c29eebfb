-- The audit at a million events. An event knows the workflow of its run: that
-- follows from run_id, which is sealed, so it is not in the hash itself.

DROP TRIGGER audit_keep_sealed;
DROP TRIGGER audit_keep_content;

ALTER TABLE audit_events ADD COLUMN workflow_id TEXT NOT NULL DEFAULT '';
UPDATE audit_events SET workflow_id = coalesce((SELECT workflow_id FROM runs WHERE id = run_id), '') WHERE run_id <> '';

CREATE TRIGGER audit_keep_sealed BEFORE UPDATE ON audit_events
WHEN OLD.hash IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_keep_content
BEFORE UPDATE OF seq, at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, workflow_id ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

-- Each index ends in seq, so that a list is a walk down one of them: nothing
-- is sorted, and what does not fit is not read. Every combination of actor,
-- site and workflow has its own, and each of the three with the action.
DROP INDEX audit_at;
CREATE INDEX audit_site ON audit_events (site_id);
CREATE INDEX audit_workflow ON audit_events (workflow_id);
CREATE INDEX audit_actor_site ON audit_events (actor, site_id);
CREATE INDEX audit_actor_workflow ON audit_events (actor, workflow_id);
CREATE INDEX audit_site_workflow ON audit_events (site_id, workflow_id);
CREATE INDEX audit_actor_site_workflow ON audit_events (actor, site_id, workflow_id);
CREATE INDEX audit_actor_action ON audit_events (actor, action);
CREATE INDEX audit_site_action ON audit_events (site_id, action);
CREATE INDEX audit_workflow_action ON audit_events (workflow_id, action);

-- Between which numbers the events of a day are: it makes a span of time a
-- span of seq, even when a clock was set back.
CREATE TABLE audit_days (
    day       INTEGER PRIMARY KEY, -- since 1970
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL
) STRICT;

INSERT INTO audit_days SELECT at / 86400000000000, min(seq), max(seq) FROM audit_events GROUP BY 1;

CREATE TRIGGER audit_day AFTER INSERT ON audit_events
BEGIN
    INSERT INTO audit_days VALUES (NEW.at / 86400000000000, NEW.seq, NEW.seq)
        ON CONFLICT (day) DO UPDATE SET first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq);
END;
