package charts

import (
	"context"
	"errors"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/storage/driver"

	"hubwright/workflows"
)

// Preview is what an Install would do.
type Preview struct {
	Exists  bool // there is such a release
	Same    bool // chart and values are the deployed ones
	Changed int  // objects that would be made, changed or removed
	Diff    string
}

// Preview renders the release with the cluster's help and compares it with
// what Helm put there last. Values of Secrets are not in it, and neither is what
// the chart's values hold as secrets.
func (c *Cluster) Preview(ctx context.Context, spec workflows.ReleaseSpec) (Preview, error) {
	ch, values, err := spread(spec)
	if err != nil {
		return Preview{}, err
	}
	s, helm, err := c.open(ctx, spec.Namespace)
	if err != nil {
		return Preview{}, err
	}
	last, err := s.last(helm, spec.Name)
	if err != nil {
		return Preview{}, explain("Reading the release "+spec.Name, err)
	}
	was, secrets := "", secretsOf(values)
	if last != nil {
		current, err := helm.Releases.Deployed(spec.Name)
		if err != nil && !errors.Is(err, driver.ErrNoDeployedReleases) {
			return Preview{}, explain("Reading the release "+spec.Name, err)
		}
		if current != nil {
			was, secrets = current.Manifest, append(secrets, secretsOf(current.Config)...)
		}
	}
	dry := action.NewInstall(helm)
	dry.ReleaseName, dry.Namespace, dry.DryRun, dry.DryRunOption, dry.IsUpgrade = spec.Name, spec.Namespace, true, "server", was != ""
	dry.DisableOpenAPIValidation = true // its documents are large, and a page waits; Install has it
	rel, err := dry.RunWithContext(ctx, ch, values)
	if err != nil {
		return Preview{}, s.failed("Rendering "+spec.Name, err)
	}
	p := Preview{Exists: was != "", Same: same(last, spec, values)}
	p.Diff, p.Changed = difference(was, rel.Manifest)
	p.Diff = hide(p.Diff, secrets)
	return p, nil
}

// CheckValues says whether a chart takes the values, by its own schema, without
// a cluster.
func CheckValues(c workflows.Chart, text string) error {
	ch, values, err := spread(workflows.ReleaseSpec{Chart: c, Values: text})
	if err != nil {
		return err
	}
	merged, err := chartutil.CoalesceValues(ch, values)
	if err != nil {
		return badValues(err.Error())
	}
	if err := chartutil.ValidateAgainstSchema(ch, merged); err != nil {
		return badValues(schemaWords(err.Error()))
	}
	return nil
}
