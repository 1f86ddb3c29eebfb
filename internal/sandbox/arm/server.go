package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/faults"
)

// Hub is one emulated Azure Stack Hub's Resource Manager.
type Hub struct {
	cfg   Config
	world *world
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup
	opsMu sync.Mutex
	ops   map[string]*operation
}

// New opens a Hub with the state of its file. Close ends it.
func New(ctx context.Context, cfg Config) (*Hub, error) {
	if cfg.Speed <= 0 {
		cfg.Speed = 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w, err := openWorld(cfg.StateFile)
	if err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", cfg.Region, err)
	}
	h := &Hub{cfg: cfg, world: w, ops: map[string]*operation{}}
	h.ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	return h, nil
}

// Close ends what is under way and writes the state down.
func (h *Hub) Close() error {
	h.stop()
	h.wg.Wait()
	return h.world.close()
}

// Resources lists "type name" of everything in a resource group, "" for all.
func (h *Hub) Resources(group string) []string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	prefix := ""
	if group != "" {
		prefix = h.groupID(group) + "/"
	}
	var out []string
	for _, r := range h.world.below(prefix) {
		out = append(out, str(r["type"])+" "+str(r["name"]))
	}
	return out
}

// Machines lists all VMs.
func (h *Hub) Machines() []Machine {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var out []Machine
	for _, r := range h.world.ofType(typeVM) {
		out = append(out, h.machine(r))
	}
	return out
}

// request is one request with its path in pieces.
type request struct {
	*http.Request
	seg   []string // as sent
	low   []string // lower case
	body  object
	group string
}

func (r request) is(parts ...string) bool {
	if len(parts) != len(r.low) {
		return false
	}
	for i, p := range parts {
		if p != "*" && p != r.low[i] {
			return false
		}
	}
	return true
}

// ServeHTTP answers the tenant endpoint.
func (h *Hub) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	w.Header().Set("x-ms-request-id", newGUID())
	w.Header().Set("x-ms-correlation-request-id", newGUID())
	w.Header().Set("x-ms-routing-request-id", strings.ToUpper(h.cfg.Region)+":"+time.Now().UTC().Format("20060102T150405Z"))
	if h.struck(w, hr) {
		return
	}
	r := request{Request: hr, seg: strings.Split(strings.Trim(hr.URL.Path, "/"), "/")}
	for _, s := range r.seg {
		r.low = append(r.low, strings.ToLower(s))
	}
	if r.is("metadata", "endpoints") {
		h.metadata(w, hr)
		return
	}
	if e := h.admit(w, r); e.Code != "" {
		writeError(w, e)
		return
	}
	if hr.Body != nil && hr.Method != http.MethodGet {
		_ = json.NewDecoder(http.MaxBytesReader(w, hr.Body, 8<<20)).Decode(&r.body)
	}
	h.route(w, r)
}

// struck plays a fault instead of an answer.
func (h *Hub) struck(w http.ResponseWriter, r *http.Request) bool {
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtRequest, Stamp: h.cfg.Region, Host: h.cfg.host("management"), Method: r.Method, Path: r.URL.Path})
	if !hit {
		return false
	}
	if effect.Delay > 0 {
		h.wait(r.Context(), effect.Delay)
	}
	if effect.Unreachable {
		panic(http.ErrAbortHandler)
	}
	if effect.Status == 0 {
		return false
	}
	for k, v := range effect.Header {
		w.Header().Set(k, v)
	}
	if effect.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(effect.RetryAfter))
	}
	if effect.Status == http.StatusUnauthorized {
		h.challenge(w)
	}
	if len(effect.Body) > 0 {
		writeJSON(w, effect.Status, effect.Body)
		return true
	}
	writeError(w, fail(effect.Status, effect.Code, "%s", effect.Message))
	return true
}

func (h *Hub) challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s", error="invalid_token", error_description="The access token is invalid."`, h.cfg.Identity.AuthorizationURI()))
}

// admit checks token, subscription and api-version.
func (h *Hub) admit(w http.ResponseWriter, r request) armError {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, err := h.cfg.Identity.Verify(token); err != nil {
		h.challenge(w)
		return fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: %v.", err)
	}
	version := r.URL.Query().Get("api-version")
	if version == "" {
		return fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	if len(r.low) >= 2 && r.low[0] == "subscriptions" && !strings.EqualFold(r.seg[1], h.cfg.SubscriptionID) {
		return fail(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", r.seg[1])
	}
	return h.checkVersion(r, version)
}

var newest = map[string]string{"microsoft.compute": "2020-06-01", "microsoft.network": "2018-11-01", "microsoft.storage": "2019-06-01"}

var versionForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d(-[a-z]+)?$`)

func (h *Hub) checkVersion(r request, version string) armError {
	for i, s := range r.low[:max(len(r.low)-2, 0)] {
		if s != "providers" {
			continue
		}
		limit := newest[r.low[i+1]]
		if limit != "" && (version > limit || !versionForm.MatchString(version)) {
			return fail(http.StatusBadRequest, "NoRegisteredProviderFound",
				"No registered resource provider found for location '%s' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are '%s'.",
				h.cfg.Region, version, r.seg[i+2], limit, h.cfg.Region)
		}
	}
	return armError{}
}

func (h *Hub) metadata(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("api-version") {
	case "1.0", "2015-01-01", "2022-09-01":
	default:
		writeError(w, fail(http.StatusBadRequest, "InvalidApiVersionParameter", "The api-version '%s' is invalid.", r.URL.Query().Get("api-version")))
		return
	}
	graph := "https://graph.windows.net/"
	if h.cfg.ADFS {
		graph = "https://" + h.cfg.host("graph") + "/"
	}
	writeJSON(w, http.StatusOK, object{
		"galleryEndpoint": "https://" + h.cfg.host("portal") + ":30015/", "graphEndpoint": graph, "portalEndpoint": "https://" + h.cfg.host("portal") + "/",
		"authentication": object{"loginEndpoint": h.cfg.Identity.LoginEndpoint(), "audiences": []string{h.cfg.Audience}},
	})
}

func (h *Hub) route(w http.ResponseWriter, r request) {
	switch {
	case len(r.low) < 2 || r.low[0] != "subscriptions":
		h.outside(w, r)
	case len(r.low) == 2:
		writeJSON(w, http.StatusOK, h.subscription())
	case r.low[2] == "resourcegroups":
		h.groupRoute(w, r)
	case r.low[2] == "providers":
		h.providerRoute(w, r)
	case r.is("subscriptions", "*", "locations"):
		writeJSON(w, http.StatusOK, object{"value": []object{{"id": h.subID() + "/locations/" + h.cfg.Region, "name": h.cfg.Region, "displayName": h.cfg.Region}}})
	default:
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
	}
}

func (h *Hub) outside(w http.ResponseWriter, r request) {
	switch {
	case r.is("subscriptions"):
		writeJSON(w, http.StatusOK, object{"value": []object{h.subscription()}})
	case r.is("tenants"):
		writeJSON(w, http.StatusOK, object{"value": []object{{"id": "/tenants/" + h.cfg.TenantID, "tenantId": h.cfg.TenantID}}})
	default:
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
	}
}

func (h *Hub) subID() string { return "/subscriptions/" + h.cfg.SubscriptionID }

func (h *Hub) groupID(group string) string { return h.subID() + "/resourceGroups/" + group }

func (h *Hub) subscription() object {
	return object{"id": h.subID(), "subscriptionId": h.cfg.SubscriptionID, "displayName": "Hubwright on " + h.cfg.Region, "state": "Enabled", "tenantId": h.cfg.TenantID}
}

// wait sleeps seconds of a real Hub. It says whether the Hub still runs.
func (h *Hub) wait(ctx context.Context, seconds float64) bool {
	t := time.NewTimer(time.Duration(seconds / h.cfg.Speed * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
	return false
}
