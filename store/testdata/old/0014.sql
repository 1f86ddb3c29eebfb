-- What a database at schema 14 held beside that.
INSERT INTO node_work VALUES ('run_old', 'k8s-master-1-0', 'upgrade', 'site_old', 'succeeded', 1763888400000000000, 1763888700000000000);
