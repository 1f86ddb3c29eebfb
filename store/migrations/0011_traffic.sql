-- The one name of a Deployment, and how it leads users to the Sites.

CREATE TABLE traffic_profiles (
    deployment_id  TEXT PRIMARY KEY REFERENCES deployments (id),
    kind           TEXT NOT NULL,
    connection_id  TEXT NOT NULL, -- '' with an own load balancer
    resource_group TEXT NOT NULL,
    name           TEXT NOT NULL,
    fqdn           TEXT NOT NULL,
    method         TEXT NOT NULL,
    ttl            INTEGER NOT NULL,
    max_return     INTEGER NOT NULL,
    probe          TEXT NOT NULL, -- JSON
    endpoints      TEXT NOT NULL, -- JSON
    run_id         TEXT NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
