package workflows

import "time"

// AuditEvent is one row of the append-only record: who did what to what.
type AuditEvent struct {
	Seq    int64
	At     time.Time
	Actor  string // user name, or "hubwright"
	Action string // run.start, kubeconfig.download, check.waive ...
	Object string // what it was done to, in words: "cluster ratings-sea"
	RunID  string
	Target Target
	Detail map[string]string // never secrets

	WorkflowID string // of the run
	Address    string // from where the person's request came; "" when Hubwright did it by itself
	Token      string // name of the API token with which it was asked for, "" for none
	Version    int    // how Hash is made: 1 leaves out the three above

	PrevHash string
	Hash     string
}
