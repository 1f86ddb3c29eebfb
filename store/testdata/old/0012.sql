-- What a database at schema 12 held beside that.
INSERT INTO service_connections (site_id, connection_id, endpoint_id, name, project_id, project, shared, method, namespace, account, server, expires_at, pool, pool_id, agent, run_id, updated_at)
    VALUES ('site_old', 'con_old', '14e48fdc-0000-4000-8000-000000000001', 'k8s-seattle', '0de70b50-0000-4000-8000-000000000001', 'Ratings',
    '["Platform"]', 'service-account', 'ratings', 'azure-pipelines', 'https://ratings.seattle.example.org', 1771664400000000000, 'Default', 1, 'seattle-helper', 'run_old', 1763888400000000000);
