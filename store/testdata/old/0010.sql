-- What a database at schema 10 held beside that.
INSERT INTO api_tokens VALUES ('tok_old', 'ana', 'collector', 'auditor', x'0304', 1763888400000000000, 1795424400000000000, 0, 0);
