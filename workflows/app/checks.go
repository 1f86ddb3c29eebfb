package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const patience = 45 * time.Second

func (f flow) checks() []w.Check[State] {
	all := []w.Check[State]{
		{ID: "cluster", Title: "The cluster is reachable", Why: "Everything is put on it through its API server.", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkCluster},
		{ID: "rights", Title: "The account may install", Why: "An ingress controller and a disk driver need objects of the whole cluster.", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkRights},
		{ID: "charts", Title: "The charts can be had", Why: "A chart that is missing or was replaced is found before anything is changed.", Severity: w.SeverityBlock, Timeout: 2 * time.Minute, Run: f.checkCharts},
		{ID: "values", Title: "The charts take the values", Why: "A misspelt value is otherwise ignored, or fails half way.", Page: "values", Severity: w.SeverityBlock, Timeout: 2 * time.Minute, Run: f.checkValues},
		{ID: "storage", Title: "Disks can be made", Why: "Without its driver a volume waits for ever, and the pod with it.", Page: "storage", Severity: w.SeverityBlock, Timeout: patience, When: (*State).ratings, Run: f.checkStorage},
		{ID: "ingress", Title: "The ingress has an address", Why: "Public addresses on a Hub are few: one controller should serve all applications.", Page: "ingress", Severity: w.SeverityBlock, Waivable: true, Timeout: patience, Run: f.checkIngress},
		{ID: "retired", Title: "The ingress controller is maintained", Why: "What faces the network needs security fixes.", Page: "ingress", Severity: w.SeverityWarn, When: func(s *State) bool { return s.Ingress.Kind == IngressCommunity }, Run: checkRetired},
	}
	return append(all, f.gatewayChecks()...)
}

// ask runs a check on the cluster.
func (f flow) ask(ctx context.Context, s *State, look func(Kube) (w.Finding, error)) w.Finding {
	k, err := f.open(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	defer k.Close()
	found, err := look(k)
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

func (f flow) checkCluster(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		v, err := k.ServerVersion(ctx)
		return w.Passed("It answers as " + v + "."), err
	})
}

func (f flow) checkRights(ctx context.Context, s *State) w.Finding {
	type right struct{ verb, group, resource, namespace string }
	group, exposes, class := "networking.k8s.io", []string{"ingresses"}, "ingressclasses"
	if s.gateway() {
		group, exposes, class = "gateway.networking.k8s.io", []string{"gateways", "httproutes"}, "gatewayclasses"
	}
	wants := []right{{"create", "apps", "deployments", s.App.Namespace}, {"create", "", "secrets", s.App.Namespace}}
	for _, resource := range exposes {
		wants = append(wants, right{"create", group, resource, s.App.Namespace})
	}
	if s.ownIngress() || s.Storage.Install {
		wants = append(wants, right{"create", "rbac.authorization.k8s.io", "clusterroles", ""}, right{"create", group, class, ""})
	}
	if s.installsDefinitions() {
		wants = append(wants, right{"create", "apiextensions.k8s.io", "customresourcedefinitions", ""})
	}
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		var missing []string
		for _, r := range wants {
			ok, err := k.May(ctx, r.verb, r.group, r.resource, r.namespace)
			if err != nil {
				return w.Finding{}, err
			}
			if !ok {
				missing = append(missing, r.verb+" "+r.resource)
			}
		}
		if len(missing) > 0 {
			return w.Fail("The account may not "+strings.Join(missing, ", ")+".", "Use the cluster-admin kubeconfig of the deploy."), nil
		}
		return w.Passed("It may all that the charts need."), nil
	})
}

func (f flow) checkCharts(ctx context.Context, s *State) w.Finding {
	var have []string
	for _, p := range s.parts() {
		c, err := f.chart(ctx, s, p.source)
		if err != nil {
			return problem.Finding(err)
		}
		have = append(have, fmt.Sprintf("%s %s, SHA-256 %s…", c.Name, c.Version, c.Digest[:12]))
	}
	return w.Passed(strings.Join(have, "; ") + ".")
}

func (f flow) checkValues(ctx context.Context, s *State) w.Finding {
	loose := ""
	for _, p := range s.parts() {
		c, err := f.chart(ctx, s, p.source)
		if err != nil {
			return w.Skip("The charts cannot be had.")
		}
		if err := f.CheckValues(c, p.values); err != nil {
			return problem.Finding(err)
		}
		if p.role == w.ReleaseApp && !c.HasSchema {
			loose = " The application's chart has no schema: misspelt names are not found."
		}
	}
	return w.Passed("They fit." + loose)
}

func (f flow) checkStorage(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		list, err := k.StorageClasses(ctx)
		if err != nil {
			return w.Finding{}, err
		}
		for _, c := range list {
			switch {
			case c.Name != s.Storage.Class:
			case c.Driver:
				return w.Passed("The storage class " + c.Name + " has its driver " + c.Provisioner + "."), nil
			case c.Provisioner == driverName && s.Storage.Install:
				return w.Passed("The driver of the storage class " + c.Name + " is missing; the run installs it first."), nil
			default:
				return w.Fail("The storage class "+c.Name+" wants the driver "+c.Provisioner+", which the cluster does not have.", "Let the run install the Azure Disk CSI driver, or choose another class."), nil
			}
		}
		return w.Fail("The cluster has no storage class "+s.Storage.Class+".", "Choose one that it has."), nil
	})
}

// checkIngress looks whether another Service would need another address.
func (f flow) checkIngress(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		all, err := k.Exposures(ctx, "")
		if err != nil {
			return w.Finding{}, err
		}
		var others []string
		for _, e := range all {
			if e.Type != "LoadBalancer" {
				continue
			}
			name := e.Namespace + "/" + e.Name
			if s.gateway() {
				if e.Namespace != s.App.Namespace || e.Gateway == "" {
					others = append(others, name)
				}
				continue
			}
			if name == s.Ingress.Service && !s.ownIngress() {
				if e.External == "" {
					return w.Fail("The Service "+name+" has no external address yet.", "Look at its events, or choose another one."), nil
				}
				return w.Passed("The Service " + name + " answers at " + e.External + "."), nil
			}
			if !strings.HasPrefix(name, s.Ingress.Namespace+"/"+ingressRelease) {
				others = append(others, name)
			}
		}
		if !s.ownIngress() && !s.gateway() {
			return w.Fail("The cluster has no Service "+s.Ingress.Service+" of type LoadBalancer.", "Choose one that it has, or let the run install a controller."), nil
		}
		if len(others) > 0 {
			return w.Fail("There are load balancers already: "+strings.Join(others, ", ")+". AKS Engine on a Hub handles one at a time, and the subscription has few public addresses.",
				"Use the existing ingress controller, or waive this when the addresses suffice and no other load balancer is being made now."), nil
		}
		if s.gateway() {
			return w.Passed("The cluster has no other load balancer; the application's Gateway gets the first public address."), nil
		}
		return w.Passed("The cluster has no other load balancer; the controller gets the first public address."), nil
	})
}

func checkRetired(context.Context, *State) w.Finding {
	return w.Warn("ingress-nginx ended on 26 March 2026. Its last version gets no fixes.", "Choose the controller of F5, or the Gateway API.")
}

func gib(n int) string { return strconv.Itoa(n) + "Gi" }
