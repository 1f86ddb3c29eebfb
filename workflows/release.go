package workflows

import "time"

// ReleaseRole says what a Release is there for.
type ReleaseRole string

// The roles.
const (
	ReleaseIngress    ReleaseRole = "ingress"
	ReleaseApp        ReleaseRole = "app"
	ReleaseStorage    ReleaseRole = "storage"    // the disk driver
	ReleaseMonitoring ReleaseRole = "monitoring" // Azure Monitor's agent, or Prometheus and Grafana
)

// Release is a Helm release that a run put on a Site's cluster.
type Release struct {
	ID           string
	SiteID       string
	Role         ReleaseRole
	Name         string
	Namespace    string
	Chart        string // the chart's own name
	ChartVersion string
	AppVersion   string
	Source       string // repository URL, oci:// reference, "uploaded" or "built in"
	Digest       string // SHA-256 of the chart's archive, hex
	Revision     int    // Helm's
	RunID        string // that installed or changed it last
	UpdatedAt    time.Time
}

// Endpoint is where a Site's application answers. There is at most one a Site.
type Endpoint struct {
	SiteID    string
	Address   string // IP address of the ingress controller's Service or of the Gateway
	DNSName   string // the Hub's public name of that address; "" when it has none
	Host      string // the host that the ingress listens for; "" for any
	TLS       bool
	Port      int
	Path      string // that answers 200 when the application is well: "/"
	RunID     string
	UpdatedAt time.Time
}
