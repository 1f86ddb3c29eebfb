// Package operate is what every workflow shares that runs AKS Engine on a
// cluster: the place where the engine works, its job on the helper VM, custody
// of the API model, and the comparison of the world with it.
package operate

import (
	"context"
	"io"
	"os"
	"time"

	w "hubwright/workflows"
)

// Needs is what these workflows need of the world.
type Needs struct {
	Records Records
	Vault   Vault

	OpenHub  func(ctx context.Context, s w.Stack) (Hub, error)
	OpenHost func(ctx context.Context, siteID string) (Host, error)
	// OpenKube reaches a cluster's API: directly, through the stack's proxy, or
	// through the helper VM.
	OpenKube func(ctx context.Context, kubeconfig []byte, s w.Stack, helper w.HelperVM) (Kube, error)
	// OpenNode logs in to a node of the cluster: by way of the helper VM to the
	// SSH host, and from there to the node.
	OpenNode func(ctx context.Context, siteID string, way NodeWay, node string) (Node, error)
	// Watch follows a job's output from the cursor on until the job has ended
	// and returns its exit code. It survives a lost connection; onState says so
	// in words. Lines reach the cursor once, and onLines after they are stored.
	Watch func(ctx context.Context, open func(ctx context.Context) (Host, error), job string, cur w.Cursor,
		classify func(line string) w.Level, onLines func([]w.OutputLine), onState func(text string)) (exitCode int, err error)

	// Pairing is for the workflows that disturb a Site.
	Pairing Pairing

	// Quote makes words for a POSIX shell.
	Quote func(args ...string) string

	Clock func() time.Time
	// Pause waits, or returns the context's error. Nil: a real timer.
	Pause func(ctx context.Context, d time.Duration) error
	// Poll is how often a Hub and a cluster are asked. 0: 3 s.
	Poll time.Duration
}

const defaultPoll = 3 * time.Second

// Engine runs AKS Engine.
type Engine struct{ Needs }

// New fills in what may be left out.
func New(n Needs) Engine {
	if n.Pause == nil {
		n.Pause = w.Pause
	}
	if n.Poll == 0 {
		n.Poll = defaultPoll
	}
	return Engine{n}
}

// Records are our own.
type Records interface {
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	Site(ctx context.Context, id string) (w.Site, error)
	Stack(ctx context.Context, id string) (w.Stack, error)
	HelperVM(ctx context.Context, siteID string) (w.HelperVM, error)
	ClusterOfSite(ctx context.Context, siteID string) (w.Cluster, error)
	SaveCluster(ctx context.Context, c *w.Cluster) error
	SaveAPIModel(ctx context.Context, m *w.APIModel) error
	// APIModels are the versions in custody, newest first.
	APIModels(ctx context.Context, clusterID string) ([]w.APIModel, error)
}

// Vault keeps secrets.
type Vault interface {
	Seal(ctx context.Context, purpose string, plain []byte) (w.SecretRef, error)
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Hub is the Azure Stack Hub. Errors are *workflows.Problem.
type Hub interface {
	Login(ctx context.Context) error
	CanContribute(ctx context.Context) (ok bool, detail string, err error)
	Providers(ctx context.Context, namespaces ...string) ([]w.Provider, error)
	Sizes(ctx context.Context) ([]w.VMSize, error)
	Usages(ctx context.Context) ([]w.Usage, error)
	HasImage(ctx context.Context, ref w.ImageRef) (found bool, available []string, err error)
	HasExtension(ctx context.Context, publisher, typ, minVersion string) (found bool, available []string, err error)
	ResourceGroupTags(ctx context.Context, group string) (exists bool, tags map[string]string, err error)
	// DNSLabelTaken names the public IP's resource ID where it can be seen.
	DNSLabelTaken(ctx context.Context, label string) (taken bool, byWhat string, err error)
	SubnetExists(ctx context.Context, subnetID string) (exists bool, prefix string, err error)
	VMs(ctx context.Context, group string) ([]w.VM, error)
	// VMExtensions are the names of the extensions on a VM.
	VMExtensions(ctx context.Context, group, vm string) ([]string, error)
	Deployments(ctx context.Context, group string) ([]w.ARMDeployment, error)
	DeploymentOperations(ctx context.Context, group, name string) ([]w.DeploymentOperation, error)
}

// Output is what a command on the helper VM printed.
type Output struct {
	Stdout   string
	Stderr   string
	ExitCode int
}

// Job is a command that goes on without us. A leading ~/ in a word stands for
// the home folder there.
type Job struct {
	ID   string // folder name on the helper VM
	Argv []string
	Env  map[string]string
	Dir  string
}

// Host is the helper VM that we are logged in to. Scripts start in the user's
// home folder, and relative paths are below it.
type Host interface {
	Run(ctx context.Context, script string, stdin io.Reader) (Output, error)
	Upload(ctx context.Context, path string, mode os.FileMode, size int64, r io.Reader, progress func(sent int64)) error
	// Download reads a file of at most max bytes; no file is ErrNotFound.
	Download(ctx context.Context, path string, max int64) ([]byte, error)
	// StartJob starts a job once; started is false when it was before.
	StartJob(ctx context.Context, j Job) (started bool, err error)
	// JobState is absent, running, exited or lost, and how much it printed.
	JobState(ctx context.Context, id string) (state string, exitCode int, outputSize int64, err error)
	ReadJob(ctx context.Context, id string, offset int64, max int) ([]byte, error)
	// SignalJob leaves what has ended alone. What was never started never will
	// be, and is ErrNotFound.
	SignalJob(ctx context.Context, id, signal string) error
	Close() error
}

// NodeWay is how the nodes of a cluster are reached.
type NodeWay struct {
	Host string // leads to a control plane node on port 22
	User string
	Key  []byte // PEM
}

// Node is a node that we are logged in to.
type Node interface {
	Run(ctx context.Context, script string, stdin io.Reader) (Output, error)
	Close() error
}

// The states of a job.
const (
	JobAbsent  = "absent"
	JobRunning = "running"
	JobExited  = "exited"
	JobLost    = "lost" // its process is gone and left no exit code
)

// Kube is a cluster.
type Kube interface {
	Nodes(ctx context.Context) ([]w.Node, error)
	Disruption(ctx context.Context) (w.Disruption, error)
	// Uncordon lets a node take new pods again.
	Uncordon(ctx context.Context, node string) error
	// ViaHelper says that the API server is reached through the helper VM.
	ViaHelper() bool
	Close() error
}
