package app

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// putDefinitions makes the cluster know the Gateway API.
func (f flow) putDefinitions(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		have, err := k.GatewayDefinitions(ctx)
		if err != nil {
			return err
		}
		if len(have.Missing) == 0 {
			log.Good("The cluster has %s: nothing to change", release(have))
			return nil
		}
		file, err := f.definitions(ctx, s)
		if err != nil {
			return err
		}
		s.Found.Definitions = release(file)
		log.Command(s.definitionsCommand())
		if err := k.EnsureGatewayDefinitions(ctx, file); err != nil {
			return err
		}
		for end := f.Clock().Add(partPatience); ; {
			if have, err = k.GatewayDefinitions(ctx); err != nil {
				return err
			}
			if len(have.Missing) == 0 {
				log.Good("The cluster knows the Gateway API: %s, %d kinds", release(have), len(file.Kinds))
				return nil
			}
			if f.Clock().After(end) {
				return &w.Problem{Code: "gateway.unserved", What: "The API server does not serve the definitions of the Gateway API", Why: "it still lacks " + strings.Join(have.Missing, ", "),
					Fix: "Look at their conditions with kubectl describe crd, then retry from this step."}
			}
			log.Progress(-1, "waits for "+strings.Join(have.Missing, ", "))
			if err := f.Pause(ctx, askAgain); err != nil {
				return err
			}
		}
	})
}

func (s *State) definitionsCommand() string {
	from := s.Ingress.Definitions.URL
	if s.Ingress.Definitions.Kind == w.ChartUploaded {
		from = "./" + s.Ingress.Definitions.Name
	}
	return "kubectl apply --server-side -f " + from
}

// entrance waits until the application's Gateway has its public address. Helm
// has waited for those that the chart made; one elsewhere may take its time.
func (f flow) entrance(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		for end := f.Clock().Add(addresses); ; {
			all, err := k.Gateways(ctx, s.App.Namespace)
			if err != nil {
				return err
			}
			why := "the application's chart made no Gateway of the class " + s.Ingress.Class + ", and no route to one"
			for _, g := range all {
				switch {
				case g.Class != s.Ingress.Class:
				case g.Address == "":
					why = "the Gateway " + g.Namespace + "/" + g.Name + " has no address yet"
				case !g.Programmed:
					why = "the Gateway " + g.Namespace + "/" + g.Name + " is not programmed yet"
				default:
					return f.entered(ctx, s, k, g, log)
				}
			}
			if f.Clock().After(end) {
				return &w.Problem{Code: "app.gateway", What: "No Gateway leads to the application", Why: why,
					Fix: "Look at the conditions of the Gateway and its routes, at its class, and at the events of its Service. A chart of your own brings Gateway and HTTPRoute itself. Then retry from this step."}
			}
			log.Progress(-1, why)
			if err := f.Pause(ctx, askAgain); err != nil {
				return err
			}
		}
	})
}

// entered remembers the Gateway, its controller and its public name.
func (f flow) entered(ctx context.Context, s *State, k Kube, g w.Gateway, log w.Log) error {
	classes, err := k.GatewayClasses(ctx)
	if err != nil {
		return err
	}
	s.Found.Gateway, s.Found.Controller = g, ""
	for _, c := range classes {
		if c.Name == g.Class {
			s.Found.Controller = c.Controller
		}
	}
	exposed, err := k.Exposures(ctx, g.Namespace)
	if err != nil {
		return err
	}
	s.Found.Address, s.Found.DNSName = g.Address, ""
	for _, e := range exposed {
		if e.External == g.Address && e.DNSLabel != "" {
			s.Found.DNSName = e.DNSLabel + "." + s.Cluster.Domain
		}
	}
	log.Good("Gateway %s/%s, set up by %s, answers at %s %s", g.Namespace, g.Name, s.Found.Controller, s.Found.Address, s.Found.DNSName)
	for _, l := range g.Listeners {
		log.Info("Listener %s: %s", l.Name, listenerWords(l))
	}
	return nil
}

func listenerWords(l w.GatewayListener) string {
	host := "any host"
	if l.Host != "" {
		host = l.Host
	}
	routes := fmt.Sprintf("%d routes", l.Routes)
	if l.Routes == 1 {
		routes = "1 route"
	}
	return fmt.Sprintf("%s on port %d for %s, %s", l.Protocol, l.Port, host, routes)
}
