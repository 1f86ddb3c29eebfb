-- The autoscalers of a Site as the newest probe found them.

ALTER TABLE probes ADD COLUMN scaling TEXT NOT NULL DEFAULT '[]'; -- JSON
