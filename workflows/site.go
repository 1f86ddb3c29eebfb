package workflows

import (
	"net/url"
	"strings"
	"time"
)

// Deployment is one highly available solution: an application on two or more
// Sites.
type Deployment struct {
	ID        string
	Name      string // "Ratings"
	CreatedAt time.Time
	CreatedBy string
	Version   int
}

// Site is a Stack's part in a Deployment.
type Site struct {
	ID           string
	DeploymentID string
	StackID      string
	Name         string // usually the Stack's name
	Position     int    // column on the guide board, from 0
}

// HelperVM is the host on which AKS Engine runs. There is at most one a Site.
type HelperVM struct {
	ID            string
	SiteID        string
	Existing      bool // an own Linux host rather than one that we created
	Address       string
	Port          int
	User          string
	PrivateKey    SecretRef
	HostKey       string // pinned, authorized_keys form
	ViaProxy      bool   // SSH goes through the Stack's HTTPS proxy with CONNECT
	OS            string // pretty name of /etc/os-release
	EngineVersion string // v0.85.0, as the engine itself said; "" before it is installed
	Kubernetes    []KubernetesVersion
	ResourceGroup string // where we created it; "" for an existing host
	VMName        string
	UpdatedAt     time.Time
}

// KubernetesVersion is a version that an engine offers and where it leads.
type KubernetesVersion struct {
	Version  string // 1.33.10
	Default  bool
	Upgrades []string
}

// Cluster is a Kubernetes cluster that AKS Engine made on a Site.
type Cluster struct {
	ID            string
	SiteID        string
	Name          string // the DNS prefix
	NameSuffix    string // eight digits that are part of every VM's name
	ResourceGroup string
	FQDN          string // API server's name, without scheme
	Version       string // Kubernetes version without v
	EngineVersion string
	MasterCount   int
	MasterSize    string
	Pools         []NodePool
	AdminUser     string
	SSHKey        SecretRef // private key for the nodes, when we made it
	OutputDir     string    // the engine's output folder on the helper VM
	Kubeconfig    SecretRef // cluster-admin kubeconfig
	ViaHelper     bool      // the API server is reached through the helper VM's SSH
	CreatedAt     time.Time
	CreatedBy     string
}

// Nodes is how many nodes the cluster should have.
func (c Cluster) Nodes() int {
	n := c.MasterCount
	for _, p := range c.Pools {
		n += p.Count
	}
	return n
}

// NodePool is one agent pool.
type NodePool struct {
	Name  string
	Count int
	Size  string
}

// APIModel is one version of a cluster's output apimodel.json in custody. The
// document itself is sealed.
type APIModel struct {
	ID        string
	ClusterID string
	Version   int // from 1
	SHA256    string
	Size      int
	Document  SecretRef
	RunID     string // which run brought it
	At        time.Time
}

// Node is a Kubernetes node in the columns of kubectl get nodes -o wide.
type Node struct {
	Name             string
	Ready            bool
	Status           string // Ready, NotReady, Ready,SchedulingDisabled
	Roles            string
	Version          string // v1.33.10
	InternalIP       string
	OSImage          string
	Kernel           string
	ContainerRuntime string
	Pool             string // "" on control plane nodes
	CreatedAt        time.Time
}

// Disruption is what stands in the way when nodes are drained, each as
// namespace/name.
type Disruption struct {
	Blocked []string // disruption budgets that allow nothing now
	Single  []string // workloads with one replica: they pause
	Bare    []string // pods that nobody makes again: they are lost
}

// Component is a part of the control plane and how it is.
type Component struct {
	Name    string // etcd, kube-apiserver k8s-master-1234-0 ...
	Healthy bool
	Message string
}

func fqdnOf(armEndpoint, region string) string {
	u, err := url.Parse(armEndpoint)
	if err != nil {
		return ""
	}
	rest, ok := strings.CutPrefix(u.Hostname(), "management."+region+".")
	if !ok {
		return ""
	}
	return rest
}
