package arm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
)

const (
	sub      = "5ea771e0-1111-4000-8000-000000000002"
	tenant   = "5ea771e0-0000-4000-8000-000000000001"
	client   = "5ea771e0-2222-4000-8000-000000000003"
	who      = "5ea771e0-3333-4000-8000-000000000004"
	audience = "https://management.seattle.onmicrosoft.com/x"
	fast     = 2000
)

// stage is a Hub with what a test needs to speak to it.
type stage struct {
	t      *testing.T
	hub    *arm.Hub
	login  *identity.Service
	faults *faults.Set
	cfg    arm.Config
	token  string
	sshKey string
	key    *rsa.PrivateKey // signs tokens

	mu     sync.Mutex
	events []string
}

// raise opens a Hub; change may alter its settings.
func raise(t *testing.T, change func(*arm.Config)) *stage {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, key: key, faults: &faults.Set{}, sshKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))}
	s.login = identity.New(identity.Config{System: identity.Entra, Host: "login.seattle.azurestack.test", TenantID: tenant, Audiences: []string{audience}, Key: key,
		Principals: []identity.Principal{{ClientID: client, ObjectID: who, Secret: "s"}}})
	s.cfg = arm.Config{Region: "seattle", Domain: "azurestack.test", SubscriptionID: sub, TenantID: tenant, Audience: audience, Identity: s.login,
		IPPrefix: "127.40.1.", Speed: fast, Faults: s.faults, Hooks: s.hooks()}
	if change != nil {
		change(&s.cfg)
	}
	s.reopen()
	s.token = s.signIn()
	t.Cleanup(func() { s.hub.Close() })
	return s
}

// reopen opens the Hub, again after a Close.
func (s *stage) reopen() {
	s.t.Helper()
	var err error
	if s.hub, err = arm.New(context.Background(), s.cfg); err != nil {
		s.t.Fatal(err)
	}
	s.hub.Resume()
}

func (s *stage) hooks() arm.Hooks {
	note := func(what, name string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, what+" "+name)
	}
	return arm.Hooks{
		VMUp:      func(_ context.Context, m arm.Machine) error { note("up", m.Name); return nil },
		NodeJoins: func(_ context.Context, m arm.Machine, _ arm.ClusterFacts) error { note("join", m.Name); return nil },
		VMGoing:   func(_ context.Context, m arm.Machine) { note("going", m.Name) },
		VMGone:    func(_ context.Context, m arm.Machine) { note("gone", m.Name) },
		VMPower: func(_ context.Context, m arm.Machine, on bool) error {
			note(fmt.Sprint("power ", on), m.Name)
			return nil
		},
		VMRestarted: func(_ context.Context, m arm.Machine) error { note("restarted", m.Name); return nil },
	}
}

// happened lists the hooks' calls, sorted.
func (s *stage) happened() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.events)
	slices.Sort(out)
	return out
}

func (s *stage) signIn() string {
	s.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"s"}, "scope": {audience + "/.default"}}
	r := httptest.NewRequest("POST", "https://login.seattle.azurestack.test/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.login.ServeHTTP(rec, r)
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil || body.Token == "" {
		s.t.Fatalf("no token: %s", rec.Body)
	}
	return body.Token
}

// Do is the SDK's transport: it hands requests to the Hub without a network.
func (s *stage) Do(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, errors.New("the connection was cut")
		}
	}()
	if r.URL.Host != "management.seattle.azurestack.test" {
		return nil, fmt.Errorf("request to %s", r.URL)
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	s.hub.ServeHTTP(rec, r)
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

// GetToken makes the stage a credential.
func (s *stage) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func (s *stage) options() *azarm.ClientOptions {
	return &azarm.ClientOptions{DisableRPRegistration: true, ClientOptions: azcore.ClientOptions{
		Transport: s, Retry: policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: time.Second},
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: "https://login.seattle.azurestack.test/", Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: "https://management.seattle.azurestack.test", Audience: audience}}},
	}}
}

// result is a raw answer.
type result struct {
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

func (r result) code() string { return fmt.Sprint(dig(r.body, "error", "code")) }

// call sends a raw request; path begins behind the host. The api-version comes
// from the path's query, or is 2020-06-01.
func (s *stage) call(method, path string, body any) result {
	s.t.Helper()
	var in io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	if !strings.Contains(path, "api-version=") {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "api-version=" + versionFor(path)
	}
	r := httptest.NewRequest(method, "https://management.seattle.azurestack.test"+path, in)
	r.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	out := result{status: resp.StatusCode, header: resp.Header}
	out.raw, _ = io.ReadAll(resp.Body)
	_ = json.Unmarshal(out.raw, &out.body)
	return out
}

func versionFor(path string) string {
	low := strings.ToLower(path)
	switch {
	case strings.Contains(low, "microsoft.network"):
		return "2018-11-01"
	case strings.Contains(low, "/disks"):
		return "2019-07-01"
	case strings.Contains(low, "microsoft.compute"):
		return "2020-06-01"
	case strings.Contains(low, "microsoft.authorization"):
		return "2015-07-01"
	case strings.Contains(low, "microsoft.storage"):
		return "2019-06-01"
	}
	return "2019-10-01"
}

// settled sends a request and follows its operation to the end. The answer is
// the operation's last document, or the first answer when there was none.
func (s *stage) settled(method, path string, body any) result {
	s.t.Helper()
	first := s.call(method, path, body)
	link := first.header.Get("Azure-AsyncOperation")
	if link == "" {
		link = first.header.Get("Location")
	}
	if first.status >= 400 || link == "" {
		return first
	}
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}
	var last result
	s.until("the operation of "+method+" "+path, func() bool {
		last = s.call("GET", u.RequestURI(), nil)
		status := fmt.Sprint(last.body["status"])
		return last.status != http.StatusAccepted && status != "InProgress" && status != "Running" && status != "Accepted"
	})
	return last
}

// until polls for a condition.
func (s *stage) until(what string, done func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: it did not happen within 30 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

const (
	subPath   = "/subscriptions/" + sub
	groupPath = subPath + "/resourceGroups/rg"
)

func (s *stage) group(name string) {
	s.t.Helper()
	if r := s.call("PUT", subPath+"/resourcegroups/"+name, obj("location", "seattle")); r.status != 201 {
		s.t.Fatalf("group: %d %s", r.status, r.raw)
	}
}

func obj(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = kv[i+1]
	}
	return out
}

func dig(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// template is the cluster fixture with parameters, as a request body.
func (s *stage) template(kv ...any) map[string]any {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "cluster.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	params := obj("sshKey", obj("value", s.sshKey), "caCertificate", obj("value", base64.StdEncoding.EncodeToString([]byte("ca one"))), "caPrivateKey", obj("value", "a2V5"))
	for i := 0; i < len(kv); i += 2 {
		params[kv[i].(string)] = obj("value", kv[i+1])
	}
	return obj("properties", obj("mode", "Incremental", "template", json.RawMessage(raw), "parameters", params))
}

func deploymentPath(name string) string {
	return subPath + "/resourcegroups/rg/providers/Microsoft.Resources/deployments/" + name
}

// poll is how tests wait for SDK pollers.
func poll() *runtime.PollUntilDoneOptions {
	return &runtime.PollUntilDoneOptions{Frequency: time.Second}
}
