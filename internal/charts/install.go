package charts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"

	"hubwright/workflows"
)

const (
	// hookPatience bounds Helm's own waits, which ours end sooner.
	hookPatience = time.Hour
	// strangers is how long the unfinished work of somebody else is respected.
	strangers = 10 * time.Minute
	// runLabel on a release's record says which of our runs works on it.
	runLabel   = "hubwright-run"
	digestMark = "sha256:"
	keptRevs   = 10
)

// Install makes the release be what spec says and waits until its objects are
// ready. It may be called again at any time: what is so already stays, and
// what a killed server left unfinished is finished. Errors are
// *workflows.Problem; after one the release is marked failed, and the next
// Install goes on from there. When ctx ends in the middle the objects made so
// far stay and the release is marked failed.
func (c *Cluster) Install(ctx context.Context, spec workflows.ReleaseSpec, log Reporter) (workflows.ReleaseState, error) {
	ch, values, err := spread(spec)
	if err != nil {
		return workflows.ReleaseState{}, err
	}
	s, err := c.session(ctx, spec.Namespace, log)
	if err != nil {
		return workflows.ReleaseState{}, explain("Reaching the cluster", err)
	}
	s.patience = spec.Patience
	helm, err := s.helm()
	if err != nil {
		return workflows.ReleaseState{}, explain("Reaching the cluster", err)
	}
	last, err := s.last(helm, spec.Name)
	if err != nil {
		return workflows.ReleaseState{}, explain("Reading the release "+spec.Name, err)
	}
	if last, err = s.recover(helm, last); err != nil {
		return workflows.ReleaseState{}, err
	}
	if same(last, spec, values) {
		if whole, err := s.whole(helm, last); err != nil || whole {
			if err != nil {
				return workflows.ReleaseState{}, s.failed("Looking at the release "+spec.Name, err)
			}
			log.Good("Release %s is chart %s %s with these values already, and ready: nothing to change", spec.Name, ch.Name(), ch.Metadata.Version)
			return s.state(helm, last)
		}
	}
	rel, err := s.put(helm, last, spec, ch, values)
	if err != nil {
		c.giveUp(ctx, spec.Namespace, spec.Name, err)
		return workflows.ReleaseState{}, s.failed("Installing "+spec.Name, err)
	}
	log.Good("Release %s is deployed as revision %d: chart %s %s", rel.Name, rel.Version, ch.Name(), ch.Metadata.Version)
	state, err := s.state(helm, rel)
	state.Changed = true
	return state, err
}

// spread reads the chart's archive and the values.
func spread(spec workflows.ReleaseSpec) (*chart.Chart, map[string]any, error) {
	ch, err := loader.LoadArchive(strings.NewReader(string(spec.Chart.Archive)))
	if err != nil {
		return nil, nil, notAChart(spec.Chart.Source, err)
	}
	keepSchemasIn(ch)
	values, err := chartutil.ReadValues([]byte(spec.Values))
	if err != nil {
		return nil, nil, badValues("they are not YAML: " + err.Error())
	}
	return ch, values, nil
}

// last is the newest revision, nil when there is none.
func (s *session) last(helm *action.Configuration, name string) (*release.Release, error) {
	rel, err := helm.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	return rel, err
}

// recover takes over what was left unfinished: by us at once, by somebody else
// when it is old.
func (s *session) recover(helm *action.Configuration, last *release.Release) (*release.Release, error) {
	if last == nil || !unfinished(last) {
		return last, nil
	}
	run := workflows.OriginOf(s.ctx).RunID
	ours := last.Labels[runLabel] != "" && last.Labels[runLabel] == label(run)
	since := last.Info.LastDeployed
	if last.Info.Status == release.StatusUninstalling {
		since = last.Info.Deleted
	}
	age := s.cluster.Clock().Sub(since.Time)
	if !ours && age < strangers {
		return nil, &workflows.Problem{
			Code: "helm.busy", What: "Another Helm works on the release " + last.Name,
			Why: fmt.Sprintf("its revision %d is %s since %s", last.Version, last.Info.Status, since.UTC().Format("15:04:05 MST")),
			Fix: fmt.Sprintf("Wait until it is done. When it was killed, retry after %s: what it left is then taken over.", strangers),
		}
	}
	s.log.Warn("Revision %d of %s was left %s; it is marked failed and the work goes on", last.Version, last.Name, last.Info.Status)
	last.SetStatus(release.StatusFailed, "interrupted, taken over by Hubwright")
	if err := helm.Releases.Update(last); err != nil {
		return nil, explain("Taking over the release "+last.Name, err)
	}
	return last, nil
}

// label makes a run's id fit for a label.
func label(run string) string {
	if len(run) > 63 {
		run = run[:63]
	}
	return strings.Trim(run, "-_.")
}

func same(last *release.Release, spec workflows.ReleaseSpec, values map[string]any) bool {
	return last != nil && last.Info.Status == release.StatusDeployed && spec.Chart.Digest != "" &&
		digestOf(last) == spec.Chart.Digest && equalValues(last.Config, values)
}

func digestOf(rel *release.Release) string {
	_, rest, ok := strings.Cut(rel.Info.Description, digestMark)
	if !ok || len(rest) < 64 {
		return ""
	}
	return rest[:64]
}

func equalValues(a, b map[string]any) bool {
	one, err1 := chartutil.Values(a).YAML()
	two, err2 := chartutil.Values(b).YAML()
	return err1 == nil && err2 == nil && (one == two || len(a) == 0 && len(b) == 0)
}

// whole says whether each object of a release is there and ready.
func (s *session) whole(helm *action.Configuration, rel *release.Release) (bool, error) {
	objects, err := s.objects(helm, rel)
	for _, o := range objects {
		if !o.Ready {
			s.log.Warn("%s %s: %s", o.Kind, o.Name, o.Detail)
			return false, err
		}
	}
	return true, err
}

// put installs or upgrades. A release that never was deployed is installed
// again over what is there of it, so that its install hooks run.
func (s *session) put(helm *action.Configuration, last *release.Release, spec workflows.ReleaseSpec, ch *chart.Chart, values map[string]any) (*release.Release, error) {
	description := "Hubwright, chart " + digestMark + spec.Chart.Digest
	labels := map[string]string{}
	if run := label(workflows.OriginOf(s.ctx).RunID); run != "" {
		labels[runLabel] = run
	}
	deployed := false
	if last != nil {
		_, err := helm.Releases.Deployed(spec.Name)
		if err != nil && !errors.Is(err, driver.ErrNoDeployedReleases) {
			return nil, err
		}
		deployed = err == nil
	}
	if !deployed {
		up := action.NewInstall(helm)
		up.ReleaseName, up.Namespace, up.CreateNamespace, up.Replace = spec.Name, spec.Namespace, true, true
		up.Wait, up.WaitForJobs, up.Timeout, up.Description, up.Labels = true, true, hookPatience, description, labels
		s.log.Info("Installing chart %s %s as release %s in namespace %s", ch.Name(), ch.Metadata.Version, spec.Name, spec.Namespace)
		return up.RunWithContext(context.WithoutCancel(s.ctx), ch, maps.Clone(values))
	}
	up := action.NewUpgrade(helm)
	up.Namespace, up.ResetValues, up.MaxHistory = spec.Namespace, true, keptRevs
	up.Wait, up.WaitForJobs, up.Timeout, up.Description, up.Labels = true, true, hookPatience, description, labels
	s.log.Info("Upgrading release %s in namespace %s to chart %s %s", spec.Name, spec.Namespace, ch.Name(), ch.Metadata.Version)
	return up.RunWithContext(context.WithoutCancel(s.ctx), spec.Name, ch, maps.Clone(values))
}

// giveUp marks an unfinished revision as failed where Helm could not write that
// any more, because the context had ended.
func (c *Cluster) giveUp(ctx context.Context, namespace, name string, cause error) {
	if ctx.Err() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	s, helm, err := c.open(ctx, namespace)
	if err != nil {
		return
	}
	last, err := s.last(helm, name)
	if err != nil || last == nil || !unfinished(last) {
		return
	}
	last.SetStatus(release.StatusFailed, "stopped: "+cause.Error())
	_ = helm.Releases.Update(last) // the next Install takes over what this could not mark
}

func unfinished(rel *release.Release) bool {
	return rel.Info.Status.IsPending() || rel.Info.Status == release.StatusUninstalling
}
