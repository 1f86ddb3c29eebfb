package pipelines

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

func (f flow) checks() []w.Check[State] {
	setUp := func(s *State) bool { return s.setsUp() }
	return append([]w.Check[State]{
		{ID: "organization", Title: "Azure DevOps lets us in and shows the project", Why: "Everything is made there.", Page: "organization", Severity: w.SeverityBlock, Timeout: 30 * time.Second, Run: f.checkOrganization},
		{ID: "secret", Title: "The Connection's own secret does not end soon", Why: "When it ends, neither can the service connection be renewed nor an agent be registered.", Page: "organization", Severity: w.SeverityWarn, Run: f.checkSecret},
		{ID: "name", Title: "The service connection's name is free, or ours", Why: "Azure DevOps refuses a second one of the same name.", Page: "access", Severity: w.SeverityBlock, When: setUp, Timeout: 30 * time.Second, Run: f.checkName},
		{ID: "share", Title: "The other projects can be seen", Why: "A connection is shared by an administrator of both projects.", Page: "access", Severity: w.SeverityBlock, When: func(s *State) bool { return s.setsUp() && len(s.Share) > 0 }, Timeout: 30 * time.Second, Run: f.checkShare},
		{ID: "cluster", Title: "The cluster's API answers", Why: "The account is made there, and the credential tried.", Severity: w.SeverityBlock, Timeout: 45 * time.Second, Run: f.checkCluster},
		{ID: "pool", Title: "The agent pool is there", Why: "A pipeline names it.", Page: "agents", Severity: w.SeverityBlock, When: func(s *State) bool { return s.selfHosted() }, Timeout: 30 * time.Second, Run: f.checkPool},
		{ID: "outbound", Title: "The agent's host reaches Azure DevOps", Why: "The agent asks it for work, from inside, on port 443.", Page: "agents", Severity: w.SeverityBlock, Waivable: true, When: func(s *State) bool { return s.installs() && (!s.ownVM() || s.Host.HostKey != "") }, Timeout: 45 * time.Second, Run: f.checkOutbound},
		{ID: "admin", Title: "The credential is limited", Why: "Who may edit a pipeline can read what its connection opens.", Page: "access", Severity: w.SeverityWarn, When: setUp, Run: checkAdmin},
	}, append(f.vmChecks(), f.podChecks()...)...)
}

func (f flow) asked(ctx context.Context, s *State, ask func(Organization) (w.Finding, error)) w.Finding {
	var found w.Finding
	err := f.inOrganization(ctx, s, func(o Organization) (err error) { found, err = ask(o); return err })
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

func (f flow) checkOrganization(ctx context.Context, s *State) w.Finding {
	name := s.Project
	if s.removes() {
		name = s.Before.Project
	}
	return f.asked(ctx, s, func(o Organization) (w.Finding, error) {
		p, err := o.Project(ctx, name)
		return w.Passed("It shows the project " + p.Name + "."), err
	})
}

func (f flow) checkSecret(ctx context.Context, s *State) w.Finding {
	id := s.ConnectionID
	if s.removes() {
		id = s.Before.ConnectionID
	}
	c, err := f.Records.Connection(ctx, id)
	if err != nil {
		return w.Skip("No Connection was chosen.")
	}
	left := c.ExpiresAt.Sub(f.Clock())
	switch {
	case c.ExpiresAt.IsZero():
		return w.Skip("Nobody said when it ends.")
	case left <= 0:
		return w.Warn("It ended on "+day(c.ExpiresAt)+".", "Make a new one and give it to the Connection.")
	case left < soon:
		return w.Warn("It ends on "+day(c.ExpiresAt)+".", "Make a new one and give it to the Connection.")
	}
	return w.Passed("It ends on " + day(c.ExpiresAt) + ".")
}

func (f flow) checkName(ctx context.Context, s *State) w.Finding {
	return f.asked(ctx, s, func(o Organization) (w.Finding, error) {
		p, err := o.Project(ctx, s.Project)
		if err != nil {
			return w.Finding{}, err
		}
		e, err := o.EndpointByName(ctx, p.ID, s.Name)
		switch {
		case err != nil:
			return w.Finding{}, err
		case e == nil:
			return w.Passed("None is called " + s.Name + " as far as this credential sees."), nil
		case s.known() && s.Before.EndpointID == e.ID:
			return w.Passed("It is the one that a former run made; it is renewed in place."), nil
		case strings.EqualFold(e.Type, "kubernetes"):
			return w.Warn("There is one of that name, to "+e.URL+", which no run of Hubwright made.", "If it leads to this cluster, it is taken over: its credential is replaced. If not, the run stops. Choose another name to keep it as it is."), nil
		}
		return w.Fail("There is one of that name, of the kind "+e.Type+".", "Choose another name."), nil
	})
}

func (f flow) checkShare(ctx context.Context, s *State) w.Finding {
	return f.asked(ctx, s, func(o Organization) (w.Finding, error) {
		for _, name := range s.Share {
			if _, err := o.Project(ctx, name); err != nil {
				return w.Finding{}, err
			}
		}
		return w.Passed("All are there: " + strings.Join(s.Share, ", ") + "."), nil
	})
}

func (f flow) checkCluster(ctx context.Context, s *State) w.Finding {
	var found w.Finding
	err := f.onCluster(ctx, s, func(k Kube) error {
		v, err := k.ServerVersion(ctx)
		found = w.Passed("It answers as " + v + ".")
		return err
	})
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

func (f flow) checkPool(ctx context.Context, s *State) w.Finding {
	return f.asked(ctx, s, func(o Organization) (w.Finding, error) {
		all, err := o.Pools(ctx)
		if err != nil {
			return w.Finding{}, err
		}
		for _, p := range all {
			switch {
			case !strings.EqualFold(p.Name, s.Pool):
			case p.Size == 0 && s.Where == WherePool:
				return w.Warn("The pool "+p.Name+" is there and has no agent.", "Register one that reaches the Hub and the cluster, or have a run install one on the helper VM."), nil
			default:
				return w.Passed(fmt.Sprintf("The pool %s is there; its agents: %d.", p.Name, p.Size)), nil
			}
		}
		return problem.Finding(noPool(s.Pool)), nil
	})
}

func (f flow) checkOutbound(ctx context.Context, s *State) w.Finding {
	host, err := f.openHost(ctx, s)
	switch {
	case err != nil && s.ownVM():
		return w.Skip("The VM does not let us in now (" + problem.From(err).What + "). The run starts it, or makes it anew, and looks then.")
	case err != nil:
		return problem.Finding(err)
	}
	defer host.Close()
	why, err := f.reaches(ctx, s, host)
	switch {
	case err != nil:
		return problem.Finding(err)
	case why != "":
		return w.Fail("It does not: "+why+".", s.openTheWay())
	}
	return w.Passed("It does.")
}

// reaches says why the agent's host does not reach Azure DevOps, "" when it does.
func (f flow) reaches(ctx context.Context, s *State, host Host) (why string, err error) {
	const look = `[ -z "$2" ] || export https_proxy="$2"
curl -ksS -m 15 -o /dev/null "$1" 2>&1`
	out, err := f.run(ctx, host, look, "", s.Organization+"/_apis/projects", s.AgentWay)
	if err != nil || out.ExitCode == 0 {
		return "", err
	}
	return lastLine(out.Stdout), nil
}

func (s *State) openTheWay() string {
	return "Open the way from " + s.machine() + " to " + s.Organization + " (TCP 443 outwards), or give the agent's proxy."
}

func checkAdmin(_ context.Context, s *State) w.Finding {
	if s.Method == MethodKubeconfig {
		return w.Warn("It is the cluster-admin kubeconfig, and it ends only when the cluster's certificates are made anew.", "Choose the service account, unless a task of the pipelines really needs the whole cluster.")
	}
	return w.Passed("It may do in " + s.Namespace + " what Helm needs, and nothing else.")
}
