package charts

import (
	"context"
	"maps"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"

	"hubwright/workflows"
)

// Uninstall removes a release with all its revisions and waits until its
// objects are gone. Objects that the chart keeps (claims of stateful sets,
// what is marked so) stay. A release that is not there is no error.
func (c *Cluster) Uninstall(ctx context.Context, namespace, name string, log Reporter) error {
	s, err := c.session(ctx, namespace, log)
	if err != nil {
		return explain("Reaching the cluster", err)
	}
	helm, err := s.helm()
	if err != nil {
		return explain("Reaching the cluster", err)
	}
	last, err := s.last(helm, name)
	if err != nil {
		return explain("Reading the release "+name, err)
	}
	if last == nil {
		log.Good("There is no release %s in namespace %s", name, namespace)
		return nil
	}
	if last, err = s.recover(helm, last); err != nil {
		return err
	}
	if err := s.claim(helm, last); err != nil {
		return explain("Marking the release "+name, err)
	}
	down := action.NewUninstall(helm)
	down.Wait, down.Timeout, down.DeletionPropagation = true, hookPatience, "foreground"
	log.Info("Removing release %s from namespace %s", name, namespace)
	res, err := down.Run(name)
	if err != nil {
		c.giveUp(ctx, namespace, name, err)
		return s.failed("Removing "+name, err)
	}
	if res != nil && res.Info != "" {
		log.Info("%s", res.Info)
	}
	return s.verifyGone(helm, name, log)
}

// claim writes on the release's record which of our runs removes it: when the
// server is killed meanwhile, the same run may go on.
func (s *session) claim(helm *action.Configuration, last *release.Release) error {
	run := label(workflows.OriginOf(s.ctx).RunID)
	if run == "" || last.Labels[runLabel] == run {
		return nil
	}
	last.Labels = maps.Clone(last.Labels)
	if last.Labels == nil {
		last.Labels = map[string]string{}
	}
	last.Labels[runLabel] = run
	return helm.Releases.Update(last)
}

func (s *session) verifyGone(helm *action.Configuration, name string, log Reporter) error {
	left, err := s.last(helm, name)
	if err != nil {
		return explain("Reading the release "+name, err)
	}
	if left != nil {
		return &workflows.Problem{Code: "helm.left", What: "The release " + name + " is still there", Why: "Helm's record of it was not removed", Fix: "Retry from this step."}
	}
	log.Good("Release %s is gone", name)
	return nil
}
