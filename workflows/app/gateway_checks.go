package app

import (
	"context"
	"slices"
	"strings"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

func (f flow) gatewayChecks() []w.Check[State] {
	return []w.Check[State]{
		{ID: "definitions", Title: "The cluster knows the Gateway API", Why: "Without its definitions the API server takes no Gateway and no route.", Page: "ingress", Severity: w.SeverityBlock, Timeout: patience, When: (*State).gateway, Run: f.checkDefinitions},
		{ID: "gateway-class", Title: "The Gateway class has its controller", Why: "A Gateway whose class nobody takes waits for ever.", Page: "ingress", Severity: w.SeverityBlock, Timeout: patience, When: (*State).gateway, Run: f.checkGatewayClass},
	}
}

func (f flow) checkDefinitions(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		have, err := k.GatewayDefinitions(ctx)
		if err != nil {
			return w.Finding{}, err
		}
		lacks := strings.Join(have.Missing, ", ")
		switch {
		case lacks == "" && s.Ingress.Kind == IngressGateway && !strings.HasPrefix(have.Version, definitionsFit):
			return w.Warn("The cluster has "+release(have)+". NGINX Gateway Fabric "+fabricVersion+" is made for "+definitionsFit+"x: with others it does what it can, and says so at its Gateway class.",
				"Choose a version of the controller that is made for it, or upgrade the definitions when nobody else depends on them."), nil
		case lacks == "":
			return w.Passed("It has " + release(have) + "."), nil
		case !s.installsDefinitions():
			return w.Fail("It lacks "+lacks+".", "Let the run install the definitions, or run: kubectl apply --server-side -f "+definitionsURL), nil
		}
		file, err := f.definitions(ctx, s)
		if err != nil {
			return problem.Finding(err), nil
		}
		if have.Version != "" && have.Version != file.Version {
			return w.Fail("It has "+release(have)+", which lacks "+lacks+" in v1; the file is "+release(file)+".", "Upgrade the definitions yourself once you know who depends on them: kubectl apply --server-side -f and the file."), nil
		}
		return w.Passed("It lacks " + lacks + "; the run installs " + release(file) + ", SHA-256 " + file.Digest[:12] + "…."), nil
	})
}

func (f flow) checkGatewayClass(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		list, err := k.GatewayClasses(ctx)
		if err != nil {
			return w.Finding{}, err
		}
		for _, c := range list {
			switch {
			case c.Name != s.Ingress.Class:
			case s.ownIngress() && !s.installed(gatewayRelease):
				return w.Fail("The cluster has the Gateway class "+c.Name+" already, of "+c.Controller+".", "Use the controller that the cluster has, or choose another name for the class."), nil
			case c.Accepted:
				return w.Passed("The class " + c.Name + " is accepted by " + c.Controller + "."), nil
			case s.ownIngress():
				return w.Passed("The class " + c.Name + " is not accepted yet; the run sees to it. Its controller says: " + c.Why + "."), nil
			default:
				return w.Fail("The class "+c.Name+" of "+c.Controller+" is not accepted: "+c.Why+".", "Look at its controller, or let the run install one."), nil
			}
		}
		if !s.ownIngress() {
			return w.Fail("The cluster has no Gateway class "+s.Ingress.Class+".", "Choose one that it has, or let the run install a controller."), nil
		}
		return w.Passed("The run makes the class " + s.Ingress.Class + " with its controller."), nil
	})
}

// installed says whether an earlier run made the release of the ingress
// controller with that name.
func (s *State) installed(name string) bool {
	return slices.ContainsFunc(s.Installed, func(r w.Release) bool {
		return r.Role == w.ReleaseIngress && r.Name == name && r.Namespace == s.Ingress.Namespace
	})
}
