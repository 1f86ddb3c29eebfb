-- What a database at schema 16 held beside that.
UPDATE probes SET scaling = '[{"Name":"ratings-web","Current":97,"Target":80,"Replicas":4,"Min":1,"Max":10}]' WHERE site_id = 'site_old';
