// Package stacks shows the registered Azure Stack Hubs, registers new ones and
// tests them.
package stacks

import (
	"time"

	"hubwright/web/checks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one Stack of the list.
type Item struct {
	Stack  workflows.Stack
	Tested ui.Status // the newest test in one status
	At     time.Time // when it was tested, zero for never
	UsedBy int       // how many Deployments have a Site on it
}

// ListProps is the list of Stacks.
type ListProps struct {
	Role  ui.Role
	Items []Item
	Now   time.Time
}

// Cert is one certificate that the endpoint showed.
type Cert struct {
	Subject, Issuer, SHA256 string
	NotAfter                time.Time
	IsCA                    bool
}

// Discovery is what the Hub said of itself.
type Discovery struct {
	Metadata        workflows.HubMetadata
	Region          string
	Chain           []Cert // leaf first
	TrustedBySystem bool   // no CA bundle is needed
	TrustedByBundle bool   // the bundle that was given is enough
}

// Form holds the answers. In brackets: the names of the form's fields.
type Form struct {
	SecretEnds   string                   // day on which the client secret ends: 2027-05-31; "" when unknown
	ID           string                   // "" for a new Stack
	Version      int                      // [version]
	Name         string                   // [name]
	Endpoint     string                   // [endpoint]
	PortalURL    string                   // [portal]
	Region       string                   // [region] discovered, read-only
	Identity     workflows.IdentitySystem // [identity] discovered, read-only
	TenantID     string                   // [tenant]
	Subscription string                   // [subscription]
	ClientID     string                   // [client_id]
	Method       workflows.AuthMethod     // [auth]
	HasKey       bool                     // a certificate or secret is stored already
	CABundle     string                   // [ca] PEM; also a file [ca_file]
	Trust        []string                 // [trust] SHA-256 fingerprints, any number
	Proxy        string                   // [proxy]
	AirGapped    bool                     // [air_gapped] = "yes"
	HubBuild     string                   // [hub_build]
	// Also sent, never shown again: [certificate] PEM text, [certificate_file],
	// [secret].
}

// FormProps is the form. Without Discovery and without ID it asks only for
// endpoint, proxy and CA bundle, and posts to /stacks/discover. Otherwise it
// posts to /stacks, or to /stacks/:id/edit with an ID; its second button posts
// to /stacks/discover again.
type FormProps struct {
	Role      ui.Role
	Form      Form
	Discovery *Discovery
	Problem   *workflows.Problem // why discovery did not work
	Errors    []workflows.FieldError
	Now       time.Time
}

// ShowProps is the page of one Stack.
type ShowProps struct {
	Role        ui.Role
	Stack       workflows.Stack
	Checks      checks.Props // URL /stacks/:id/checks, RunURL /stacks/:id/test
	Sites       []ui.Crumb   // Deployments with a Site on it
	CreatedNote string
	CAs         []Cert // what the CA bundle holds
	Policy      workflows.Policy
	Workflows   []workflows.Info // that the policy can guard
	Now         time.Time
}

// MostWindows is how many maintenance windows a policy has at most.
const MostWindows = 4

// PolicyProps is the form of a Stack's policy. In brackets: the names of the
// form's fields. It posts to /stacks/:id/policy.
type PolicyProps struct {
	Stack     workflows.Stack
	Policy    workflows.Policy // [version], [approval] and [windowed] ids, [zone]; windows as [windows.0.days], [windows.0.from], [windows.0.to]
	Workflows []workflows.Info
	Errors    []workflows.FieldError
}
