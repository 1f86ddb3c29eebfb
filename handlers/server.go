// Package handlers turns HTTP into the product and back: one file a noun,
// every route on one screen in routes.go.
package handlers

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/live"
	"hubwright/internal/monitor"
	"hubwright/internal/notify"
	"hubwright/internal/preflight"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/web/settings"
	"hubwright/workflows"
)

// Deps is what the handlers stand on. All fields are required unless they say
// otherwise.
type Deps struct {
	Store       *store.DB
	Engine      *engine.Engine
	Auth        *auth.Service
	Vault       *secrets.Vault
	Signing     ed25519.PrivateKey // signs dossiers
	Live        *live.Hub
	Preflight   *preflight.Runner
	Catalogue   workflows.Catalogue
	Hubs        Hubs
	Connections Connections
	Clusters    Clusters
	Archives    Archives
	RunFiles    RunFiles
	Uploads     Uploads
	Sender      Sender
	Rotations   *monitor.Rotations // nil when nobody asks
	Log         *slog.Logger
	Clock       func() time.Time
	PublicURL   string
	Banner      string           // sentence on every page, "" for none
	Config      []settings.Value // the configuration, without secrets
	Build       string           // version of this build
	Gallery     bool             // serve /gallery
	Probing     time.Duration    // how often the Monitor asks a cluster, 0 for never
	Proxies     []netip.Prefix   // whose word about a client's address counts
	// Checkpoints tells how sending the audit's checkpoints away goes; nil
	// when they go nowhere.
	Checkpoints *audit.Courier
}

// Hubs asks Azure Stack Hubs before they are registered.
type Hubs interface {
	Discover(ctx context.Context, endpoint, caBundle, proxy string) (workflows.HubMetadata, string, error)
	Certificates(ctx context.Context, endpoint, proxy string) ([]Certificate, bool, error)
	// ReadBundle reads the certificates of a PEM bundle.
	ReadBundle(pem string) ([]Certificate, error)
	// CheckCertificate reads a principal's certificate and key from PEM.
	CheckCertificate(pem []byte) error
}

// Certificate is one certificate that a Hub showed or a bundle holds.
type Certificate struct {
	Subject, Issuer, SHA256, PEM string
	NotAfter                     time.Time
	IsCA                         bool
}

// Connections asks what Connections lead to.
type Connections interface {
	// Checks are the questions that a test of that kind asks.
	Checks(kind workflows.ConnectionKind) []workflows.CheckInfo
	// Test asks them and changes nothing: a result each, in their order.
	Test(ctx context.Context, c workflows.Connection) []workflows.CheckResult
}

// Clusters asks live clusters.
type Clusters interface {
	Look(ctx context.Context, c workflows.Cluster) (ClusterLook, error)
	// Kubeconfig is the cluster-admin kubeconfig as a person uses it: with the
	// Stack's proxy written into it, if there is one.
	Kubeconfig(ctx context.Context, c workflows.Cluster) ([]byte, error)
}

// ClusterLook is what a live cluster says of itself.
type ClusterLook struct {
	At           time.Time
	Nodes        []workflows.Node
	Components   []workflows.Component
	Info         string
	Certificates time.Time
	Autoscalers  []workflows.Autoscaler
}

// Sender sends notifications.
type Sender interface {
	// Send sends an event to a channel now. Its errors are words for people.
	Send(ctx context.Context, c notify.Channel, e notify.Event) error
	// Wake says that there is something in the outbox.
	Wake()
}

// Archives keeps engine archives for air-gapped installs.
type Archives interface {
	// Save stores an uploaded archive. What is wrong with it comes back as a
	// workflows.FieldError.
	Save(ctx context.Context, version, fileName, by string, body io.Reader) error
	Delete(ctx context.Context, version string) error
	Versions() []string
}

// RunFiles keeps files that runs made, where they are too large to be sealed.
type RunFiles interface {
	// Open opens a file of a run. None is workflows.ErrNotFound.
	Open(runID, name string) (*os.File, error)
}

// Uploads keeps files that people gave to drafts.
type Uploads interface {
	// Keep stores a file and answers its SHA-256 in hex.
	Keep(ctx context.Context, body io.Reader) (string, error)
}

// Server answers requests.
type Server struct {
	Deps
	look     lookCache
	chains   chainWatch
	tests    connectionTests
	boards   boardCache
	views    views
	misses   misses // tokens
	refusals misses // logins
	ends     knownEnds
	tried    testPace // of channels
	readings readings
	pace     pace
	lookups  lookups
	sockets  *sockets
	echo     *echo.Echo
}

// New makes the HTTP handler of the product. It must be closed.
func New(d Deps) *Server {
	e := echo.New()
	s := &Server{Deps: d, pace: usualPace, sockets: newSockets(), echo: e}
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.fail
	e.IPExtractor = clientAddress(d.Proxies)
	e.Use(s.requestID, packed(), s.secure, s.recovered)
	s.routes(e)
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }
