package cluster

import (
	"context"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

func (f flow) plan(_ context.Context, s *State) (w.Plan, error) {
	model := s.model()
	document, err := document(s)
	if err != nil {
		return w.Plan{}, err
	}
	return w.Plan{
		Title:      "Deploy a cluster on " + s.SiteName,
		Summary:    s.summary(),
		Changes:    changes(s, model),
		Commands:   commands(s),
		Documents:  []w.Document{{Name: "apimodel.json", MIME: "application/json", Body: document}},
		Duration:   duration(s),
		Disruption: "Nothing else in the subscription is touched. The control plane gets a public address on ports 443 and 22.",
	}, nil
}

func (s *State) summary() []w.SummaryItem {
	items := []w.SummaryItem{
		{Label: "Kubernetes", Value: s.Version + " with AKS Engine " + s.Helper.EngineVersion, Page: "version"},
		{Label: "Control plane", Value: fmt.Sprintf("%s × %s", operate.Plural(s.MasterCount, "node"), s.MasterSize), Page: "controlplane"},
	}
	for _, p := range s.Pools {
		items = append(items, w.SummaryItem{Label: "Node pool " + p.Name, Value: fmt.Sprintf("%s × %s", operate.Plural(p.Count, "node"), p.Size), Page: "pools"})
	}
	network := s.NetworkPlugin
	if s.NetworkPolicy != "" {
		network += " with " + s.NetworkPolicy
	}
	items = append(items,
		w.SummaryItem{Label: "Network", Value: network, Page: "network"},
		w.SummaryItem{Label: "Address ranges", Value: fmt.Sprintf("pods %s, services %s, nodes %s", podRange(s), s.ServiceCIDR, nodeRange(s)), Page: "network"})
	if s.Vnet == VnetOwn {
		items = append(items, w.SummaryItem{Label: "Subnets", Value: s.MasterSubnet + ", " + s.AgentSubnet, Page: "network"})
	}
	key := "given"
	if s.KeyKind == KeyGenerate {
		key = "generated when the run starts; its private half stays sealed on this server"
	}
	return append(items,
		w.SummaryItem{Label: "API server", Value: "https://" + s.fqdn(), Page: "access"},
		w.SummaryItem{Label: "Resource group", Value: s.ResourceGroup, Page: "access"},
		w.SummaryItem{Label: "Log-in to nodes", Value: s.AdminUser + ", SSH key " + key, Page: "access"},
		w.SummaryItem{Label: "Service principal", Value: fmt.Sprintf("%s (%s, %s)", s.Stack.Credential.ClientID, s.Stack.Metadata.Identity.Title(), methodTitle(s.Stack.Credential.Method)), Page: "credentials"})
}

func methodTitle(m w.AuthMethod) string {
	if m == w.AuthCertificate {
		return "certificate"
	}
	return "client secret"
}

func changes(s *State, model aksengine.Model) []w.Change {
	out := []w.Change{{Verb: "create", What: "Resource group " + s.ResourceGroup, Note: "unless it is there"}}
	for _, r := range model.Resources() {
		what := r.Title + " " + r.Name
		if r.Count > 1 {
			what = fmt.Sprintf("%d × %s %s", r.Count, r.Title, r.Name)
		}
		out = append(out, w.Change{Verb: "create", What: what, Note: note(s, r)})
	}
	out = append(out, w.Change{Verb: "create", What: "Folder ~/" + s.Folder() + " on the helper VM", Note: "API model, certificates and kubeconfig, readable only for its user"})
	if s.Vnet == VnetOwn && s.NetworkPlugin == "kubenet" {
		out = append(out, w.Change{Verb: "none", What: "Route table of the own subnets", Note: "attach the cluster's route table to them after the deployment"})
	}
	return out
}

func note(s *State, r aksengine.Resource) string {
	switch {
	case r.Title == "Public IP address":
		return s.fqdn()
	case r.Type == "Microsoft.Compute/virtualMachines" && strings.HasPrefix(r.Name, "k8s-master-"):
		return s.MasterSize
	case r.Type == "Microsoft.Compute/virtualMachines":
		for _, p := range s.Pools {
			if strings.HasPrefix(r.Name, "k8s-"+p.Name+"-") {
				return p.Size
			}
		}
	}
	return ""
}

func commands(s *State) []w.Command {
	kube := "~/" + s.OutputDir() + "/" + aksengine.KubeconfigPath + s.Stack.Region + ".json"
	environment := "export SSL_CERT_FILE=~/.hubwright/ca-bundle.pem\n"
	if s.Stack.HTTPSProxy != "" {
		environment += "export HTTPS_PROXY=" + s.Stack.HTTPSProxy + "\nunset NO_PROXY\n"
	}
	return []w.Command{
		{Title: "On the helper VM: deploy", Text: environment + s.command().Display()},
		{Title: "Look at the result", Text: "kubectl --kubeconfig " + kube + " get nodes"},
	}
}

func document(s *State) (string, error) {
	model := s.model()
	if s.Stack.Credential.Method == w.AuthCertificate {
		model.Properties.ServicePrincipalProfile = &aksengine.ServicePrincipalProfile{ClientID: s.Stack.Credential.ClientID, Secret: aksengine.Mask}
	}
	doc, err := model.JSON()
	if err != nil {
		return "", err
	}
	return aksengine.Masked(doc)
}

// duration is a guess from what others measured: VMs are made side by side,
// but each takes its minutes, and more of them take longer.
func duration(s *State) string {
	const base, perNode, spread = 12, 1, 15
	low := base + perNode*s.nodes()
	return fmt.Sprintf("about %d to %d min", low, low+spread)
}
