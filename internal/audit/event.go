// Package audit says what the record of past changes looks like: the names of
// its actions, the chain of hashes that makes changes to it visible, and how
// it is exported. The rows are kept by the store.
package audit

import (
	"context"
	"time"

	"hubwright/workflows"
)

// ActorHubwright is the actor of what Hubwright does by itself.
const ActorHubwright = "hubwright"

// The actions. They are stored: never renamed.
const (
	SetupComplete = "setup.complete"
	Login         = "login"
	LoginFailed   = "login.fail"
	Logout        = "logout"

	UserCreate   = "user.create"
	UserRole     = "user.role"
	UserPassword = "user.password"
	UserDisable  = "user.disable"
	UserEnable   = "user.enable"

	StackCreate      = "stack.create"
	StackChange      = "stack.change"
	StackTest        = "stack.test"
	ConnectionCreate = "connection.create"
	ConnectionChange = "connection.change"
	ConnectionTest   = "connection.test"
	StackPolicy      = "stack.policy" // who must approve, and when changes may begin
	DeploymentCreate = "deployment.create"
	SiteCreate       = "site.create"
	ArchiveAdd       = "archive.add"
	ArchiveDelete    = "archive.delete"

	DraftDelete = "draft.delete"
	CheckWaive  = "check.waive"

	RunStart   = "run.start"
	RunApprove = "run.approve"
	RunReject  = "run.reject"
	RunCancel  = "run.cancel"
	RunRetry   = "run.retry"
	RunEnd     = "run.end"

	KubeconfigDownload = "kubeconfig.download" // cluster-admin
	KubeconfigScoped   = "kubeconfig.scoped"   // a service account with a chosen role
	APIModelDownload   = "apimodel.download"
	APIModelCompare    = "apimodel.compare"
	LogsDownload       = "logs.download" // what nodes had in their logs
	DossierDownload    = "dossier.download"
	LogDownload        = "log.download"      // the log of a run as text
	DocumentDownload   = "document.download" // what a plan shows, secrets masked
	AuditRead          = "audit.read"
	AuditExport        = "audit.export"

	AccessDeny  = "access.deny"  // a role that was not enough
	RunRefuse   = "run.refuse"   // a start that checks or a run under way forbade
	TokenRefuse = "token.refuse" // an API token that has ended or was revoked
	TokenCreate = "token.create"
	TokenRevoke = "token.revoke"

	ShareCreate = "share.create" // a link to the status page that needs no login
	ShareRevoke = "share.revoke"

	ChannelSave  = "channel.save" // where notifications go
	ChannelTest  = "channel.test"
	ChannelDrop  = "channel.delete"
	MailChange   = "mail.change" // the mail server
	Announce     = "announcement.save"
	AnnounceStop = "announcement.end"
)

// Action is one of the actions with its words.
type Action struct{ ID, Words string }

// Actions are all actions in the order in which they are offered.
func Actions() []Action {
	return []Action{
		{RunStart, "Run started"}, {RunEnd, "Run ended"}, {RunApprove, "Run approved"}, {RunReject, "Run rejected"}, {RunCancel, "Run cancelled"}, {RunRetry, "Run retried"},
		{CheckWaive, "Check waived"}, {DraftDelete, "Draft deleted"},
		{KubeconfigDownload, "Kubeconfig downloaded"}, {KubeconfigScoped, "Scoped account downloaded"},
		{APIModelDownload, "API model downloaded"}, {APIModelCompare, "API models compared"}, {LogsDownload, "Node logs downloaded"}, {DossierDownload, "Dossier downloaded"},
		{LogDownload, "Log downloaded"}, {DocumentDownload, "Plan's document downloaded"},
		{RunRefuse, "Start refused"}, {AccessDeny, "Access denied"},
		{AuditRead, "Audit read"}, {AuditExport, "Audit exported"},
		{ShareCreate, "Status page shared"}, {ShareRevoke, "Shared link revoked"},
		{Announce, "Announcement made or changed"}, {AnnounceStop, "Announcement ended"},
		{ChannelSave, "Notification channel saved"}, {ChannelTest, "Notification tested"}, {ChannelDrop, "Notification channel deleted"}, {MailChange, "Mail server changed"},
		{StackCreate, "Stack registered"}, {StackChange, "Stack changed"}, {StackTest, "Stack tested"}, {StackPolicy, "Approval and windows changed"},
		{ConnectionCreate, "Connection registered"}, {ConnectionChange, "Connection changed"}, {ConnectionTest, "Connection tested"},
		{DeploymentCreate, "Deployment created"}, {SiteCreate, "Site added"},
		{ArchiveAdd, "Engine archive uploaded"}, {ArchiveDelete, "Engine archive deleted"},
		{SetupComplete, "First admin made"}, {UserCreate, "Person added"}, {UserRole, "Role changed"},
		{UserPassword, "Password changed"}, {UserDisable, "Person locked out"}, {UserEnable, "Person let in again"},
		{TokenCreate, "API token made"}, {TokenRevoke, "API token revoked"}, {TokenRefuse, "API token refused"},
		{Login, "Logged in"}, {LoginFailed, "Login refused"}, {Logout, "Logged out"},
	}
}

// Filter says which events are meant. Empty fields filter nothing.
type Filter struct {
	Actor        string
	Action       string // whole, or all that begin with it when it ends in a dot: "run."
	RunID        string
	DeploymentID string
	SiteID       string    // what was done to a Site: its Helper VM, its Cluster
	WorkflowID   string    // what runs of the workflow did, and what was done to those runs
	From, To     time.Time // From is included, To is not
	Before       int64     // only events with a lower Seq; 0: from the newest
	Oldest       bool      // the oldest first, from After on
	After        int64     // with Oldest: only events with a higher Seq
	Limit        int       // 0: 100
}

// Repo is where the events are. The store implements it.
type Repo interface {
	// AuditEvents gives the newest events first, unless the filter says otherwise.
	AuditEvents(ctx context.Context, f Filter) ([]workflows.AuditEvent, error)
	// VerifyAudit gives the number of events and the Seq of the first one that
	// was changed, removed or added past the chain; 0 when all is well.
	VerifyAudit(ctx context.Context) (rows, firstBroken int64, err error)
}
