package arm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
)

// maxBody is ARM's limit for a request.
const maxBody = 4 << 20

// Hub is one emulated Azure Stack Hub's Resource Manager.
type Hub struct {
	cfg     Config
	world   *world
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup
	flights map[string]*flight // what is under way, by lower-cased id; guarded by world.mu
}

// New opens a Hub with the state of its file. Resume goes on with what was
// under way; Close ends it.
func New(ctx context.Context, cfg Config) (*Hub, error) {
	if cfg.Speed <= 0 {
		cfg.Speed = 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Items == nil {
		cfg.Items = usualItems
	}
	w, err := openWorld(cfg.StateFile)
	if err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", cfg.Region, err)
	}
	h := &Hub{cfg: cfg, world: w, flights: map[string]*flight{}}
	h.ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	return h, nil
}

// Close stops what is under way, which goes on in the next life, and writes
// the state down.
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

// Exists says whether there is a resource with an id.
func (h *Hub) Exists(id string) bool {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.world.get(id) != nil
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
	seg  []string // as sent
	low  []string // lower case
	body object
	who  identity.Claims
}

func newRequest(hr *http.Request) *request {
	r := &request{Request: hr, seg: strings.Split(strings.Trim(hr.URL.Path, "/"), "/")}
	for _, s := range r.seg {
		r.low = append(r.low, lower(s))
	}
	return r
}

// is compares the path with parts; "*" is any one part.
func (r *request) is(parts ...string) bool {
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

func (r *request) version() string { return r.URL.Query().Get("api-version") }

// reply is an answer that is ready to be sent.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// answer makes a reply at once, so that v may change afterwards.
func answer(status int, v any) reply {
	rep := reply{status: status, header: http.Header{}}
	if v == nil {
		return rep
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return refuse(fail(http.StatusInternalServerError, "InternalServerError", "%v", err))
	}
	rep.body = raw
	return rep
}

func refuse(e armError) reply {
	rep := answer(e.status, object{"error": e})
	rep.header.Set("x-ms-error-code", e.Code)
	rep.header.Set("x-ms-failure-cause", "gateway")
	return rep
}

func (rep reply) send(w http.ResponseWriter) {
	for k, v := range rep.header {
		w.Header()[k] = v
	}
	if rep.body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body)
}

// ServeHTTP answers the tenant endpoint.
func (h *Hub) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	h.mark(w.Header(), hr)
	r := newRequest(hr)
	if rep, hit := h.struck(r); hit {
		rep.send(w)
		return
	}
	if r.is("metadata", "endpoints") {
		h.metadata(r).send(w)
		return
	}
	if rep, stop := h.admit(r); stop {
		rep.send(w)
		return
	}
	if e := h.readOnly(r); e.failed() {
		refuse(e).send(w)
		return
	}
	if e := r.read(w); e.failed() {
		refuse(e).send(w)
		return
	}
	rep := h.route(r)
	if r.Method != http.MethodGet {
		h.world.flush() // what was accepted survives a kill
	}
	rep.send(w)
}

// mark sets the headers that every answer of ARM has.
func (h *Hub) mark(out http.Header, r *http.Request) {
	id := newGUID()
	correlation := r.Header.Get("x-ms-correlation-request-id")
	if correlation == "" {
		correlation = id
	}
	out.Set("x-ms-request-id", id)
	out.Set("x-ms-correlation-request-id", correlation)
	out.Set("x-ms-routing-request-id", strings.ToUpper(h.cfg.Region)+":"+time.Now().UTC().Format("20060102T150405Z")+":"+id)
	out.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	out.Set("X-Content-Type-Options", "nosniff")
	out.Set("Cache-Control", "no-cache")
	if c := r.Header.Get("x-ms-client-request-id"); c != "" && same(r.Header.Get("x-ms-return-client-request-id"), "true") {
		out.Set("x-ms-client-request-id", c)
	}
}

// read decodes the body of requests that have one.
func (r *request) read(w http.ResponseWriter) armError {
	if r.Method != http.MethodPut && r.Method != http.MethodPatch && r.Method != http.MethodPost {
		return armError{}
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "RequestContentTooLarge", "The request content size exceeds the maximum size of %d MB.", maxBody>>20)
	}
	if err != nil {
		return bad("InvalidRequestContent", "The request content could not be read.")
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		if r.Method == http.MethodPost {
			return armError{}
		}
		return bad("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'the body is empty'.")
	}
	if r.body = decode(raw); r.body == nil {
		return bad("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'a JSON object is expected'.")
	}
	return armError{}
}

// struck plays a fault in place of an answer.
func (h *Hub) struck(r *request) (reply, bool) {
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtRequest, Stamp: h.cfg.Region, Host: h.cfg.host("management"), Method: r.Method, Path: r.URL.Path, Type: r.kind()})
	if !hit {
		return reply{}, false
	}
	if effect.Delay > 0 {
		h.wait(r.Context(), effect.Delay)
	}
	if effect.Unreachable {
		panic(http.ErrAbortHandler)
	}
	if effect.Status == 0 {
		return reply{}, false
	}
	rep := refuse(fail(effect.Status, effect.Code, "%s", effect.Message))
	if len(effect.Body) > 0 {
		rep.body = effect.Body
	}
	for k, v := range effect.Header {
		rep.header.Set(k, v)
	}
	if effect.RetryAfter > 0 {
		rep.header.Set("Retry-After", strconv.Itoa(effect.RetryAfter))
	}
	if effect.Status == http.StatusUnauthorized {
		h.challenge(rep)
	}
	return rep, true
}

// kind is the resource type that a path speaks of, "" when there is none.
func (r *request) kind() string {
	for i := len(r.low) - 2; i >= 0; i-- {
		if r.low[i] != "providers" {
			continue
		}
		out := r.seg[i+1]
		for j := i + 2; j < len(r.seg); j += 2 {
			out += "/" + r.seg[j]
		}
		return out
	}
	return ""
}

func (h *Hub) route(r *request) reply {
	switch {
	case r.is("subscriptions"):
		return h.subscriptions(r)
	case r.is("tenants"):
		return answer(http.StatusOK, object{"value": []object{{"id": "/tenants/" + h.cfg.TenantID, "tenantId": h.cfg.TenantID}}})
	case len(r.low) < 2 || r.low[0] != "subscriptions":
		return refuse(noPath(r.URL.Path))
	case len(r.low) == 2:
		if r.Method != http.MethodGet {
			return refuse(notAllowed(r.Method, h.subID()))
		}
		return answer(http.StatusOK, h.subscription())
	case r.low[2] == "resourcegroups":
		return h.groupRoute(r)
	case r.low[2] == "providers":
		return h.providerRoute(r)
	case r.is("subscriptions", "*", "locations"):
		return answer(http.StatusOK, object{"value": []object{{"id": h.subID() + "/locations/" + h.cfg.Region, "subscriptionId": h.cfg.SubscriptionID, "name": h.cfg.Region, "displayName": h.cfg.Region}}})
	case r.is("subscriptions", "*", "resources"):
		return h.resourcesBelow("")
	case r.is("subscriptions", "*", "operationresults", "*"):
		return h.poll(r, r.seg[3], true)
	}
	return refuse(noPath(r.URL.Path))
}

// wait sleeps seconds of a real Hub. It says whether the time has passed.
func (h *Hub) wait(ctx context.Context, seconds float64) bool {
	return h.waitUntil(ctx, time.Now(), seconds)
}

// waitUntil sleeps until seconds of a real Hub have passed since a time.
func (h *Hub) waitUntil(ctx context.Context, since time.Time, seconds float64) bool {
	t := time.NewTimer(time.Until(since.Add(time.Duration(seconds / h.cfg.Speed * float64(time.Second)))))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
	return false
}
