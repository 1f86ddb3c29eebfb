package sandbox_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	tm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/trafficmanager/armtrafficmanager"

	"hubwright/internal/sandbox"
)

// azureUser is somebody with the seed's principal of public Azure.
type azureUser struct {
	seed      sandbox.SeedAzure
	http      *http.Client
	cred      azcore.TokenCredential
	profiles  *tm.ProfilesClient
	endpoints *tm.EndpointsClient
}

func newAzureUser(t *testing.T, seed sandbox.SeedAzure) *azureUser {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(seed.CABundle))
	proxy, err := url.Parse(seed.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(tr.CloseIdleConnections)
	u := &azureUser{seed: seed, http: &http.Client{Transport: tr, Timeout: time.Minute}}
	// The names are the real ones: the SDK needs no configuration of the cloud,
	// and asks the login host about itself as it does there.
	co := azcore.ClientOptions{Transport: u.http, Retry: policy.RetryOptions{MaxRetries: -1}}
	u.cred, err = azidentity.NewClientSecretCredential(seed.TenantID, seed.ClientID, seed.ClientSecret, &azidentity.ClientSecretCredentialOptions{ClientOptions: co})
	if err != nil {
		t.Fatal(err)
	}
	opts := &azarm.ClientOptions{ClientOptions: co, DisableRPRegistration: true}
	if u.profiles, err = tm.NewProfilesClient(seed.SubscriptionID, u.cred, opts); err != nil {
		t.Fatal(err)
	}
	if u.endpoints, err = tm.NewEndpointsClient(seed.SubscriptionID, u.cred, opts); err != nil {
		t.Fatal(err)
	}
	return u
}

// raw sends a request without the SDK and answers status and error code.
func (u *azureUser) raw(t *testing.T, method, path, body string) (int, string, string) {
	t.Helper()
	token, err := u.cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, u.seed.ARMEndpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := u.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	var doc struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(answer, &doc)
	return resp.StatusCode, doc.Error.Code, string(bytes.TrimSpace(answer))
}

// wish is a profile that Azure takes; the tests spoil it.
func wish(name string) tm.Profile {
	return tm.Profile{Location: new("global"), Properties: &tm.ProfileProperties{
		TrafficRoutingMethod: new(tm.TrafficRoutingMethodWeighted),
		DNSConfig:            &tm.DNSConfig{RelativeName: &name, TTL: new(int64(100))},
		MonitorConfig: &tm.MonitorConfig{
			Protocol: new(tm.MonitorProtocolHTTP), Port: new(int64(80)), Path: new("/"),
			IntervalInSeconds: new(int64(30)), TimeoutInSeconds: new(int64(9)), ToleratedNumberOfFailures: new(int64(3)),
		},
	}}
}

func external(name, target string) *tm.Endpoint {
	return &tm.Endpoint{Name: &name, Type: new("Microsoft.Network/trafficManagerProfiles/externalEndpoints"), Properties: &tm.EndpointProperties{Target: &target}}
}

// leading is an endpoint of a kind that leads to a resource; least is the
// minimum of child endpoints, 0 for none.
func leading(kind, name, id string, least int64) *tm.Endpoint {
	e := &tm.Endpoint{Name: &name, Type: new("Microsoft.Network/trafficManagerProfiles/" + kind), Properties: &tm.EndpointProperties{TargetResourceID: &id}}
	if least > 0 {
		e.Properties.MinChildEndpoints = &least
	}
	return e
}

const group = "k8s-azure-infra-rg"
