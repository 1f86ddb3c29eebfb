package cluster

import (
	"context"
	"regexp"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// The answers of the radio buttons.
const (
	VnetNew = "new" // the engine makes the virtual network
	VnetOwn = "own"

	KeyGenerate = "generate" // we make the nodes' SSH key
	KeyGiven    = "given"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Ground

	// answers
	Version       string
	MasterCount   int
	MasterSize    string
	Pools         []w.NodePool
	NetworkPlugin string
	NetworkPolicy string
	PodCIDR       string
	ServiceCIDR   string
	DNSIP         string
	Vnet          string
	VnetCIDR      string
	MasterSubnet  string
	AgentSubnet   string
	FirstIP       string
	AdminUser     string
	KeyKind       string
	SSHPublicKey  string

	// what the steps learned
	SSHKey     w.SecretRef // private half, when we made it
	ARM        string      // name of the ARM deployment
	ClusterID  string
	Kubeconfig w.SecretRef
	ModelKept  int // version of the API model in custody
	FQDN       string
	CA         string // fingerprint of the cluster's CA
	Ready      int
	ViaHelper  bool

	unreadable map[string]bool // fields whose answers could not be read at all
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	ground, err := f.Begin(ctx, t)
	if err != nil {
		return nil, err
	}
	return &State{
		Ground:      ground,
		MasterCount: 3, MasterSize: defaultMasterSize,
		Pools: []w.NodePool{{Name: defaultPool, Count: 3, Size: defaultPoolSize}},
		Vnet:  VnetNew, NetworkPlugin: "kubenet", KeyKind: KeyGenerate,
		unreadable: map[string]bool{},
	}, nil
}

// The values of the engine's sample.
const (
	defaultMasterSize = "Standard_DS2_v2"
	defaultPoolSize   = "Standard_D2_v2"
	defaultPool       = "linuxpool"
	defaultUser       = "azureuser"
)

// engine is what we know of the engine on the helper VM. One that we don't
// know, such as a build of one's own, is taken for the newest.
func (s *State) engine() aksengine.Engine {
	if e, ok := aksengine.Find(s.Helper.EngineVersion); ok {
		return e
	}
	e, _ := aksengine.Find(aksengine.Default)
	return e
}

// offered are the Kubernetes versions that the engine on the helper VM said it
// can make.
func (s *State) offered() []string {
	var out []string
	for _, v := range s.Helper.Kubernetes {
		out = append(out, v.Version)
	}
	if out == nil {
		out = s.engine().Kubernetes
	}
	return out
}

// model is the API model of the answers. The principal's secret is not in it.
func (s *State) model() aksengine.Model {
	m := aksengine.New()
	m.Location = s.Stack.Region
	m.SetVersion(s.Version)
	p := &m.Properties
	p.CustomCloudProfile = aksengine.CustomCloudProfile{
		PortalURL: s.portal(), IdentitySystem: s.Stack.Metadata.Identity, AuthenticationMethod: s.Stack.Credential.Method,
	}
	p.MasterProfile.DNSPrefix, p.MasterProfile.Count, p.MasterProfile.VMSize = s.DNSPrefix, s.MasterCount, s.MasterSize
	for _, pool := range s.Pools {
		p.AgentPoolProfiles = append(p.AgentPoolProfiles, aksengine.NewPool(pool.Name, pool.Count, pool.Size))
	}
	k := &p.OrchestratorProfile.KubernetesConfig
	k.NetworkPlugin, k.NetworkPolicy, k.ServiceCIDR, k.DNSServiceIP = s.NetworkPlugin, s.NetworkPolicy, s.ServiceCIDR, s.DNSIP
	if s.NetworkPlugin != "azure" {
		k.ClusterSubnet = s.PodCIDR
	}
	if s.Vnet == VnetOwn {
		p.MasterProfile.VnetSubnetID, p.MasterProfile.FirstConsecutiveStaticIP, p.MasterProfile.VnetCIDR = s.MasterSubnet, s.FirstIP, s.VnetCIDR
		for i := range p.AgentPoolProfiles {
			p.AgentPoolProfiles[i].VnetSubnetID = s.AgentSubnet
		}
		if s.NetworkPlugin == "azure" {
			k.ClusterSubnet = s.VnetCIDR // pods take their addresses from the network
		}
	}
	p.LinuxProfile.AdminUsername = s.AdminUser
	if s.SSHPublicKey != "" {
		p.LinuxProfile.SSH.PublicKeys = []aksengine.PublicKey{{KeyData: s.SSHPublicKey}}
	}
	return m
}

func (s *State) portal() string {
	if s.Stack.PortalURL != "" {
		return s.Stack.PortalURL
	}
	return s.Stack.Metadata.PortalURL
}

func (s *State) surroundings() aksengine.Surroundings {
	return aksengine.Surroundings{
		Location: s.Stack.Region, Kubernetes: s.offered(), Identity: s.Stack.Metadata.Identity,
		Principal: true, // it comes with the command line, or is written into the file
	}
}

// nodes is how many VMs the cluster will have.
func (s *State) nodes() int {
	n := s.MasterCount
	for _, p := range s.Pools {
		n += p.Count
	}
	return n
}

// Paths on the helper VM, below the home folder.

func (s *State) input() string   { return s.Folder() + "/input.json" }
func (s *State) keyNote() string { return s.Folder() + "/ssh-key.json" }

// command is the engine's deploy command, without the secret.
func (s *State) command() aksengine.Deploy {
	return aksengine.Deploy{
		Binary: s.Binary(), Model: operate.Home(s.input()), OutputDir: operate.Home(s.OutputDir()),
		ResourceGroup: s.ResourceGroup, Location: s.Stack.Region, Subscription: s.Stack.SubscriptionID,
		Identity: s.Stack.Metadata.Identity, Method: s.Stack.Credential.Method, ClientID: s.Stack.Credential.ClientID,
		ClientSecret: aksengine.Mask, Certificate: operate.Home(s.CertFile()), PrivateKey: operate.Home(s.KeyFile()),
	}
}

var notLabel = regexp.MustCompile(`[^a-z0-9]+`)

// proposed is the name that we propose: ratings-seattle.
func (s *State) proposed() string {
	const longest = 40
	name := strings.Trim(notLabel.ReplaceAllString(strings.ToLower(s.Deployment+"-"+s.SiteName), "-"), "-")
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = strings.Trim("k8s-"+name, "-")
	}
	return strings.Trim(name[:min(len(name), longest)], "-")
}
