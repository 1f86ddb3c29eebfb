package pipelines

import (
	"context"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

func (f flow) podChecks() []w.Check[State] {
	return []w.Check[State]{
		{ID: "pods-rights", Title: "The agents' objects can be made", Why: "A run that finds out in the middle leaves half of them.", Page: "pods", Severity: w.SeverityBlock, When: onPods, Timeout: 45 * time.Second, Run: f.checkPodRights},
		{ID: "pods-image", Title: "The image is pinned", Why: "A tag can lead to another image tomorrow, on one node and not on the other.", Page: "pods", Severity: w.SeverityWarn, When: onPods, Run: checkImage},
		{ID: "pods-token", Title: "The agents' token is limited", Why: "A job runs as the agent does, and can read what the agent registers with.", Page: "pods", Severity: w.SeverityWarn, When: onPods, Run: checkPodToken},
	}
}

// checkPodRights asks whether what the run makes may be made, and whether what
// it refers to is there.
func (f flow) checkPodRights(ctx context.Context, s *State) w.Finding {
	found := w.Passed("All of them may be made in " + s.Pods.Namespace + ".")
	err := f.onCluster(ctx, s, func(k Kube) error {
		for _, right := range [][3]string{{"", "", "namespaces"}, {s.Pods.Namespace, "", "secrets"}, {s.Pods.Namespace, "", "serviceaccounts"}, {s.Pods.Namespace, "apps", "statefulsets"},
			{s.Pods.Namespace, "policy", "poddisruptionbudgets"}, {s.Pods.Namespace, "networking.k8s.io", "networkpolicies"}} {
			may, err := k.Can(ctx, right[0], "create", right[1], right[2])
			if err != nil {
				return err
			}
			if !may {
				found = w.Fail("The kubeconfig in custody may not create "+right[2]+".", "Use the cluster-admin kubeconfig of the deploy.")
				return nil
			}
		}
		if s.Pods.PullSecret == "" {
			return nil
		}
		there, err := k.HasSecret(ctx, s.Pods.Namespace, s.Pods.PullSecret)
		if err == nil && !there {
			found = w.Fail("There is no Secret "+s.Pods.PullSecret+" in "+s.Pods.Namespace+".", "Make it with kubectl -n "+s.Pods.Namespace+" create secret docker-registry, or leave the field empty when the registry asks for no login.")
		}
		return err
	})
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

func checkImage(_ context.Context, s *State) w.Finding {
	if strings.Contains(s.Pods.Image, "@sha256:") {
		return w.Passed("It is, by its digest.")
	}
	return w.Warn("It has a tag and no digest.", "Give it as NAME:TAG@sha256:…; docker push prints the digest.")
}

func checkPodToken(_ context.Context, s *State) w.Finding {
	if s.Pods.Token != "" {
		return w.Passed("It is one of their own. Only you can see that it has no more than the scope Agent Pools.")
	}
	return w.Warn("Agents register with the credential of the Connection "+s.Connection+", which can do more than that.", "Give a token with the scope Agent Pools (read and manage) alone, unless everybody who may write a pipeline may have the Connection's.")
}
