package kube

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"hubwright/workflows"
)

const (
	lastApplied  = "kubectl.kubernetes.io/last-applied-configuration"
	helmReleases = "owner=helm,status=deployed"
	helmType     = "helm.sh/release.v1"
	mostManifest = 32 << 20 // of one release, unpacked
)

// APIUses are the objects, and the manifests of Helm releases, that were
// written with one of the removed APIs. The server shows every object in every
// version that it serves; how it was written is in its managed fields and in
// what kubectl applied last.
func (c *Cluster) APIUses(ctx context.Context, removed []workflows.RemovedAPI) ([]workflows.APIUse, error) {
	served, err := c.served(removed)
	if err != nil {
		return nil, err
	}
	var uses []workflows.APIUse
	for _, r := range served {
		found, err := c.usesOf(ctx, r, removed)
		if err != nil {
			return nil, err
		}
		uses = append(uses, found...)
	}
	found, err := c.helmUses(ctx, removed)
	if err != nil {
		return nil, err
	}
	uses = append(uses, found...)
	slices.SortFunc(uses, func(a, b workflows.APIUse) int {
		return cmp.Or(a.GoneIn-b.GoneIn, strings.Compare(a.Object, b.Object), strings.Compare(a.By, b.By))
	})
	return slices.Compact(uses), nil
}

// resource is a list that the server has.
type resource struct {
	schema.GroupVersionResource
	kind string
}

// served are the lists, one for each group and kind, that may hold what was
// written with a removed API.
func (c *Cluster) served(removed []workflows.RemovedAPI) ([]resource, error) {
	kinds := map[string]bool{}
	for _, r := range removed {
		kinds[r.Kind] = true
	}
	_, lists, err := c.client.Discovery().ServerGroupsAndResources()
	if len(lists) == 0 && err != nil {
		return nil, explain("The API server's APIs cannot be listed", err)
	}
	var out []resource
	seen := map[schema.GroupKind]bool{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range l.APIResources {
			gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
			if !kinds[r.Kind] || seen[gk] || strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
				continue
			}
			seen[gk] = true
			out = append(out, resource{gv.WithResource(r.Name), r.Kind})
		}
	}
	return out, nil
}

func (c *Cluster) usesOf(ctx context.Context, r resource, removed []workflows.RemovedAPI) ([]workflows.APIUse, error) {
	var uses []workflows.APIUse
	opts := metav1.ListOptions{Limit: listPage}
	for {
		found, err := c.meta.Resource(r.GroupVersionResource).List(ctx, opts)
		if err != nil {
			return nil, explain("The "+r.Resource+" cannot be listed", err)
		}
		for _, o := range found.Items {
			for _, api := range removed {
				if by := writtenWith(o, api, r); by != "" {
					uses = append(uses, workflows.APIUse{RemovedAPI: api, Object: object(r.kind, o.Namespace, o.Name), By: by})
				}
			}
		}
		if opts.Continue = found.Continue; opts.Continue == "" {
			return uses, nil
		}
	}
}

// writtenWith says who wrote an object with a removed API, "" for nobody.
func writtenWith(o metav1.PartialObjectMetadata, api workflows.RemovedAPI, r resource) string {
	if api.Kind != r.kind {
		return ""
	}
	if api.Instead == "" && r.GroupVersion().String() == api.Version {
		if o.Name == "privileged" || o.Name == "restricted" {
			return "" // the engine's own
		}
		return "there is no other version"
	}
	var applied struct{ APIVersion string }
	if json.Unmarshal([]byte(o.Annotations[lastApplied]), &applied) == nil && applied.APIVersion == api.Version {
		return "kubectl apply"
	}
	for _, f := range o.ManagedFields {
		if f.APIVersion == api.Version {
			return f.Manager
		}
	}
	return ""
}

// helmUses are the objects in the manifests of the releases that are deployed:
// what Helm would send again with the next upgrade of the release.
func (c *Cluster) helmUses(ctx context.Context, removed []workflows.RemovedAPI) ([]workflows.APIUse, error) {
	var uses []workflows.APIUse
	opts := metav1.ListOptions{LabelSelector: helmReleases, Limit: 50}
	for {
		secrets, err := c.client.CoreV1().Secrets("").List(ctx, opts)
		if err != nil {
			return nil, explain("The Helm releases cannot be listed", err)
		}
		for _, s := range secrets.Items {
			if string(s.Type) != helmType {
				continue
			}
			name, manifest, ok := readRelease(s.Data["release"])
			if !ok {
				continue // Helm cannot read it either
			}
			uses = append(uses, inManifest(manifest, "Helm release "+s.Namespace+"/"+name, removed)...)
		}
		if opts.Continue = secrets.Continue; opts.Continue == "" {
			return uses, nil
		}
	}
}

// readRelease unpacks what Helm 3 keeps: base64 of gzip of JSON.
func readRelease(data []byte) (name, manifest string, ok bool) {
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return "", "", false
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", "", false
	}
	plain, err := io.ReadAll(io.LimitReader(z, mostManifest))
	var doc struct{ Name, Manifest string }
	if err != nil || json.Unmarshal(plain, &doc) != nil {
		return "", "", false
	}
	return doc.Name, doc.Manifest, true
}

var documentEnd = regexp.MustCompile(`(?m)^---.*$`)

func inManifest(manifest, by string, removed []workflows.RemovedAPI) []workflows.APIUse {
	var uses []workflows.APIUse
	for _, text := range documentEnd.Split(manifest, -1) {
		var doc struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
		}
		if yaml.Unmarshal([]byte(text), &doc) != nil {
			continue
		}
		for _, api := range removed {
			if api.Version == doc.APIVersion && api.Kind == doc.Kind {
				uses = append(uses, workflows.APIUse{RemovedAPI: api, Object: object(doc.Kind, doc.Metadata.Namespace, doc.Metadata.Name), By: by})
			}
		}
	}
	return uses
}
