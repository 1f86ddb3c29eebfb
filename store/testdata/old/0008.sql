-- What a database at schema 8 held beside that.
INSERT INTO connections VALUES ('con_old', 'Contoso', 'azure', 'https://management.azure.com', 'https://login.microsoftonline.com', 't', 'sub',
    '{"Method":"client_secret","ClientID":"c","Secret":"sec_con"}', 0, '', '', '', 1763888400000000000, 'ana', 1);
INSERT INTO releases VALUES ('rel_old', 'site_old', 'app', 'ratings', 'ratings', 'ratings', '1.0.0', '1.0.0', 'built in', 'ab', 2, 'run_old',
    1763888400000000000);
INSERT INTO endpoints VALUES ('site_old', '10.0.0.1', '', 'ratings.example.org', 1, 443, '/', 'run_old', 1763888400000000000);
