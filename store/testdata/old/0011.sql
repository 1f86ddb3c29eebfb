-- What a database at schema 11 held beside that.
INSERT INTO traffic_profiles VALUES ('dep_old', 'traffic_manager', 'con_old', 'rg', 'ratings', 'ratings.trafficmanager.net', 'Weighted', 100, 0,
    '{"Protocol":"HTTP","Port":80,"Path":"/","IntervalSeconds":30,"TimeoutSeconds":9,"ToleratedFailures":3}',
    '[{"SiteID":"site_old","Name":"akse-seattle","Target":"a.example.org","Enabled":true,"Weight":2}]', 'run_old', 1763888400000000000);
