-- What a database at schema 15 held beside that.
UPDATE service_connections SET agent_host = '{"Address":"build01.example.org","Port":22,"User":"ci","PrivateKey":"sec_key","HostKey":"ssh-ed25519 AAAA"}' WHERE site_id = 'site_old';
