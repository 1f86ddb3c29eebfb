package app

import (
	"context"
	"time"

	w "hubwright/workflows"
)

// Needs is what the workflow needs of the world. Errors of all of it are
// *workflows.Problem where a person can do something.
type Needs struct {
	Records Records
	// Open reaches a Site's cluster with the kubeconfig in custody.
	Open func(ctx context.Context, c w.Cluster) (Kube, error)
	// Chart fetches a chart, or takes the uploaded or built-in one. With a
	// digest in the source nothing else is taken.
	Chart func(ctx context.Context, src w.ChartSource, s w.Stack) (w.Chart, error)
	// Definitions fetches those of the Gateway API, or takes the uploaded file.
	// With a digest in the source nothing else is taken.
	Definitions func(ctx context.Context, src w.ChartSource, s w.Stack) (w.GatewayDefinitions, error)
	// CheckValues says what is wrong with values, by the chart's own schema.
	CheckValues func(c w.Chart, values string) error
	// Hide is values without what they hold as secrets, to be shown.
	Hide func(values string) string
	// Probe sends one HTTP request to an address.
	Probe func(ctx context.Context, s w.Stack, p Probe) (Answer, error)
	Clock func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	w.SiteRecords
	Releases(ctx context.Context, siteID string) ([]w.Release, error)
	SaveRelease(ctx context.Context, r *w.Release) error
	DeleteRelease(ctx context.Context, siteID, namespace, name string) error
	Endpoint(ctx context.Context, siteID string) (w.Endpoint, error)
	SaveEndpoint(ctx context.Context, e *w.Endpoint) error
	DeleteEndpoint(ctx context.Context, siteID string) error
}

// Kube is a cluster.
type Kube interface {
	Looker
	Helm
	// EnsureCertificate makes a Secret with a certificate that signs itself,
	// where there is none that fits. DeleteCertificates takes those away that it
	// made in a namespace.
	EnsureCertificate(ctx context.Context, namespace, name, host string) (changed bool, err error)
	DeleteCertificates(ctx context.Context, namespace string) ([]string, error)
	// EnsureGatewayDefinitions puts definitions on the cluster; it may be
	// called at any time. It replaces none of another release.
	EnsureGatewayDefinitions(ctx context.Context, d w.GatewayDefinitions) error
	Close() error
}

// Looker reads a cluster.
type Looker interface {
	ServerVersion(ctx context.Context) (string, error)
	StorageClasses(ctx context.Context) ([]w.StorageClass, error)
	IngressClasses(ctx context.Context) ([]w.IngressClass, error)
	GatewayDefinitions(ctx context.Context) (w.GatewayDefinitions, error)
	GatewayClasses(ctx context.Context) ([]w.GatewayClass, error)
	// Gateways are those of a namespace and those that its routes name.
	Gateways(ctx context.Context, namespace string) ([]w.Gateway, error)
	Workloads(ctx context.Context, namespace string) ([]w.Workload, error)
	Exposures(ctx context.Context, namespace string) ([]w.Exposure, error)
	May(ctx context.Context, verb, group, resource, namespace string) (bool, error)
	Autoscalers(ctx context.Context, namespace string) ([]w.Autoscaler, error)
	DeleteAutoscaler(ctx context.Context, namespace, name string) error
}

// Helm puts releases on a cluster. Install may be called at any time: what is
// so already stays.
type Helm interface {
	Install(ctx context.Context, spec w.ReleaseSpec, log w.Log) (w.ReleaseState, error)
	Uninstall(ctx context.Context, namespace, name string, log w.Log) error
	// Compare is what an Install would change, without the values of Secrets.
	Compare(ctx context.Context, spec w.ReleaseSpec) (diff string, changed int, err error)
	List(ctx context.Context) ([]w.ReleaseState, error)
	// Status is a release with its objects. One that is not there is
	// workflows.ErrNotFound.
	Status(ctx context.Context, namespace, name string) (w.ReleaseState, error)
}

// Probe is one HTTP request.
type Probe struct {
	Address string // IP address or name to connect to
	Port    int
	TLS     bool
	Host    string // of the request; "" is Address
	Path    string
}

// Answer is what came back.
type Answer struct {
	Status  int
	Took    time.Duration
	Trusted bool   // the certificate is signed by a known CA for the host
	Server  string // who answered, where it says so
}
