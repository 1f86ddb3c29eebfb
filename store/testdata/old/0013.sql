-- What a database at schema 13 held beside that.
INSERT INTO channels VALUES ('chn_old', 'Operations', 'slack', '', '["run.ended"]', '["dep_old"]', 'hooks.slack.com', 'sec_url', '', '', '', 0,
    1763888400000000000, 'ana', 1);
INSERT INTO deliveries (channel_id, event_key, event, created_at, tries, next_at, sent_at, error)
    VALUES ('chn_old', 'run:1', '{"Key":"run:1","Kind":"run.ended","Title":"Scale failed"}', 1763888400000000000, 2, 1763888460000000000, 0, 'it answered 500');
INSERT INTO announcements VALUES ('ann_old', 'maintenance', 'Update of the Hub', '', 'dep_old', '["site_old"]', 1763888400000000000, 1763895600000000000,
    1763888400000000000, 'ana', 0, '', 1);
INSERT INTO app_probes VALUES ('site_old', 1763888400000000000, 'up', 200, 12000000, 1795424400000000000, '', x'0100000000');
