package connect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const (
	soon = 30 * 24 * time.Hour
	// Two ways may have to be tried, and the second begins with an SSH login.
	patience = 45 * time.Second
)

func (f flow) checks() []w.Check[State] {
	return []w.Check[State]{
		{ID: "kubeconfig", Title: "The kubeconfig is in custody", Why: "It is the only key to the cluster that the deploy made.", Severity: w.SeverityBlock, Run: f.checkKubeconfig},
		{ID: "reachable", Title: "The API server is reachable", Why: "Everything after this step talks to it.", Page: "way", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkReachable},
		{ID: "certificate", Title: "The API server's certificate is good", Why: "It must be signed by the cluster's own CA and not end soon.", Severity: w.SeverityWarn, Timeout: patience, Run: f.checkCertificate},
		{ID: "nodes", Title: "All nodes are Ready", Why: "A node that is not Ready takes no work.", Severity: w.SeverityWarn, Timeout: patience, Run: f.checkNodes},
	}
}

func (f flow) checkKubeconfig(_ context.Context, s *State) w.Finding {
	if !s.Cluster.HasKubeconfig {
		return w.Fail("There is none.", "Retry the deploy run: it fetches what is missing.")
	}
	return w.Passed("Sealed, for " + s.Cluster.FQDN + ".")
}

func (f flow) checkReachable(ctx context.Context, s *State) w.Finding {
	a, err := f.ask(ctx, s, s.Way)
	switch {
	case err == nil && a.viaHelper:
		found := "Through the helper VM's SSH it answers as " + a.version + "."
		if a.notDirect != "" {
			found += " Not directly: " + a.notDirect + "."
		}
		return w.Passed(found)
	case err == nil:
		return w.Passed("It answers directly as " + a.version + ".")
	case s.Way == WayDirect:
		if a, e := f.ask(ctx, s, WayHelper); e == nil {
			return w.Fail("Not from this server ("+words(err)+"), but through the helper VM it answers as "+a.version+".", "Choose the way through the helper VM, or whichever leads there.")
		}
	}
	return problem.Finding(err)
}

type answer struct {
	version, notDirect string
	viaHelper          bool
}

func (f flow) ask(ctx context.Context, s *State, way string) (answer, error) {
	k, err := f.open(ctx, s, way)
	if err != nil {
		return answer{}, err
	}
	defer k.Close()
	v, err := k.ServerVersion(ctx)
	return answer{version: v, notDirect: k.NotDirect(), viaHelper: k.ViaHelper()}, err
}

func (f flow) checkCertificate(ctx context.Context, s *State) w.Finding {
	k, err := f.open(ctx, s, s.Way)
	if err != nil {
		return w.Skip("The API server is not reachable.")
	}
	defer k.Close()
	if _, err := k.ServerVersion(ctx); err != nil {
		return w.Skip("The API server is not reachable.")
	}
	end, err := k.CertificateExpiry(ctx)
	if err != nil {
		return w.Fail(words(err), "If the certificates were rotated outside Hubwright, fetch the kubeconfig again from the helper VM.")
	}
	left := end.Sub(f.Clock())
	if left < soon {
		return w.Warn(fmt.Sprintf("It ends on %s.", end.Format("2 January 2006")), "Plan a rotation of the certificates.")
	}
	return w.Passed(fmt.Sprintf("Signed by the cluster's CA, good until %s.", end.Format("2 January 2006")))
}

func (f flow) checkNodes(ctx context.Context, s *State) w.Finding {
	k, err := f.open(ctx, s, s.Way)
	if err != nil {
		return w.Skip("The API server is not reachable.")
	}
	defer k.Close()
	if _, err := k.ServerVersion(ctx); err != nil {
		return w.Skip("The API server is not reachable.")
	}
	nodes, err := k.Nodes(ctx)
	if err != nil {
		return w.Fail(words(err), "Run the check again.")
	}
	ready := countReady(nodes)
	found := fmt.Sprintf("%d of %d nodes are Ready.", ready, s.Cluster.Nodes)
	if ready < s.Cluster.Nodes {
		return w.Warn(found, "The run waits a few minutes for them; look at the nodes on the cluster's page.")
	}
	return w.Passed(found)
}

func countReady(nodes []w.Node) int {
	n := 0
	for _, x := range nodes {
		if x.Ready {
			n++
		}
	}
	return n
}

func words(err error) string { return strings.TrimRight(problem.From(err).Error(), ".") }
