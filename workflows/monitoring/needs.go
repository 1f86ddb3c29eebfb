package monitoring

import (
	"context"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records Records
	Vault   Vault
	// Engine takes the engine's addon out of old API models.
	Engine operate.Needs

	OpenAzure func(ctx context.Context, c w.Connection) (Azure, error)
	// OpenCluster reaches a cluster with the kubeconfig in custody.
	OpenCluster func(ctx context.Context, c w.Cluster) (Cluster, error)
	// Chart fetches a chart the Stack's way, or takes an uploaded one.
	Chart func(ctx context.Context, src w.ChartSource, s w.Stack) (w.Chart, error)
	// Hide is values without what they hold as secrets, to be shown.
	Hide func(values string) string
	// ReadYAML reads values.
	ReadYAML func(text string) (map[string]any, error)

	Clock func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	w.SiteRecords
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	Connections(ctx context.Context) ([]w.Connection, error)
	Connection(ctx context.Context, id string) (w.Connection, error)
	Releases(ctx context.Context, siteID string) ([]w.Release, error)
	SaveRelease(ctx context.Context, r *w.Release) error
	DeleteRelease(ctx context.Context, siteID, namespace, name string) error
}

// Vault keeps secrets.
type Vault interface {
	Seal(ctx context.Context, purpose string, plain []byte) (w.SecretRef, error)
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Azure is public Azure, seen with a Connection. Errors are
// *workflows.Problem; what is not there is workflows.ErrNotFound.
type Azure interface {
	Locations(ctx context.Context) ([]w.Option, error)
	Workspaces(ctx context.Context) ([]Workspace, error)
	// EnsureWorkspace makes the resource group and the workspace where they are
	// missing, and brings retention and cap of one that is there to what is asked for.
	EnsureWorkspace(ctx context.Context, spec Workspace) (Workspace, Outcome, error)
	// EnsureSolution makes ContainerInsights for a workspace, unless it is there.
	EnsureSolution(ctx context.Context, ws Workspace) (made bool, err error)
	// WorkspaceKey is the primary key.
	WorkspaceKey(ctx context.Context, ws Workspace) (string, error)
	// Query asks a workspace by its customer ID. Each row is its columns by name.
	// A table that is not there yet, because nothing ever arrived, is
	// workflows.ErrNotFound.
	Query(ctx context.Context, customerID, query string) ([]map[string]string, error)
}

// Workspace is a Log Analytics workspace.
type Workspace struct {
	ID         string // the resource's
	Group      string
	Name       string
	Location   string
	CustomerID string // what agents and queries call the workspace ID
	Retention  int    // days
	DailyCapGB float64
	// KeysOff says that agents may not log in by key.
	KeysOff bool
}

// Outcome is what a call that makes sure of something did.
type Outcome string

// The outcomes.
const (
	Same    Outcome = "same"
	Made    Outcome = "made"
	Changed Outcome = "changed"
)

// Workload is a part of an agent in the cluster.
type Workload struct {
	Kind, Namespace, Name string
	Ready, Want           int
	Settled               bool   // the newest pods have replaced the older ones
	Release               string // Helm release that made it; "" when none did
}

// Cluster is a Kubernetes cluster. Errors are *workflows.Problem.
type Cluster interface {
	Agents(ctx context.Context) ([]Workload, error)
	// Nodes are the names of the nodes.
	Nodes(ctx context.Context) ([]string, error)
	// EnsureSecret makes a Secret and its namespace, unless it is there.
	EnsureSecret(ctx context.Context, namespace, name string, data map[string]string) (made bool, err error)
	// Install makes a Helm release be what spec says and waits for it.
	Install(ctx context.Context, spec w.ReleaseSpec, log w.Log) (w.ReleaseState, error)
	// Uninstall takes a release away and waits until its objects are gone. One
	// that is not there is no error.
	Uninstall(ctx context.Context, namespace, name string, log w.Log) error
	// Status is a release as it is, workflows.ErrNotFound without one.
	Status(ctx context.Context, namespace, name string) (w.ReleaseState, error)
	Close() error
}
