package workflows

import "time"

// AuditEvent is one row of the append-only record: who did what to what.
type AuditEvent struct {
	Seq      int64
	At       time.Time
	Actor    string // user name, or "hubwright"
	Action   string // run.start, kubeconfig.download, check.waive ...
	Object   string // what it was done to, in words: "cluster ratings-sea"
	RunID    string
	Target   Target
	Detail   map[string]string // never secrets
	PrevHash string
	Hash     string
}
