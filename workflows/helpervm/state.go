package helpervm

import (
	"context"
	"errors"
	"fmt"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// The two kinds of helper VM.
const (
	KindCreate   = "create"
	KindExisting = "existing"
)

// The ways to the VM's key.
const (
	KeyNew  = "new"  // we generate it
	KeyOwn  = "own"  // the person pastes it
	KeyKeep = "keep" // the one of the record
)

// The sources of the engine.
const (
	SourceDownload = "download"
	SourceArchive  = "archive"
)

// The ways for SSH.
const (
	ReachProxy  = "proxy"
	ReachDirect = "direct"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	SiteID, SiteName string
	DeploymentID     string
	Deployment       string
	Stack            StackFacts
	Known            *w.HelperVM // our record before the run, nil without one

	Kind   string
	Forget bool // do not hold the machine to its pinned host key

	// create
	ResourceGroup string
	NetworkCIDR   string
	SubnetCIDR    string
	SSHFrom       string
	DNSLabel      string
	VM            string
	Size          string
	Image         w.ImageRef
	KeyKind       string
	OwnKey        w.SecretRef

	// both
	User  string
	Reach string

	// existing
	Address     string
	Port        int
	HostKeyRef  w.SecretRef // private key of the login
	Fingerprint string      // expected, "" takes what is there on first contact

	Engine string
	Source string

	Found Found
}

// StackFacts is what pages and plan show of the Stack. Steps read the Stack
// itself anew.
type StackFacts struct {
	ID, Name, Region, Domain string // Domain: seattle.cloudapp.azurestack.test
	Endpoint, Proxy          string
	HasCA, AirGapped         bool
	Subscription             string
}

// Found is what the steps learned.
type Found struct {
	PrivateKey    w.SecretRef
	AuthorizedKey string
	Address       string
	HostKey       string
	Fingerprint   string
	OS            string
	Home          string
	Engine        string
	Kubernetes    []w.KubernetesVersion
	Changed       []string // what was not in place
}

func (s *State) creates() bool  { return s.Kind == KindCreate }
func (s *State) existing() bool { return s.Kind == KindExisting }

func (s *State) changed(what string) { s.Found.Changed = append(s.Found.Changed, what) }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	site, err := f.Records.Site(ctx, t.SiteID)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, err
	}
	deployment, err := f.Records.Deployment(ctx, site.DeploymentID)
	if err != nil {
		return nil, err
	}
	s := &State{
		SiteID: site.ID, SiteName: site.Name, DeploymentID: deployment.ID, Deployment: deployment.Name,
		Stack: StackFacts{
			ID: stack.ID, Name: stack.Name, Region: stack.Region, Domain: stack.CloudAppDomain(),
			Endpoint: stack.ARMEndpoint, Proxy: stack.HTTPSProxy, HasCA: stack.CABundle != "",
			AirGapped: stack.AirGapped, Subscription: stack.SubscriptionID,
		},
		Kind: KindCreate,
	}
	known, err := f.Records.HelperVM(ctx, site.ID)
	switch {
	case err == nil:
		s.Known = &known
		if known.Existing {
			s.Kind = KindExisting
		}
	case !errors.Is(err, w.ErrNotFound):
		return nil, err
	}
	return s, nil
}

// base is the beginning of every name that we propose: ratings-seattle-helper.
func (s *State) base() string { return vm.Base(s.Deployment, s.SiteName, "helper") }

// spec is what the Hub should hold.
func (s *State) spec() Spec {
	return Spec{
		ResourceGroup: s.ResourceGroup, SSHFrom: s.SSHFrom, NetworkCIDR: s.NetworkCIDR, SubnetCIDR: s.SubnetCIDR, DNSLabel: s.DNSLabel,
		VM: s.VM, Size: s.Size, Image: s.Image, User: s.User, AuthorizedKey: s.Found.AuthorizedKey,
		Tags: vm.Tags("helper-vm", s.Deployment, s.SiteName, ""),
	}.Named()
}

func (s *State) fqdn() string { return s.DNSLabel + "." + s.Stack.Domain }

// keyRef is the private key with which we log in, "" before there is one.
func (s *State) keyRef() w.SecretRef {
	switch {
	case s.Found.PrivateKey != "":
		return s.Found.PrivateKey
	case s.existing():
		return s.HostKeyRef
	case s.KeyKind == KeyOwn:
		return s.OwnKey
	case s.KeyKind == KeyKeep && s.Known != nil:
		return s.Known.PrivateKey
	}
	return ""
}

// pinned is the host key that the machine must show, "" when it is not known
// yet: then the first contact decides.
func (s *State) pinned() string {
	if s.Found.HostKey != "" {
		return s.Found.HostKey
	}
	if s.Forget || s.Known == nil || s.Known.HostKey == "" {
		return ""
	}
	sameVM := s.creates() && !s.Known.Existing && s.Known.VMName == s.VM && s.Known.ResourceGroup == s.ResourceGroup
	sameHost := s.existing() && s.Known.Existing && s.Known.Address == s.Address && s.Known.Port == s.Port
	if sameVM || sameHost {
		return s.Known.HostKey
	}
	return ""
}

func (s *State) where() string {
	if s.creates() {
		return fmt.Sprintf("the VM %s", s.VM)
	}
	return s.Address
}

// login is the SSH login without its key.
func (s *State) login() Target {
	t := Target{Host: s.Address, Port: s.Port, User: s.User}
	if s.creates() {
		t.Host, t.Port = s.Found.Address, 22
	}
	if s.Reach == ReachProxy {
		t.Proxy = s.Stack.Proxy
	}
	return t
}
