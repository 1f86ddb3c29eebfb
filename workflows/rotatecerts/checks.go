package rotatecerts

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

func (f flow) checks() []w.Check[State] {
	return append(operate.Checks(f.Engine, change),
		operate.ShellsCheck(f.Engine, shells),
		w.Check[State]{ID: "engine-version", Title: "It is the engine that the cluster knows", Why: "Another version writes other files to the nodes than those which are there.", Severity: w.SeverityBlock, Waivable: true, Run: f.checkVersion},
		w.Check[State]{ID: "unfinished", Title: "No rotation was interrupted", Why: "Then nodes have certificates of both kinds, and the engine can only begin once more by force.", Page: "how", Severity: w.SeverityBlock, Timeout: time.Minute, Run: f.checkUnfinished},
		w.Check[State]{ID: "system-pods", Title: "The system's pods are well", Why: "The engine waits for every pod of kube-system, and fails midway if one never gets well.", Page: "how", Severity: w.SeverityBlock, Waivable: true, Timeout: time.Minute,
			When: func(s *State) bool { return s.How == HowChecked }, Run: f.checkPods},
		w.Check[State]{ID: "certificates", Title: "When the certificates end", Why: "After that the API server is dead, and the rotation has to be forced.", Page: "how", Severity: w.SeverityWarn, Waivable: true, Run: f.checkEnd})
}

func (f flow) checkVersion(_ context.Context, s *State) w.Finding {
	if s.Helper.EngineVersion != s.Cluster.EngineVersion {
		return w.Fail(fmt.Sprintf("The helper VM has AKS Engine %s; %s made the cluster, or worked on it last.", s.Helper.EngineVersion, s.Cluster.EngineVersion),
			"Install "+s.Cluster.EngineVersion+" with \"Prepare AKS Engine\", or upgrade the cluster with the newer engine first.")
	}
	return w.Passed("AKS Engine " + s.Helper.EngineVersion + ".")
}

func (f flow) checkUnfinished(ctx context.Context, s *State) w.Finding {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return problem.Finding(err)
	}
	defer host.Close()
	left, err := f.left(ctx, s, host)
	switch {
	case err != nil:
		return problem.Finding(err)
	case left.interrupted() && s.How == HowChecked:
		return w.Fail("One was: ~/"+s.backup()+" is on the helper VM.", "Retry its run. If that is not possible, choose to begin in any case here.")
	case left.interrupted():
		return w.Warn("One was: ~/"+s.backup()+" is on the helper VM.", "This rotation begins once more, by force; that is right here.")
	}
	return w.Passed("None was.")
}

func (f flow) checkPods(ctx context.Context, s *State) w.Finding {
	kubeconfig, err := f.Vault.Open(ctx, s.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	pods, err := f.systemPods(ctx, kubeconfig, s.Stack, s.Helper)
	if err != nil {
		return problem.Finding(err)
	}
	var ill []string
	for _, p := range pods {
		if !p.Healthy {
			ill = append(ill, p.Name+" ("+p.Message+")")
		}
	}
	if len(ill) > 0 {
		return w.Fail("Not well: "+operate.Some(ill)+".", "Bring them to run first (kubectl -n kube-system describe pod says what is wrong).")
	}
	return w.Passed(fmt.Sprintf("All %d are.", len(pods)))
}

const soon = 30 * 24 * time.Hour

func (f flow) checkEnd(ctx context.Context, s *State) w.Finding {
	which, end, err := f.end(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	found := fmt.Sprintf("The first one (%s) ends on %s.", which, day(end))
	now := f.Clock()
	switch {
	case now.After(end) && s.How == HowChecked:
		return w.Fail(fmt.Sprintf("%s ended on %s: the API server cannot be trusted any more.", which, day(end)), "Choose to begin in any case: the engine does not ask the API server first then.")
	case now.After(end):
		return w.Warn(fmt.Sprintf("%s ended on %s.", which, day(end)), "The rotation is forced; that is right here.")
	case end.Sub(now) < soon:
		return w.Warn(found, "Don't wait any longer.")
	}
	return w.Passed(found)
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// end is when the first of the cluster's certificates ends.
func (f flow) end(ctx context.Context, s *State) (which string, end time.Time, err error) {
	models, err := f.Records.APIModels(ctx, s.Cluster.ID)
	if err != nil || len(models) == 0 {
		return "", end, fmt.Errorf("there is no API model in custody: %w", err)
	}
	doc, err := f.Vault.Open(ctx, models[0].Document)
	if err != nil {
		return "", end, err
	}
	return aksengine.CertificatesEnd(doc)
}
