-- What a database at schema 6 held beside that: an event with its workflow.
INSERT INTO audit_events (at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, workflow_id)
    VALUES (1763888460000000000, 'ana', 'run.cancel', 'Deploy', 'run_old', 'dep_old', 'site_old', 'stk_old', '', 'cluster');
