package azurestack

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	w "hubwright/workflows"
)

// pollFrequency is how often a long-running operation is asked for when the
// Hub does not say (Retry-After goes first). The SDK allows no less than 1 s.
const pollFrequency = 2 * time.Second

// keepHubs bounds how many Hubs keep their connections and tokens.
const keepHubs = 64

// SecretOpener opens sealed secrets. *secrets.Vault is one.
type SecretOpener interface {
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Hubs opens Hubs and keeps their connections and tokens while their settings
// stay the same. It is safe for concurrent use.
type Hubs struct {
	secrets SecretOpener

	mu   sync.Mutex
	open map[hubKey]*Hub
}

// hubKey is everything that decides how a Hub is spoken to.
type hubKey struct {
	endpoint, tenant, subscription, ca, proxy, region string
	meta                                              w.HubMetadata
	cred                                              w.Credential
}

// New makes Hubs whose credentials come from secrets.
func New(secrets SecretOpener) *Hubs {
	return &Hubs{secrets: secrets, open: map[hubKey]*Hub{}}
}

// Hub is one Azure Stack Hub, seen as the Stack's principal sees it. It is
// safe for concurrent use.
type Hub struct {
	stack   w.Stack
	base    string // https://management.<region>.<fqdn>
	way     *transporter
	login   func() (azcore.TokenCredential, error) // a new one, without cached tokens
	cred    azcore.TokenCredential
	options *arm.ClientOptions
	arm     *arm.Client // for what the profile has no client for
	every   time.Duration
	forget  func() // nil when nobody keeps the Hub
}

// Open prepares a Hub. It sends nothing: the credential is opened from the
// vault, and a token fetched on first use. That is also when a credential
// that is missing or unreadable is told.
func (h *Hubs) Open(ctx context.Context, s w.Stack) (*Hub, error) {
	key := hubKey{s.ARMEndpoint, s.TenantID, s.SubscriptionID, s.CABundle, s.HTTPSProxy, s.Region, s.Metadata, s.Credential}
	h.mu.Lock()
	hub := h.open[key]
	h.mu.Unlock()
	if hub != nil {
		return hub, nil
	}
	hub, err := h.make(ctx, s)
	if err != nil {
		return nil, err
	}
	if _, bad := hub.cred.(unusable); bad {
		return hub, nil // the next Open tries again
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if first := h.open[key]; first != nil {
		return first, nil
	}
	if len(h.open) >= keepHubs {
		for k, old := range h.open {
			old.way.close()
			delete(h.open, k)
		}
	}
	h.open[key] = hub
	hub.forget = func() { h.forget(key, hub) }
	return hub, nil
}

// forget makes the next Open log in anew: the token of this Hub is not taken
// any more, whatever time it has left.
func (h *Hubs) forget(key hubKey, hub *Hub) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[key] == hub {
		delete(h.open, key)
	}
}

func (h *Hubs) make(ctx context.Context, s w.Stack) (*Hub, error) {
	base, _, err := splitEndpoint(s.ARMEndpoint)
	if err != nil {
		return nil, err
	}
	way, err := newTransporter(s.CABundle, s.HTTPSProxy)
	if err != nil {
		return nil, err
	}
	client := clientOptions(s, base, way)
	// A credential that cannot be used is told at the first use, so that what
	// comes before the login can be looked at.
	login, err := h.loginOf(ctx, s, client)
	var cred azcore.TokenCredential
	if err == nil {
		cred, err = login()
	}
	if err != nil {
		broken := unusable{err}
		cred, login = broken, func() (azcore.TokenCredential, error) { return nil, broken.err }
	}
	hub := &Hub{
		stack: s, base: base, way: way, login: login, cred: cred, every: pollFrequency,
		// Registering providers is a decision of a person, and the policy asks
		// with an api-version that is not in a Hub's profile.
		options: &arm.ClientOptions{ClientOptions: client, DisableRPRegistration: true},
	}
	if hub.arm, err = arm.NewClient("hubwright/azurestack", "v1.0.0", cred, hub.options); err != nil {
		return nil, settingsProblem(err)
	}
	return hub, nil
}

func clientOptions(s w.Stack, base string, way *transporter) azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: authorityOf(s.Metadata, s.TenantID),
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: base, Audience: s.Metadata.Audience},
			},
		},
		Retry: policy.RetryOptions{
			MaxRetries: 3, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 10 * time.Second,
			ShouldRetry: worthRetrying,
		},
		Telemetry: policy.TelemetryOptions{ApplicationID: "hubwright"},
		Transport: way,
	}
}

// authorityOf is the login endpoint without the tenant: the token library
// appends it, also the literal "adfs".
func authorityOf(m w.HubMetadata, tenant string) string {
	host := strings.TrimRight(m.LoginEndpoint, "/")
	if m.Identity == w.IdentityADFS {
		tenant = "adfs"
	}
	if i := strings.LastIndex(host, "/"); i > len("https:/") && tenant != "" && strings.EqualFold(host[i+1:], tenant) {
		host = host[:i]
	}
	return host + "/"
}

func (h *Hub) poll() *runtime.PollUntilDoneOptions {
	return &runtime.PollUntilDoneOptions{Frequency: h.every}
}
