package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// Where the failures that the checks are made from are written down.
const (
	docPrereq  = "https://learn.microsoft.com/azure-stack/user/azure-stack-kubernetes-aks-engine-set-up"
	docTrouble = "https://learn.microsoft.com/azure-stack/user/azure-stack-kubernetes-aks-engine-troubleshoot"
	docEngine  = "https://github.com/Azure/aks-engine-azurestack/blob/master/docs/topics/azure-stack.md"
	docOwnVnet = "https://learn.microsoft.com/azure-stack/user/kubernetes-aks-engine-custom-vnet"
)

func (f flow) checks() []w.Check[State] {
	slow := 60 * time.Second
	own := func(s *State) bool { return s.Vnet == VnetOwn }
	one := func(s *State) bool { return s.MasterCount == 1 }
	block, warn := w.SeverityBlock, w.SeverityWarn
	return []w.Check[State]{
		{ID: "site-free", Title: "The site has no cluster yet", Why: "Hubwright keeps one cluster a site.", Severity: block, Run: ground(f.CheckSiteFree)},
		{ID: "helper-vm", Title: "The helper VM answers and has the engine", Why: "The engine runs there.", Severity: block, Timeout: slow, Run: ground(f.CheckEngine)},
		{ID: "engine-offers-version", Title: "The engine offers the Kubernetes version", Why: "Another version fails as soon as the engine reads the API model.", Page: "version", Severity: block, Timeout: slow, Run: f.checkVersion},
		{ID: "hub-ca-trusted", Title: "The helper VM trusts the Hub's certificate", Why: "Most stamps have a certificate authority of their own; without it the engine cannot talk to the Hub.", Severity: block, Timeout: slow, Run: f.checkTrust},
		{ID: "token-service", Title: "The helper VM reaches the token service", Why: "The engine, and later the cluster's nodes, log in there. With Entra ID, nodes without internet make a cluster that does not work.", Severity: block, Waivable: true, Timeout: slow, Run: f.checkTokenService},
		{ID: "principal", Title: "The service principal can log in and contribute", Why: "Without the Contributor role the deployment stops at its first resource.", Page: "credentials", Severity: block, Timeout: slow, Run: ground(f.CheckPrincipal)},
		{ID: "providers", Title: "Resource providers are registered", Why: "A subscription uses compute, network and storage only after it was registered for them.", Severity: block, Timeout: slow, Run: f.checkProviders},
		{ID: "base-image", Title: "The base image is on the stamp", Why: "Each engine version takes exactly one version of it; the engine looks only after it has begun.", Page: "version", Severity: block, Timeout: slow, Run: ground(f.CheckImage)},
		{ID: "custom-script", Title: "Custom Script for Linux is on the stamp", Why: "The extension makes nodes of the VMs; without it the deployment fails when the VMs exist already.", Severity: block, Timeout: slow, Run: f.checkExtension},
		{ID: "vm-sizes", Title: "The stamp has the VM sizes", Why: "The engine does not look; the deployment would fail on the Hub.", Page: "pools", Severity: block, Timeout: slow, Run: f.checkSizes},
		{ID: "quota", Title: "The quota is large enough", Why: "A deployment that runs out of quota stops half-made; an upgrade needs one more VM for each pool.", Page: "pools", Severity: block, Waivable: true, Timeout: slow, Run: f.checkQuota},
		{ID: "node-limit", Title: "At most 50 nodes in the subscription", Why: "More are not supported on Azure Stack Hub.", Page: "pools", Severity: block, Waivable: true, Timeout: slow, Run: f.checkNodeLimit},
		{ID: "api-model", Title: "The API model follows every rule of the engine", Why: "The engine checks some rules only after it has begun.", Severity: block, Run: f.checkModel},
		{ID: "address-ranges", Title: "Address ranges don't overlap", Why: "Packets for one range would go to the other; none of them can be changed later.", Page: "network", Severity: block, Run: f.checkRanges},
		{ID: "own-subnets", Title: "The own subnets are there", Why: "The nodes are put into them; a subnet that is too small or missing fails after minutes.", Page: "network", Severity: block, Timeout: slow, When: own, Run: f.checkSubnets},
		{ID: "dns-label", Title: "The DNS prefix is free", Why: "Another public IP address with the label makes the Hub refuse the cluster's.", Page: "access", Severity: block, Timeout: slow, Run: f.checkLabel},
		{ID: "resource-group", Title: "The resource group holds no other cluster", Why: "Upgrades go wrong when anything else lies in the cluster's resource group.", Page: "access", Severity: block, Timeout: slow, Run: f.checkGroup},
		{ID: "single-master", Title: "More than one control plane node", Why: "When the only one fails or is upgraded, nothing can be changed, healed or scaled.", Page: "controlplane", Severity: warn, Waivable: true, When: one, Run: f.checkSingleMaster},
		{ID: "production-support", Title: "Three control plane nodes and three workers", Why: "Support for production asks for them.", Page: "pools", Severity: warn, Waivable: true, Run: f.checkProduction},
	}
}

func ground(look func(context.Context, *operate.Ground) w.Finding) func(context.Context, *State) w.Finding {
	return func(ctx context.Context, s *State) w.Finding { return look(ctx, &s.Ground) }
}

// linked says where a finding that is not good is written down.
func linked(f w.Finding, link string) w.Finding {
	if f.Status != w.CheckPassed {
		f.Link = link
	}
	return f
}

func (f flow) checkModel(_ context.Context, s *State) w.Finding {
	return modelFinding(s, func(aksengine.Violation) bool { return true }, "The engine will accept it.")
}

func (f flow) checkRanges(_ context.Context, s *State) w.Finding {
	network := func(v aksengine.Violation) bool { return fieldOf(v).Page == "network" }
	return modelFinding(s, network, fmt.Sprintf("Pods %s, services %s, DNS %s, nodes %s.", podRange(s), s.ServiceCIDR, s.DNSIP, nodeRange(s)))
}

func modelFinding(s *State, counts func(aksengine.Violation) bool, good string) w.Finding {
	var found []string
	for _, v := range aksengine.Validate(s.model(), s.surroundings()) {
		if counts(v) {
			found = append(found, v.Message)
		}
	}
	if len(found) == 0 {
		return w.Passed(good)
	}
	return w.Fail(strings.Join(found, " "), "Correct the answers on the pages that show the same words.")
}

func podRange(s *State) string {
	if s.NetworkPlugin == "azure" {
		return "in the virtual network"
	}
	return s.PodCIDR
}

func nodeRange(s *State) string {
	if s.Vnet == VnetOwn {
		return s.VnetCIDR
	}
	return aksengine.DefaultNodeCIDR
}

func (f flow) checkSingleMaster(context.Context, *State) w.Finding {
	return w.Warn("There is only one control plane node.", "Choose three, unless this cluster is for trying out.")
}

const productionNodes = 3

func (f flow) checkProduction(_ context.Context, s *State) w.Finding {
	workers := s.nodes() - s.MasterCount
	if s.MasterCount >= productionNodes && workers >= productionNodes {
		return w.Passed(fmt.Sprintf("%d control plane nodes and %d workers.", s.MasterCount, workers))
	}
	return linked(w.Warn(fmt.Sprintf("%d control plane nodes and %d workers.", s.MasterCount, workers),
		"Choose at least three of each for production."), docEngine)
}
