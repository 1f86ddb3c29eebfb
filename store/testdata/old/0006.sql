-- What a database at schema 6 held beside that: schema 6 has only indexes more.
INSERT INTO settings VALUES ('seen', 'schema 6');
