package charts

import (
	"context"

	"helm.sh/helm/v3/pkg/action"

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
	if _, err := s.recover(helm, last); err != nil {
		return err
	}
	down := action.NewUninstall(helm)
	down.Wait, down.Timeout, down.DeletionPropagation = true, hookPatience, "foreground"
	log.Info("Removing release %s from namespace %s", name, namespace)
	res, err := down.Run(name)
	if err != nil {
		return s.failed("Removing "+name, err)
	}
	if res != nil && res.Info != "" {
		log.Info("%s", res.Info)
	}
	return s.verifyGone(helm, name, log)
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
