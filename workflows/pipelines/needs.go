package pipelines

import (
	"context"
	"io"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records Records
	Vault   Vault
	// OpenDevOps opens an organization. Errors of it are *workflows.Problem.
	OpenDevOps func(ctx context.Context, c w.Connection) (Organization, error)
	// OpenKube reaches a Site's cluster with a kubeconfig, directly or through
	// the helper VM, and has asked it for its version.
	OpenKube func(ctx context.Context, kubeconfig []byte, s w.Stack, siteID string) (Kube, error)
	// Credential takes a kubeconfig apart.
	Credential func(kubeconfig []byte) (Credential, error)
	// OpenHelper logs in to the Site's helper VM.
	OpenHelper func(ctx context.Context, siteID string) (Host, error)
	// Dial logs in to another host. The Target's HostKey must be set.
	Dial func(ctx context.Context, t Target) (Host, error)
	// ScanHostKey reads a host's key without logging in.
	ScanHostKey func(ctx context.Context, t Target) (authorizedKey, fingerprint string, err error)
	// OpenHub opens a Stack's Hub. Errors of it are *workflows.Problem.
	OpenHub    func(ctx context.Context, s w.Stack) (Hub, error)
	NewKeyPair func(comment string) (privatePEM []byte, authorizedKey string, err error)
	// PublicKey is the public half of a private key, in authorized_keys form.
	PublicKey func(privatePEM []byte) (authorizedKey string, err error)
	// DeployerRole is the role "deployer" in a namespace, as kubectl apply
	// takes it.
	DeployerRole func(namespace string) ([]byte, error)
	// Chart is one of our own charts.
	Chart func(name string) (w.Chart, error)
	// Quote makes words for a POSIX shell.
	Quote func(args ...string) string
	Clock func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	w.SiteRecords
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	HelperVM(ctx context.Context, siteID string) (w.HelperVM, error)
	Connection(ctx context.Context, id string) (w.Connection, error)
	Connections(ctx context.Context) ([]w.Connection, error)
	ServiceConnection(ctx context.Context, siteID string) (w.ServiceConnection, error)
	SaveServiceConnection(ctx context.Context, s *w.ServiceConnection) error
	DeleteServiceConnection(ctx context.Context, siteID string) error
}

// Vault keeps kubeconfigs and tokens.
type Vault interface {
	Seal(ctx context.Context, purpose string, plain []byte) (w.SecretRef, error)
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Organization is an Azure DevOps organization or collection.
type Organization interface {
	Endpoints
	Agents
	URL() string
	Projects(ctx context.Context) ([]Project, error)
	Project(ctx context.Context, name string) (Project, error)
	Close()
}

// Endpoints are the service connections. What is not there is nil.
type Endpoints interface {
	EndpointByName(ctx context.Context, projectID, name string) (*Endpoint, error)
	Endpoint(ctx context.Context, projectID, id string) (*Endpoint, error)
	CreateEndpoint(ctx context.Context, s Spec) (Endpoint, error)
	UpdateEndpoint(ctx context.Context, id string, s Spec) (Endpoint, error)
	ShareEndpoint(ctx context.Context, id, name string, p Project) error
	// DeleteEndpoint takes it away from these projects; from all is for good.
	DeleteEndpoint(ctx context.Context, id string, projectIDs []string) error
	OpenToAll(ctx context.Context, projectID, id string) (bool, error)
	OpenForAll(ctx context.Context, projectID, id string) error
}

// Agents are the agent pools.
type Agents interface {
	Pools(ctx context.Context) ([]Pool, error)
	HasQueue(ctx context.Context, projectID string, p Pool) (bool, error)
	AddQueue(ctx context.Context, projectID string, p Pool) error
	Agent(ctx context.Context, poolID int, name string) (*Agent, error)
	RemoveAgent(ctx context.Context, poolID, id int) error
	AgentPackage(ctx context.Context) (Package, error)
}

// Hub is the Azure Stack Hub on which a VM can be made for the agent.
type Hub interface {
	vm.Hub
	vm.Remover
	SubnetExists(ctx context.Context, subnetID string) (exists bool, prefix string, err error)
}

// Project is a project.
type Project struct{ ID, Name string }

// Endpoint is a service connection as Azure DevOps tells of it.
type Endpoint struct {
	ID, Name, Type, URL string
	Method              string // ServiceAccount, Kubeconfig
	Ready               bool
	State               string
	Projects            []string // ids of those that see it
}

// Spec is a service connection to a cluster: with Token and CA, or with
// Kubeconfig and Context.
type Spec struct {
	Name, Description string
	Server            string
	Project           Project
	Token             string
	CA                []byte
	Kubeconfig        []byte
	Context           string
}

// Pool is an agent pool.
type Pool struct {
	ID     int
	Name   string
	Hosted bool
	Size   int
}

// Agent is an agent.
type Agent struct {
	ID              int
	Name, Version   string
	Online, Enabled bool
}

// Package is an agent's archive.
type Package struct{ Version, URL, SHA256 string }

// Credential is what a kubeconfig holds.
type Credential struct {
	Server  string
	CA      []byte
	Token   string
	Context string
}

// Account is a service account with the role "deployer" in a namespace.
type Account struct {
	Namespace, Name string
	TTL             time.Duration
}

// Access is what an account's holder gets.
type Access struct {
	Kubeconfig []byte
	Expires    time.Time
	Existed    bool
}

// Kube is a cluster. Errors are *workflows.Problem.
type Kube interface {
	Pods
	ServerVersion(ctx context.Context) (string, error)
	EnsureAccount(ctx context.Context, a Account) (Access, error)
	DeleteAccount(ctx context.Context, namespace, name string) error
	// Can says whether the kubeconfig's holder may do something; namespace ""
	// is everywhere.
	Can(ctx context.Context, namespace, verb, group, resource string) (bool, error)
	Close() error
}

// Pods are what agents on the cluster are made of.
type Pods interface {
	// PutSecret makes a Secret of ours be so, and its namespace where there is
	// none; changed says whether it was not.
	PutSecret(ctx context.Context, namespace, name string, data map[string]string) (changed bool, err error)
	HasSecret(ctx context.Context, namespace, name string) (bool, error)
	DeleteSecret(ctx context.Context, namespace, name string) error
	// Install makes a release be so and waits until its pods are ready.
	Install(ctx context.Context, spec w.ReleaseSpec, log w.Log) (w.ReleaseState, error)
	// Trouble is what keeps the release's pods from being well, nil when nothing
	// does.
	Trouble(ctx context.Context, namespace, release string) (*w.Problem, error)
	// Uninstall returns when the release's pods have ended.
	Uninstall(ctx context.Context, namespace, release string, log w.Log) error
}

// Target is an SSH login.
type Target struct {
	Host       string
	Port       int
	User       string
	PrivateKey []byte
	HostKey    string // pinned, authorized_keys form
	Proxy      string // http://host:port, "" for a direct way
}

// Output is what a command on the host printed.
type Output struct {
	Stdout, Stderr string
	ExitCode       int
}

// Job is a command that goes on without us.
type Job struct {
	ID   string
	Argv []string
	Env  map[string]string
	Dir  string
}

// Host is the machine of an agent.
type Host interface {
	Run(ctx context.Context, script string, stdin io.Reader) (Output, error)
	// StartJob starts a job once; started is false when it was before.
	StartJob(ctx context.Context, j Job) (started bool, err error)
	// JobState is absent, running, exited or lost.
	JobState(ctx context.Context, id string) (state string, exitCode int, outputSize int64, err error)
	SignalJob(ctx context.Context, id, signal string) error
	Close() error
}
