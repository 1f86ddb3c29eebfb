// Package azure speaks to public Azure: Traffic Manager through
// azure-sdk-for-go, and the names that it answers as a client of the Internet
// sees them.
//
// Every error that leaves the package is a *workflows.Problem, wraps one, or
// is the context's. Nothing is read from the process's environment: proxy,
// trusted roots and name server are the Connection's own.
package azure

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	w "hubwright/workflows"
)

// SecretOpener opens sealed secrets. *secrets.Vault is one.
type SecretOpener interface {
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Clouds opens Connections to public Azure, and keeps tokens while their
// settings stay the same. It is safe for concurrent use.
type Clouds struct {
	secrets SecretOpener

	mu   sync.Mutex
	open map[cloudKey]*Cloud
}

// cloudKey is everything that decides how Azure is spoken to.
type cloudKey struct {
	endpoint, login, tenant, subscription, ca, proxy, dns string
	cred                                                  w.Credential
}

// keepClouds bounds how many Connections keep their tokens.
const keepClouds = 64

// New makes Clouds whose credentials come from secrets.
func New(secrets SecretOpener) *Clouds {
	return &Clouds{secrets: secrets, open: map[cloudKey]*Cloud{}}
}

// Cloud is public Azure, seen as the Connection's principal sees it. It is
// safe for concurrent use.
type Cloud struct {
	conn    w.Connection
	way     *transporter
	cred    azcore.TokenCredential
	options *arm.ClientOptions
	arm     *arm.Client // for what needs no client of its own
	forget  func()      // makes the next Open log in anew; nil when nobody keeps the Cloud
}

// Open prepares to speak to a Connection of the kind ConnectionAzure. It sends
// nothing: a token is fetched on first use.
func (c *Clouds) Open(ctx context.Context, conn w.Connection) (*Cloud, error) {
	key := cloudKey{conn.Endpoint, conn.LoginEndpoint, conn.TenantID, conn.SubscriptionID, conn.CABundle, conn.HTTPSProxy, conn.DNSServer, conn.Credential}
	c.mu.Lock()
	known := c.open[key]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made, err := c.make(ctx, conn)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.open[key]; first != nil {
		return first, nil
	}
	if len(c.open) >= keepClouds {
		clear(c.open)
	}
	c.open[key] = made
	made.forget = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.open[key] == made {
			delete(c.open, key)
		}
	}
	return made, nil
}

func (c *Clouds) make(ctx context.Context, conn w.Connection) (*Cloud, error) {
	way, err := newTransporter(conn.CABundle, conn.HTTPSProxy)
	if err != nil {
		return nil, err
	}
	client := azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: strings.TrimRight(conn.LoginEndpoint, "/") + "/",
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: strings.TrimRight(conn.Endpoint, "/"), Audience: strings.TrimRight(conn.Endpoint, "/")},
			},
		},
		Retry: policy.RetryOptions{
			MaxRetries: 3, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 10 * time.Second, ShouldRetry: worthRetrying,
		},
		Telemetry: policy.TelemetryOptions{ApplicationID: "hubwright"},
		Transport: way,
	}
	cred, err := c.login(ctx, conn, client)
	if err != nil {
		return nil, err
	}
	out := &Cloud{conn: conn, way: way, cred: cred, options: &arm.ClientOptions{ClientOptions: client, DisableRPRegistration: true}}
	if out.arm, err = arm.NewClient("hubwright/azure", "v1.0.0", cred, out.options); err != nil {
		return nil, settingsProblem(err)
	}
	return out, nil
}

func (c *Clouds) login(ctx context.Context, conn w.Connection, client azcore.ClientOptions) (azcore.TokenCredential, error) {
	ref, what := conn.Credential.Secret, "client secret"
	if conn.Credential.Method == w.AuthCertificate {
		ref, what = conn.Credential.Certificate, "certificate"
	}
	missing := &w.Problem{
		Code: "login.missing", What: "The principal's " + what + " is not here", Why: "The Connection names none.",
		Fix: "Open the Connection's settings and give it again.",
	}
	if ref == "" {
		return nil, missing
	}
	plain, err := c.secrets.Open(ctx, ref)
	if err != nil {
		var p *w.Problem
		if errors.As(err, &p) {
			return nil, p
		}
		missing.Why, missing.Detail = "It could not be opened from the secret store.", err.Error()
		return nil, missing
	}
	var cred azcore.TokenCredential
	if conn.Credential.Method == w.AuthCertificate {
		certs, key, perr := azidentity.ParseCertificates(plain, nil)
		if perr != nil {
			return nil, &w.Problem{
				Code: "login.certificate", What: "The principal's certificate cannot be read",
				Why: "The PEM text must hold the certificate and its private key, without a password.",
				Fix: "Give certificate and key together in the Connection's settings: cat cert.pem key.pem.",
			}
		}
		cred, err = azidentity.NewClientCertificateCredential(conn.TenantID, conn.Credential.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: true, SendCertificateChain: true})
	} else {
		cred, err = azidentity.NewClientSecretCredential(conn.TenantID, conn.Credential.ClientID, string(plain),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: true})
	}
	if err != nil {
		return nil, settingsProblem(err)
	}
	return cred, nil
}

func settingsProblem(err error) error {
	return &w.Problem{
		Code: "connection.settings", What: "The Connection's settings do not fit together", Why: err.Error(),
		Fix: "Open the Connection's settings and correct them.",
	}
}
