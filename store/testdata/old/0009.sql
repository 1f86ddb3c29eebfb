-- What a database at schema 9 held beside that.
INSERT INTO policies VALUES ('stk_old', '["upgrade"]', '["upgrade"]', '[{"Days":[6],"From":1320,"To":240,"Zone":"Europe/Berlin"}]', 'Europe/Berlin', 'ana', 1763888400000000000, 2);
INSERT INTO run_gates VALUES ('run_old', 1, '', 0, '["ana"]');
INSERT INTO run_verdicts VALUES ('run_old', 1, 'bob', 1763888400000000000, 1, 'fine');
