-- What a database at schema 2 held beside that: a run with two log lines, in
-- the first format of chunks.
INSERT INTO runs (number, id, workflow_id, title, deployment_id, site_id, stack_id, draft_id, lock_key, status, attempt, lines, created_by, created_at)
    VALUES (41, 'run_old', 'cluster', 'Deploy', 'dep_old', 'site_old', 'stk_old', '', 'site:site_old', 'running', 1, 2, 'ana', 1763888400000000000);
INSERT INTO run_plans VALUES ('run_old', '{"Title":"Deploy","Duration":"33 min"}');
INSERT INTO run_states VALUES ('run_old', X'7B7D');
INSERT INTO run_steps (run_id, attempt, idx, step_id, title, status, first_line) VALUES ('run_old', 1, 0, 'deploy', 'Deploy', 'running', 1);
INSERT INTO log_chunks (run_id, first_n, count, attempt, first_error, body)
    VALUES ('run_old', 1, 2, 1, 2, X'0103066465706C6F7904696E666F056572726F72020200010568656C6C6F00020002046F686E6F');
INSERT INTO log_cursors VALUES ('run_old', 'job.out', 512);
