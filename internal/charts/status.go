package charts

import (
	"context"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"

	"hubwright/workflows"
)

// Status is the release's newest revision with its objects. A release that is
// not there is workflows.ErrNotFound.
func (c *Cluster) Status(ctx context.Context, namespace, name string) (workflows.ReleaseState, error) {
	s, helm, err := c.open(ctx, namespace)
	if err != nil {
		return workflows.ReleaseState{}, err
	}
	last, err := s.last(helm, name)
	if err != nil {
		return workflows.ReleaseState{}, explain("Reading the release "+name, err)
	}
	if last == nil {
		return workflows.ReleaseState{}, workflows.ErrNotFound
	}
	return s.state(helm, last)
}

// Trouble is what keeps an object of the release from being ready, nil when
// nothing is known that does.
func (c *Cluster) Trouble(ctx context.Context, namespace, name string) (*workflows.Problem, error) {
	s, helm, err := c.open(ctx, namespace)
	if err != nil {
		return nil, err
	}
	last, err := s.last(helm, name)
	if err != nil || last == nil {
		return nil, explain("Reading the release "+name, err)
	}
	list, err := helm.KubeClient.Build(strings.NewReader(last.Manifest), false)
	if err != nil {
		return nil, s.failed("Looking at the objects of "+name, err)
	}
	for _, info := range list {
		o, err := s.look(info)
		if err != nil || o.trouble != nil {
			return o.trouble, s.failed("Looking at the objects of "+name, err)
		}
	}
	return nil, nil
}

// History is all revisions of a release, oldest first, without objects.
func (c *Cluster) History(ctx context.Context, namespace, name string) ([]workflows.ReleaseState, error) {
	s, helm, err := c.open(ctx, namespace)
	if err != nil {
		return nil, err
	}
	if last, err := s.last(helm, name); last == nil {
		return nil, explain("Reading the release "+name, err)
	}
	all, err := helm.Releases.History(name)
	if err != nil {
		return nil, explain("Reading the release "+name, err)
	}
	releaseutil.SortByRevision(all)
	var out []workflows.ReleaseState
	for _, rel := range all {
		out = append(out, facts(rel))
	}
	return out, nil
}

// List is the newest revision of every release of the cluster, without objects.
func (c *Cluster) List(ctx context.Context) ([]workflows.ReleaseState, error) {
	_, helm, err := c.open(ctx, "")
	if err != nil {
		return nil, err
	}
	list := action.NewList(helm)
	list.AllNamespaces, list.All = true, true
	list.SetStateMask()
	all, err := list.Run()
	if err != nil {
		return nil, explain("Listing the releases", err)
	}
	var out []workflows.ReleaseState
	for _, rel := range all {
		out = append(out, facts(rel))
	}
	return out, nil
}

func (c *Cluster) open(ctx context.Context, namespace string) (*session, *action.Configuration, error) {
	s, err := c.session(ctx, namespace, silent{})
	if err != nil {
		return nil, nil, explain("Reaching the cluster", err)
	}
	helm, err := s.helm()
	if err != nil {
		return nil, nil, explain("Reaching the cluster", err)
	}
	return s, helm, nil
}

// silent is a Reporter for those who only look.
type silent struct{}

func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Good(string, ...any)  {}
func (silent) Progress(int, string) {}

func facts(rel *release.Release) workflows.ReleaseState {
	out := workflows.ReleaseState{
		Name: rel.Name, Namespace: rel.Namespace, Status: string(rel.Info.Status), Revision: rel.Version,
		Digest: digestOf(rel), Description: rel.Info.Description, UpdatedAt: rel.Info.LastDeployed.Time,
	}
	if rel.Chart != nil && rel.Chart.Metadata != nil {
		out.Chart, out.ChartVersion, out.AppVersion = rel.Chart.Metadata.Name, rel.Chart.Metadata.Version, rel.Chart.Metadata.AppVersion
	}
	return out
}

func (s *session) state(helm *action.Configuration, rel *release.Release) (workflows.ReleaseState, error) {
	out := facts(rel)
	var err error
	if out.Objects, err = s.objects(helm, rel); err != nil {
		return out, s.failed("Looking at the objects of "+rel.Name, err)
	}
	return out, nil
}

// objects looks at each object of a revision.
func (s *session) objects(helm *action.Configuration, rel *release.Release) ([]workflows.ReleaseObject, error) {
	list, err := helm.KubeClient.Build(strings.NewReader(rel.Manifest), false)
	if err != nil {
		return nil, err
	}
	var out []workflows.ReleaseObject
	for _, info := range list {
		seen, err := s.look(info)
		if err != nil {
			return nil, err
		}
		out = append(out, seen.ReleaseObject)
	}
	return out, nil
}
