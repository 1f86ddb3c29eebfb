package workflows

import "time"

// ServiceConnection is how the pipelines of Azure DevOps reach a Site's
// cluster: the service connection that a run made there, and the agent that it
// set up. There is at most one a Site.
type ServiceConnection struct {
	SiteID       string
	ConnectionID string // the organization
	EndpointID   string // GUID in Azure DevOps
	Name         string
	ProjectID    string // GUID of the project in which it was made
	Project      string
	Shared       []string // further projects, by name
	Method       string   // service-account or kubeconfig
	Namespace    string   // of the service account; "" with a kubeconfig
	Account      string
	Server       string    // API server's URL
	ExpiresAt    time.Time // of the credential that was sent; zero when it does not end
	Pool         string    // of the agent that we set up; "" when there is none
	PoolID       int
	Agent        string    // its name
	AgentHost    HostLogin // where it is; zero is the helper VM
	AgentPods    AgentPods // where there are several, on the cluster itself; zero when there are none
	RunID        string    // that changed it last
	UpdatedAt    time.Time
}

// HostLogin is how we log in to a Linux host by SSH.
type HostLogin struct {
	Address    string
	Port       int
	User       string
	PrivateKey SecretRef
	HostKey    string // pinned, authorized_keys form
	ViaProxy   bool   `json:",omitempty"` // SSH goes through the Stack's HTTPS proxy
	VM         *OwnVM `json:",omitempty"` // that a run made to be this host; nil for one that was there
}

// OwnVM is a VM on the Hub that a run made for one purpose, and that goes with
// it. The names of its pieces follow from its own.
type OwnVM struct {
	ResourceGroup string
	OwnGroup      bool // the group was made with it
	Name          string
	Size          string
	Image         ImageRef
	SSHFrom       string // CIDR
	SubnetID      string // of a network that was there before; "": it has its own
	NetworkCIDR   string // of its own network
}

// AgentPods are agents that run as pods on the Site's own cluster. Their names
// are that of the ServiceConnection's Agent with a number from 0 on.
type AgentPods struct {
	Namespace  string
	Image      string
	Replicas   int       // as many as there may be
	PullSecret string    // its name; "" when the image needs none
	Token      SecretRef // with which they register; "" takes the Connection's
}
