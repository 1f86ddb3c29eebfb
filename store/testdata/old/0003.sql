-- What a database at schema 3 held beside that.
INSERT INTO users VALUES ('ana', 'admin', '$argon2id$x', 1763888400000000000, 0);
INSERT INTO sessions VALUES (X'01', 'ana', 1763888400000000000);
INSERT INTO secrets VALUES ('sec_old', 'stack.secret', X'00FF', 1763888400000000000);
INSERT INTO settings VALUES ('k', 'v');
INSERT INTO archives VALUES ('arc_old', 'v0.85.0', 'e.tar.gz', 'ab', 7, 'archives/x', 'ana', 1763888400000000000);
