package connect

import (
	"context"
	"time"

	w "hubwright/workflows"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records Records
	Vault   Vault
	// OpenKube prepares to reach a cluster's API server. WayDirect asks nothing
	// yet; WayHelper fails when the tunnel does; WayAuto tries the direct way,
	// then the tunnel, and fails when neither leads there.
	OpenKube func(ctx context.Context, kubeconfig []byte, s w.Stack, siteID, way string) (Kube, error)
	// Validate says what is wrong with a kubeconfig.
	Validate func(kubeconfig []byte) error
	// Table is what kubectl get nodes would print.
	Table func(nodes []w.Node, now time.Time) string
	// DeployerRole is the role "deployer" in a namespace, in JSON as kubectl
	// apply takes it.
	DeployerRole func(namespace string) ([]byte, error)
	Clock        func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	w.SiteRecords
	SaveCluster(ctx context.Context, c *w.Cluster) error
}

// Vault keeps kubeconfigs.
type Vault interface {
	Seal(ctx context.Context, purpose string, plain []byte) (w.SecretRef, error)
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Account is a service account with rights in one namespace.
type Account struct {
	Namespace, Name, Role string
	TTL                   time.Duration
}

// Access is what an account's holder gets.
type Access struct {
	Kubeconfig []byte
	Expires    time.Time // as the API server says
	Existed    bool      // the account was there already
}

// Kube is a cluster. Errors are *workflows.Problem.
type Kube interface {
	Server() string
	// ViaHelper says that the way leads through the helper VM.
	ViaHelper() bool
	// NotDirect is why WayAuto did not take the direct way; "" when it did.
	NotDirect() string
	ServerVersion(ctx context.Context) (string, error)
	Nodes(ctx context.Context) ([]w.Node, error)
	Components(ctx context.Context) ([]w.Component, error)
	ClusterInfo(ctx context.Context) (string, error)
	CertificateExpiry(ctx context.Context) (time.Time, error)
	EnsureScopedAccount(ctx context.Context, a Account) (Access, error)
	Close() error
}
