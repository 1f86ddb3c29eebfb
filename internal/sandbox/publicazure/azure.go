// Package publicazure plays the Resource Manager of public Azure: the front
// door that checks token, subscription, api-version and rights, keeps resource
// groups and long-running operations, and leads to resource providers that are
// mounted behind it.
package publicazure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
)

// The names that public Azure has.
const (
	Host      = "management.azure.com"
	LoginHost = "login.microsoftonline.com"
	Audience  = "https://management.azure.com"
	// OldAudience is what tools of the classic kind ask for.
	OldAudience = "https://management.core.windows.net/"
)

// Config are the settings of an Azure.
type Config struct {
	SubscriptionID string
	TenantID       string
	Identity       *identity.Service
	Readers        []string // object ids that may only read; all others are Contributors
	Speed          float64  // how many times faster than the real one; 0 is 1
	Faults         *faults.Set
	StateFile      string // JSON snapshot; "" keeps nothing
	Log            *slog.Logger
}

// Provider answers for a namespace. Its Handler gets requests that passed the
// front door: token, subscription, api-version, rights and resource group are
// good. It answers with Answer and Fail, and keeps documents in Azure.Store.
type Provider struct {
	Namespace string              // Microsoft.Network
	Versions  map[string][]string // api-versions by resource type, the newest first: trafficManagerProfiles
	Handler   http.Handler
	// Gone is told of each document below the namespace that goes with its
	// resource group. May be nil.
	Gone func(id string)
}

// Azure is the emulated front door.
type Azure struct {
	cfg   Config
	Store *Store

	mu        sync.Mutex
	providers []Provider
	running   map[string]*operation

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New opens public Azure with the state of its file. Close ends it.
func New(ctx context.Context, cfg Config) (*Azure, error) {
	if cfg.Speed <= 0 {
		cfg.Speed = 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s, err := openStore(cfg.StateFile)
	if err != nil {
		return nil, fmt.Errorf("reading the state of public Azure: %w", err)
	}
	a := &Azure{cfg: cfg, Store: s, running: map[string]*operation{}}
	a.ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	return a, nil
}

// Mount puts a provider behind the door. It is called before the door opens.
// Two providers may share a namespace when their types differ.
func (a *Azure) Mount(p Provider) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.providers = append(a.providers, p)
}

// Close ends what is under way.
func (a *Azure) Close() error {
	a.stop()
	a.wg.Wait()
	return nil
}

// SubscriptionID is the one subscription.
func (a *Azure) SubscriptionID() string { return a.cfg.SubscriptionID }

// Real is how long something takes here that takes d in the real Azure.
func (a *Azure) Real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / a.cfg.Speed)
}

// ServeHTTP answers management.azure.com.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mark(w.Header(), r)
	p := split(r.URL.Path)
	if a.struck(w, r, p) {
		return
	}
	if e := a.admit(w, r, p); e.Code != "" {
		e.send(w)
		return
	}
	a.route(w, r, p)
}

// mark sets the headers that every answer of ARM has.
func (a *Azure) mark(out http.Header, r *http.Request) {
	id := newGUID()
	correlation := r.Header.Get("x-ms-correlation-request-id")
	if correlation == "" {
		correlation = id
	}
	out.Set("x-ms-request-id", id)
	out.Set("x-ms-correlation-request-id", correlation)
	out.Set("x-ms-routing-request-id", "SANDBOX:"+time.Now().UTC().Format("20060102T150405Z")+":"+id)
	out.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	out.Set("X-Content-Type-Options", "nosniff")
	out.Set("Cache-Control", "no-cache")
}

// struck plays a fault in place of an answer.
func (a *Azure) struck(w http.ResponseWriter, r *http.Request, p path) bool {
	effect, _, hit := a.cfg.Faults.Strike(faults.Event{At: faults.AtRequest, Host: Host, Method: r.Method, Path: r.URL.Path, Type: p.kind()})
	if !hit {
		return false
	}
	if effect.Delay > 0 {
		select {
		case <-time.After(a.Real(time.Duration(effect.Delay * float64(time.Second)))):
		case <-r.Context().Done():
		case <-a.ctx.Done():
		}
	}
	if effect.Unreachable {
		panic(http.ErrAbortHandler)
	}
	if effect.Status == 0 {
		return false
	}
	if effect.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(effect.RetryAfter))
	}
	Fail(w, effect.Status, effect.Code, "%s", effect.Message)
	return true
}

// admit checks token, subscription, api-version, rights and resource group.
func (a *Azure) admit(w http.ResponseWriter, r *http.Request, p path) failure {
	claims, e := a.authenticate(r)
	if e.Code != "" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s", error="invalid_token", error_description="The authentication failed because of missing 'Authorization' header."`, a.cfg.Identity.AuthorizationURI()))
		return e
	}
	if p.has("subscriptions") && p.at(1) != "" && !strings.EqualFold(p.at(1), a.cfg.SubscriptionID) {
		return failed(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", p.at(1))
	}
	if e := a.checkVersion(r, p); e.Code != "" {
		return e
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && slices.Contains(a.cfg.Readers, claims.ObjectID) {
		action := map[string]string{http.MethodPut: "write", http.MethodPatch: "write", http.MethodDelete: "delete"}[r.Method]
		return failed(http.StatusForbidden, "AuthorizationFailed", "The client '%s' with object id '%s' does not have authorization to perform action '%s/%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
			claims.AppID, claims.ObjectID, p.kind(), action, r.URL.Path)
	}
	if g := p.group(); g != "" && p.namespace() != "" && !a.groupExists(g) {
		return failed(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", g)
	}
	return failure{}
}

func (a *Azure) authenticate(r *http.Request) (identity.Claims, failure) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return identity.Claims{}, failed(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	claims, err := a.cfg.Identity.Verify(token)
	switch {
	case errors.Is(err, identity.ErrExpired):
		return claims, failed(http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token has expired.")
	case err == nil && claims.Audience != Audience && claims.Audience != OldAudience, errors.Is(err, identity.ErrAudience):
		return claims, failed(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s', '%s'.", claims.Audience, OldAudience, Audience)
	case err != nil:
		return claims, failed(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid.")
	}
	return claims, failure{}
}

// groupVersions are what ARM itself answers: a few that tools use.
var groupVersions = []string{"2025-04-01", "2022-12-01", "2022-09-01", "2021-04-01", "2020-10-01", "2020-06-01", "2019-10-01", "2018-05-01", "2015-07-01"}

func (a *Azure) checkVersion(r *http.Request, p path) failure {
	version := r.URL.Query().Get("api-version")
	if version == "" {
		return failed(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	ns, kind := p.namespace(), p.first()
	if ns == "" || kind == "" || strings.EqualFold(kind, "register") || strings.EqualFold(kind, "locations") || strings.EqualFold(ns, "Microsoft.Authorization") {
		return failure{}
	}
	known := false
	for _, pr := range a.mounted(ns) {
		known = true
		for t, versions := range pr.Versions {
			if !strings.EqualFold(t, kind) {
				continue
			}
			if slices.Contains(versions, version) {
				return failure{}
			}
			return failed(http.StatusBadRequest, "NoRegisteredProviderFound", "No registered resource provider found for location '' and API version '%s' for type '%s'. The supported api-versions are '%s'.", version, t, strings.Join(versions, ", "))
		}
	}
	if !known {
		return failed(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", ns)
	}
	return failed(http.StatusNotFound, "InvalidResourceType", "The resource type '%s' could not be found in the namespace '%s' for api version '%s'.", kind, ns, version)
}

func (a *Azure) mounted(namespace string) []Provider {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Provider
	for _, p := range a.providers {
		if strings.EqualFold(p.Namespace, namespace) {
			out = append(out, p)
		}
	}
	return out
}
