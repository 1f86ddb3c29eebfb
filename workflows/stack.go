package workflows

import "time"

// IdentitySystem says which token service a Stack trusts, in the spelling
// that AKS Engine's --identity-system flag takes.
type IdentitySystem string

// The identity systems that Azure Stack Hub knows.
const (
	IdentityEntra IdentitySystem = "azure_ad"
	IdentityADFS  IdentitySystem = "adfs"
)

// Title is the name that people use for the identity system.
func (i IdentitySystem) Title() string {
	if i == IdentityADFS {
		return "AD FS"
	}
	return "Entra ID"
}

// AuthMethod is how the service principal proves itself, in the spelling that
// AKS Engine's --auth-method flag takes.
type AuthMethod string

// The authentication methods, the preferred one first.
const (
	AuthCertificate AuthMethod = "client_certificate"
	AuthSecret      AuthMethod = "client_secret"
)

// Credential is a service principal. The secret parts are references into the
// secret store, never values.
type Credential struct {
	Method      AuthMethod
	ClientID    string
	Secret      SecretRef // the client secret, with AuthSecret
	Certificate SecretRef // PEM of certificate and private key together, with AuthCertificate
	// EndsAt is when a Stack's secret or certificate ends; zero when unknown. A
	// Connection has its own ExpiresAt.
	EndsAt time.Time `json:",omitzero"`
}

// HubMetadata is what a Hub's metadata endpoint says of itself.
type HubMetadata struct {
	Identity      IdentitySystem
	LoginEndpoint string // as published, e.g. https://adfs.orlando.azurestack.test/adfs
	Audience      string // first audience, without /.default
	GraphEndpoint string
	PortalURL     string // https://portal.<region>.<fqdn>/
	TenantID      string // from the 401 challenge; "adfs" with AD FS
}

// Stack is one registered Azure Stack Hub.
type Stack struct {
	ID             string
	Name           string // what people call it: "Seattle"
	ARMEndpoint    string // https://management.<region>.<fqdn>
	PortalURL      string
	Region         string
	Metadata       HubMetadata // discovered, never asked
	TenantID       string
	SubscriptionID string
	Credential     Credential
	CABundle       string // PEM of the roots to trust besides the system's; "" trusts the system's alone
	HTTPSProxy     string // http://host:port, or "" for a direct way
	AirGapped      bool
	HubBuild       string // 2408, as a person said: a tenant cannot ask; "" for unknown
	CreatedAt      time.Time
	CreatedBy      string
	Version        int // grows with each save; a save with an old one is refused
}

// FQDN is the stamp's domain behind the region: "azurestack.test" for
// https://management.seattle.azurestack.test. It is "" when the endpoint has
// not the form management.<region>.<fqdn>.
func (s Stack) FQDN() string {
	return fqdnOf(s.ARMEndpoint, s.Region)
}

// CloudAppDomain is the suffix of public DNS names on the stamp:
// <region>.cloudapp.<fqdn>.
func (s Stack) CloudAppDomain() string {
	return s.Region + ".cloudapp." + s.FQDN()
}

// SecretRef names a sealed secret. It is safe to store, log and show.
type SecretRef string

// Subscription is a tenant subscription on a Hub.
type Subscription struct {
	ID, DisplayName, State string
}

// Provider is a resource provider and whether the subscription may use it.
type Provider struct {
	Namespace  string
	Registered bool
	State      string // as ARM spells it
}

// ImageRef names one version of a marketplace image.
type ImageRef struct {
	Publisher, Offer, SKU, Version string
}

// URN is publisher:offer:sku:version.
func (r ImageRef) URN() string {
	return r.Publisher + ":" + r.Offer + ":" + r.SKU + ":" + r.Version
}

// VMSize is a size that a Hub offers.
type VMSize struct {
	Name     string
	Cores    int
	MemoryMB int
	MaxDisks int
}

// Usage is one row of a quota.
type Usage struct {
	Name    string // as ARM names it: cores, virtualMachines, PublicIPAddresses ...
	Title   string
	Current int64
	Limit   int64
}

// Free is what the quota still allows.
func (u Usage) Free() int64 { return u.Limit - u.Current }

// VM is a virtual machine as ARM tells of it.
type VM struct {
	Name              string
	Size              string
	ProvisioningState string
	Tags              map[string]string
}

// VMPart is a piece of a VM of ours that there is on the Hub: the VM itself,
// its disk, its network interface ...
type VMPart struct {
	Kind    string // in words
	Name    string
	ID      string // resource ID
	Version string // api-version with which its kind is asked for
	Tags    map[string]string
}

// DeploymentOperation is one resource's progress inside an ARM deployment.
type DeploymentOperation struct {
	ID           string
	ResourceType string // Microsoft.Compute/virtualMachines
	ResourceName string
	State        string // Running, Succeeded, Failed ...
	StatusCode   string
	Message      string // ARM's error document as JSON text, when it failed
	At           time.Time
}

// ARMDeployment is a template deployment as a whole.
type ARMDeployment struct {
	Name  string
	State string // Running, Succeeded, Failed, Canceled
	Error string // ARM's error document as JSON text, when it failed
	At    time.Time
}
