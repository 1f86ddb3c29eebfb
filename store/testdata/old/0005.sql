-- What a database at schema 5 held beside that: a probe, and a shared link.
INSERT INTO probes VALUES ('site_old', 'clu_old', 1763888400000000000, 'degraded', 5, 6, '1.33.10', 1795424400000000000, '["etcd-0"]', '', x'0100000000');
INSERT INTO shares VALUES ('shr_old', 'Wall', 'dep_old', x'0102', 1763888400000000000, 'ana', 1795424400000000000, 0);
