-- What a database at schema 4 held beside that: an event that nobody sealed.
INSERT INTO audit_events (at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail)
    VALUES (1763888400000000000, 'ana', 'run.start', 'Deploy', 'run_old', 'dep_old', 'site_old', 'stk_old', '{"a":"b"}');
