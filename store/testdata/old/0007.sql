-- What a database at schema 7 held beside that: schema 7 has only indexes more.
INSERT INTO settings VALUES ('seen', 'schema 7');
