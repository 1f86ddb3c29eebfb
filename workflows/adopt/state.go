package adopt

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// By what a cluster is adopted.
const (
	ByModel      = "model"
	ByKubeconfig = "kubeconfig"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Ground

	By         string
	Model      w.SecretRef // the API model, as it was given
	Kubeconfig w.SecretRef // as it was given
	Group      string      // resource group, "" for the DNS prefix
	Name       string      // of a cluster without API model

	Cluster w.Cluster // as it was found
	Kept    int       // version of the API model in custody
}

func (s *State) byModel() bool { return s.By == ByModel }

func (s *State) groupInWords() string {
	if s.Group == "" {
		return "named as the API model's DNS prefix"
	}
	return s.Group
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	site, err := f.Records.Site(ctx, t.SiteID)
	if err != nil {
		return nil, err
	}
	deployment, err := f.Records.Deployment(ctx, site.DeploymentID)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, err
	}
	return &State{By: ByModel, Ground: operate.Ground{SiteID: site.ID, SiteName: site.Name, DeploymentID: deployment.ID, Deployment: deployment.Name, Stack: stack}}, nil
}

// found is a cluster as it was found.
type found struct {
	cluster    w.Cluster
	kubeconfig []byte
	model      []byte // nil without one
	vms        []w.VM // none without API model
	nodes      []w.Node
}

// find opens what was given, and asks the cluster.
func (f flow) find(ctx context.Context, s *State) (found, error) {
	if s.byModel() {
		return f.findByModel(ctx, s)
	}
	raw, err := f.Vault.Open(ctx, s.Kubeconfig)
	if err != nil {
		return found{}, err
	}
	x := found{cluster: w.Cluster{Name: s.Name}}
	if x.kubeconfig, err = f.portable(raw); err != nil {
		return x, err
	}
	err = f.ask(ctx, s, &x)
	return x, err
}

func (f flow) findByModel(ctx context.Context, s *State) (x found, err error) {
	if x.model, err = f.Vault.Open(ctx, s.Model); err != nil {
		return x, err
	}
	m, err := aksengine.ReadOutput(x.model)
	if err == nil && m.HasCredentials {
		x.kubeconfig, err = aksengine.Kubeconfig(x.model)
	}
	if err != nil || !m.HasCredentials {
		return x, noModel(err)
	}
	group := s.Group
	if group == "" {
		group = m.DNSPrefix
	}
	x.cluster = w.Cluster{
		Name: m.DNSPrefix, NameSuffix: m.NameSuffix, ResourceGroup: group, Version: m.Version, MasterCount: m.MasterCount, MasterSize: m.MasterSize,
		Pools: m.Pools, AdminUser: m.AdminUser,
	}
	hub, err := f.OpenHub(ctx, s.Stack)
	if err != nil {
		return x, err
	}
	if x.vms, err = hub.VMs(ctx, group); err != nil {
		return x, err
	}
	for _, vm := range x.vms {
		if v := vm.Tags["aksEngineVersion"]; v != "" && strings.Contains(vm.Name, m.NameSuffix) {
			x.cluster.EngineVersion = v
		}
	}
	err = f.ask(ctx, s, &x)
	return x, err
}

func noModel(err error) *w.Problem {
	p := &w.Problem{
		Code: "adopt.model", What: "This is not the API model of a cluster", Why: "It has no certificates and keys: it is the file that a deploy begins with.",
		Fix: "Take " + aksengine.OutputModel + " from the output folder, _output/ and the cluster's DNS prefix, of the machine where AKS Engine ran last.",
	}
	if err != nil {
		p.Why = strings.TrimSuffix(err.Error(), ".") + "."
	}
	return p
}

// ask reads the nodes, and of a cluster without API model all that they tell.
func (f flow) ask(ctx context.Context, s *State, x *found) error {
	k, err := f.OpenKube(ctx, x.kubeconfig, s.Stack, w.HelperVM{SiteID: s.SiteID})
	if err != nil {
		return err
	}
	defer k.Close()
	if x.nodes, err = k.Nodes(ctx); err != nil {
		return err
	}
	c := &x.cluster
	c.SiteID, c.FQDN, c.ViaHelper = s.SiteID, serverOf(x.kubeconfig), k.ViaHelper()
	if x.model != nil {
		return nil
	}
	for _, n := range x.nodes {
		if strings.Contains(n.Roles, "control-plane") || strings.Contains(n.Roles, "master") {
			c.MasterCount++
			c.Version = strings.TrimPrefix(n.Version, "v")
			continue
		}
		if c.Version == "" {
			c.Version = strings.TrimPrefix(n.Version, "v")
		}
		c.Pools = counted(c.Pools, n.Pool)
	}
	return nil
}

// counted adds a node to its pool; nodes of no pool are one, too.
func counted(pools []w.NodePool, name string) []w.NodePool {
	if name == "" {
		name = "nodes"
	}
	i := slices.IndexFunc(pools, func(p w.NodePool) bool { return p.Name == name })
	if i < 0 {
		return append(pools, w.NodePool{Name: name, Count: 1})
	}
	pools[i].Count++
	return pools
}

// serverOf is the API server's name in a kubeconfig in JSON.
func serverOf(kubeconfig []byte) string {
	var k struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	if json.Unmarshal(kubeconfig, &k) != nil || len(k.Clusters) == 0 {
		return ""
	}
	u, err := url.Parse(k.Clusters[0].Cluster.Server)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Host, ":443")
}
