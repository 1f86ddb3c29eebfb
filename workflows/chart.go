package workflows

import "time"

// ChartSourceKind says where a Helm chart comes from.
type ChartSourceKind string

// The kinds of sources.
const (
	ChartRepository ChartSourceKind = "repository"
	ChartOCI        ChartSourceKind = "oci"
	ChartUploaded   ChartSourceKind = "uploaded"
	ChartBuiltIn    ChartSourceKind = "built in"
	ManifestURL     ChartSourceKind = "url" // plain objects in YAML, not a chart
)

// ChartSource is a Helm chart that somebody chose.
type ChartSource struct {
	Kind    ChartSourceKind
	URL     string // of the repository or the file, or oci://registry/path/chart
	Name    string // in the repository, built in, or the uploaded file's name
	Version string // exact; of a repository and a registry
	Digest  string // SHA-256 of the archive in hex that it must have; "" takes what comes
}

// Title is the source in one line.
func (s ChartSource) Title() string {
	switch s.Kind {
	case ChartRepository:
		return s.Name + " " + s.Version + " from " + s.URL
	case ChartOCI:
		return s.URL + ":" + s.Version
	case ManifestURL:
		return s.URL
	}
	return s.Name + ", " + string(s.Kind)
}

// Place is the source as a Release keeps it: a URL, "uploaded" or "built in".
func (s ChartSource) Place() string {
	if s.Kind == ChartRepository || s.Kind == ChartOCI {
		return s.URL
	}
	return string(s.Kind)
}

// Chart is a chart that was found.
type Chart struct {
	Name, Version, AppVersion string
	Source                    string // as ChartSource.Place
	Digest                    string // SHA-256 of the archive, hex
	Values                    string // its values.yaml
	HasSchema                 bool   // it says itself which values it takes
	Archive                   []byte `json:"-"`
}

// ReleaseSpec is what a Helm release shall be.
type ReleaseSpec struct {
	Name, Namespace string
	Chart           Chart
	Values          string // YAML over the chart's own
	// Patience is how long nothing may get better before the wait for the
	// objects ends; 0 stands for ten minutes. A problem that does not heal by
	// itself ends it sooner.
	Patience time.Duration
}

// ReleaseState is a Helm release as the cluster has it.
type ReleaseState struct {
	Name, Namespace     string
	Status              string // deployed, failed, pending-install ... in Helm's words
	Chart, ChartVersion string
	AppVersion          string
	Digest              string // of the chart's archive; "" when something else installed it
	Revision            int
	Description         string
	UpdatedAt           time.Time
	Objects             []ReleaseObject
	Changed             bool // Install changed something
}

// ReleaseObject is one object of a release and how it is.
type ReleaseObject struct {
	Kind, Namespace, Name string
	Ready                 bool
	Detail                string // "2 of 2 ready"
}

// Deployed says whether Helm counts the release as done.
func (r ReleaseState) Deployed() bool { return r.Status == "deployed" }
