// Package arm plays the Azure Resource Manager of one Azure Stack Hub: what
// the SDK, AKS Engine and people's tools ask of its tenant endpoint. Resources
// live in a store; making them takes time, divided by a speed; what should
// happen in the world when a machine appears or goes is told to Hooks.
package arm

import (
	"context"
	"log/slog"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
)

// Config are the settings of a Hub.
type Config struct {
	Region, Domain string // seattle, azurestack.test
	SubscriptionID string
	TenantID       string
	Audience       string
	Identity       *identity.Service
	ADFS           bool
	IPPrefix       string           // public addresses: "127.40.1."
	Speed          float64          // how many times faster than a real Hub
	Quotas         map[string]int64 // limits that differ from the usual ones, by usage name
	Items          []string         // marketplace items that differ from the usual ones: see usualItems
	Roles          []Role           // nil: everybody with a token is Contributor of the subscription
	Faults         *faults.Set
	Hooks          Hooks
	StateFile      string // JSON snapshot; "" keeps nothing
	Log            *slog.Logger
}

// Role is a role that a principal has at a scope and below.
type Role struct {
	ObjectID string
	Name     string // Owner, Contributor, Reader
	Scope    string // "" is the subscription
}

// Hooks are told what happens to machines. They may block: the operation that
// caused them waits. Nil ones are not called. A call may come again for the
// same machine when the sandbox was ended in the middle of it.
type Hooks struct {
	// VMUp is called when a machine that is no cluster node has booted.
	VMUp func(ctx context.Context, vm Machine) error
	// NodeJoins is called when a cluster machine's set-up script runs.
	NodeJoins func(ctx context.Context, vm Machine, c ClusterFacts) error
	// VMGoing is called when the deletion of a machine begins.
	VMGoing func(ctx context.Context, vm Machine)
	// VMGone is called when a machine was deleted.
	VMGone func(ctx context.Context, vm Machine)
	// VMPower is called when a machine was stopped or started.
	VMPower func(ctx context.Context, vm Machine, on bool) error
	// VMRestarted is called when a machine was restarted.
	VMRestarted func(ctx context.Context, vm Machine) error
}

// Machine is a VM with what others need to know of it.
type Machine struct {
	ID, Name, Group string
	Size            string
	Cores, MemoryMB int
	Tags            map[string]string
	User            string
	AuthorizedKeys  []string
	PrivateIP       string
	PublicIP        string // "" without one
	FQDN            string
	On              bool   // running, as opposed to stopped, deallocated or never up
	Joined          bool   // a node whose set-up script has succeeded
	SSH             string // public IP and port from which a load balancer leads to its port 22, "" without
}

// IsNode says whether AKS Engine made the machine.
func (m Machine) IsNode() bool { return m.Tags["orchestrator"] != "" }

// ClusterFacts is what a deployment says of the cluster that it makes.
type ClusterFacts struct {
	Suffix     string            // eight digits in every name
	Group      string            // resource group
	Version    string            // Kubernetes version without v
	FQDN       string            // of the API server
	IP         string            // of the load balancer
	InternalIP string            // of the internal load balancer, "" without one
	PEM        map[string][]byte // by parameter name in lower case: cacertificate, caprivatekey ...
}

func (c Config) host(service string) string {
	return service + "." + c.Region + "." + c.Domain
}

func (c Config) base() string { return "https://" + c.host("management") }
