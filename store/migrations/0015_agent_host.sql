-- Agents on hosts beside the helper VM.

ALTER TABLE service_connections ADD COLUMN agent_host TEXT NOT NULL DEFAULT '{}'; -- JSON; references to secrets only
