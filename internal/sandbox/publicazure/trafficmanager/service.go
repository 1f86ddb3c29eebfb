// Package trafficmanager plays Azure Traffic Manager: its part of ARM, the
// probes of endpoints, and what its name servers answer.
package trafficmanager

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"hubwright/internal/sandbox/publicazure"
)

// Namespace is the resource provider's name.
const Namespace = "Microsoft.Network"

// Config are the settings of a Service.
type Config struct {
	Azure *publicazure.Azure
	// Dial connects to a public name or address from the Internet.
	Dial func(ctx context.Context, host string, port int) (net.Conn, error)
	// PublicIP is the name, address and region of a public IP address in Azure,
	// by its resource id. May be nil: there are none.
	PublicIP func(id string) (fqdn, address, region string, ok bool)
	// Taken are relative names that somebody else has.
	Taken []string
	Log   *slog.Logger
}

// Service is Traffic Manager. It may be used from any goroutine.
type Service struct {
	cfg Config

	changing sync.Mutex // one change at a time
	mu       sync.Mutex
	health   map[string]*health            // by lower-cased endpoint id
	loops    map[string]context.CancelFunc // of the probes, by lower-cased profile id

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New mounts Traffic Manager on public Azure and goes on with the probes of
// the profiles that are there. Close ends it.
func New(ctx context.Context, cfg Config) *Service {
	s := &Service{cfg: cfg, health: map[string]*health{}, loops: map[string]context.CancelFunc{}}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	versions := []string{"2022-04-01", "2018-08-01", "2018-04-01", "2018-03-01", "2018-02-01", "2017-05-01", "2017-03-01", "2015-11-01"}
	cfg.Azure.Mount(publicazure.Provider{
		Namespace: Namespace, Handler: http.HandlerFunc(s.serve), Gone: s.forget,
		Versions: map[string][]string{
			"trafficManagerProfiles": versions, "checkTrafficManagerNameAvailability": versions,
			"checkTrafficManagerNameAvailabilityV2": versions[:1], "trafficManagerGeographicHierarchies": versions[:6],
		},
	})
	for _, p := range s.profiles("") {
		s.watch(p)
	}
	return s
}

// Close ends the probes.
func (s *Service) Close() error {
	s.stop()
	s.wg.Wait()
	return nil
}

// profiles are those below a prefix of ids; "" is all.
func (s *Service) profiles(prefix string) []*profile {
	if prefix == "" {
		prefix = "/subscriptions/"
	}
	out := []*profile{}
	for _, id := range s.cfg.Azure.Store.Below(prefix) {
		if strings.Contains(id, "/providers/microsoft.network/trafficmanagerprofiles/") {
			if p := s.load(id); p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

func (s *Service) load(id string) *profile {
	var p profile
	if !s.cfg.Azure.Store.Get(id, &p) {
		return nil
	}
	return &p
}

// serve answers ARM requests that passed the front door.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	seg := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	i := slices.IndexFunc(seg, func(x string) bool { return strings.EqualFold(x, "providers") })
	rest := seg[i+2:]
	kind := strings.ToLower(rest[0])
	switch {
	case kind == "checktrafficmanagernameavailability" && i == 0 && r.Method == http.MethodPost,
		kind == "checktrafficmanagernameavailabilityv2" && i == 2 && r.Method == http.MethodPost:
		s.checkName(w, r)
	case kind == "trafficmanagergeographichierarchies" && len(rest) == 2 && strings.EqualFold(rest[1], "default") && r.Method == http.MethodGet:
		publicazure.Answer(w, http.StatusOK, hierarchy())
	case kind != "trafficmanagerprofiles":
		publicazure.Fail(w, http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path)
	case len(rest) == 1 && r.Method == http.MethodGet:
		all := s.profiles("/" + strings.Join(seg[:i], "/") + "/")
		for _, p := range all {
			s.show(p)
		}
		publicazure.Answer(w, http.StatusOK, map[string]any{"value": all})
	case len(rest) == 2 && i == 4:
		s.oneProfile(w, r, s.cfg.Azure.GroupID(seg[3])+"/providers/"+profileType+"/"+rest[1], rest[1])
	case len(rest) == 4 && i == 4:
		s.oneEndpoint(w, r, s.cfg.Azure.GroupID(seg[3])+"/providers/"+profileType+"/"+rest[1], rest[2], rest[3])
	default:
		publicazure.Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at '%s'.", r.Method, r.URL.Path)
	}
}

func (r refusal) send(w http.ResponseWriter) {
	publicazure.Fail(w, http.StatusBadRequest, cmp.Or(r.code, "BadRequest"), "%s", r.text)
}

func badRequest(w http.ResponseWriter, text string) {
	publicazure.Fail(w, http.StatusBadRequest, "BadRequest", "%s", text)
}

func (s *Service) checkName(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Name, Type string }
	if !publicazure.Read(w, r, &ask) {
		return
	}
	if !strings.EqualFold(ask.Type, profileType) {
		badRequest(w, "The type must be '"+profileType+"'.")
		return
	}
	answer := map[string]any{"name": ask.Name, "type": profileType, "nameAvailable": true}
	switch {
	case !relativeName.MatchString(ask.Name):
		answer["nameAvailable"], answer["reason"] = false, "Invalid"
		answer["message"] = "Domain name " + ask.Name + " is not valid. It must have 1 to 63 letters, digits and hyphens."
	case s.owner(ask.Name) != "":
		answer["nameAvailable"], answer["reason"] = false, "AlreadyExists"
		answer["message"] = "Domain name " + ask.Name + " already exists. Please choose a different DNS prefix."
	}
	publicazure.Answer(w, http.StatusOK, answer)
}

// owner is the id of the profile that has a relative name, or another text
// when somebody else has it; "" when it is free.
func (s *Service) owner(name string) string {
	if slices.ContainsFunc(s.cfg.Taken, func(t string) bool { return strings.EqualFold(t, name) }) {
		return "somebody else"
	}
	if p := s.named(name); p != nil {
		return p.ID
	}
	return ""
}

func (s *Service) named(name string) *profile {
	for _, p := range s.profiles("") {
		if strings.EqualFold(p.Properties.DNSConfig.RelativeName, name) {
			return p
		}
	}
	return nil
}

func (s *Service) oneProfile(w http.ResponseWriter, r *http.Request, id, name string) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old := s.load(id)
	switch r.Method {
	case http.MethodGet:
		if old == nil {
			noProfile(w, id)
			return
		}
		s.show(old)
		publicazure.Answer(w, http.StatusOK, old)
	case http.MethodPut, http.MethodPatch:
		s.write(w, r, id, name, old)
	case http.MethodDelete:
		if old == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if p := s.parent(id); p != nil {
			notEmulated("deleting a profile to which the profile '%s' leads.", p.Name).send(w)
			return
		}
		s.forget(id)
		if _, err := s.cfg.Azure.Store.Drop(id); err != nil {
			publicazure.Fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
			return
		}
		publicazure.Answer(w, http.StatusOK, map[string]any{"operationResult": true})
	default:
		publicazure.Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at scope '%s'.", r.Method, profileType)
	}
}

func noProfile(w http.ResponseWriter, id string) {
	publicazure.Fail(w, http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found.", id[strings.Index(id, profileType):])
}

// write makes or changes a profile. A PUT replaces all but the endpoints that
// it does not speak of; a PATCH changes what it names.
func (s *Service) write(w http.ResponseWriter, r *http.Request, id, name string, old *profile) {
	if old == nil && r.Method == http.MethodPatch {
		noProfile(w, id)
		return
	}
	p := &profile{}
	body, ok := raw(w, r)
	if !ok {
		return
	}
	if r.Method == http.MethodPatch {
		p = old.clone()
		p.clearLists(body)
	}
	if !merge(w, body, p) {
		return
	}
	p.ID, p.Name = id, name
	if old != nil && p.Properties.Endpoints == nil {
		p.Properties.Endpoints = old.clone().Properties.Endpoints
	}
	if r := s.examine(p); r.text != "" {
		r.send(w)
		return
	}
	relative := p.Properties.DNSConfig.RelativeName
	if old != nil && !strings.EqualFold(old.Properties.DNSConfig.RelativeName, relative) {
		badRequest(w, "The relative DNS name of a profile cannot be changed.")
		return
	}
	if owner := s.owner(relative); owner != "" && !strings.EqualFold(owner, id) {
		publicazure.Fail(w, http.StatusConflict, "Conflict", "Domain name %s already exists. Please choose a different DNS prefix.", relative)
		return
	}
	p.complete()
	s.keep(w, p, written(old == nil), p)
}

// keep stores a profile and answers with what was asked to be written.
func (s *Service) keep(w http.ResponseWriter, p *profile, status int, answer any) {
	if err := s.cfg.Azure.Store.Put(p.ID, p); err != nil {
		publicazure.Fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
		return
	}
	s.watch(p)
	s.show(p)
	publicazure.Answer(w, status, answer)
}

func written(fresh bool) int {
	if fresh {
		return http.StatusCreated
	}
	return http.StatusOK
}

// oneEndpoint answers for an endpoint of a profile.
func (s *Service) oneEndpoint(w http.ResponseWriter, r *http.Request, profileID, kind, name string) {
	s.changing.Lock()
	defer s.changing.Unlock()
	p := s.load(profileID)
	if p == nil {
		noProfile(w, profileID)
		return
	}
	if kind = kindNamed(kind); kind == "" {
		publicazure.Fail(w, http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path)
		return
	}
	at := slices.IndexFunc(p.Properties.Endpoints, func(e *endpoint) bool { return strings.EqualFold(e.Name, name) && e.kind() == kind })
	gone := at < 0 && (r.Method == http.MethodGet || r.Method == http.MethodPatch)
	switch {
	case gone:
		publicazure.Fail(w, http.StatusNotFound, "ResourceNotFound", "The endpoint '%s' was not found in the profile '%s'.", name, p.Name)
	case r.Method == http.MethodGet:
		s.show(p)
		publicazure.Answer(w, http.StatusOK, p.Properties.Endpoints[at])
	case r.Method == http.MethodDelete && at < 0:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		p.Properties.Endpoints = slices.Delete(p.Properties.Endpoints, at, at+1)
		s.keep(w, p, http.StatusOK, map[string]any{"operationResult": true})
	case r.Method == http.MethodPut || r.Method == http.MethodPatch:
		s.writeEndpoint(w, r, p, at, kind, name)
	default:
		publicazure.Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at scope '%s'.", r.Method, profileType+"/"+kind)
	}
}

func (s *Service) writeEndpoint(w http.ResponseWriter, r *http.Request, p *profile, at int, kind, name string) {
	body, ok := raw(w, r)
	if !ok {
		return
	}
	e := &endpoint{Name: name}
	if at >= 0 && r.Method == http.MethodPatch {
		e = p.Properties.Endpoints[at]
		e.clearLists(body)
	}
	if !merge(w, body, e) {
		return
	}
	e.Name, e.Type = name, profileType+"/"+kind
	if at < 0 {
		p.Properties.Endpoints = append(p.Properties.Endpoints, e)
	} else {
		if e.Properties.Priority == nil {
			e.Properties.Priority = p.Properties.Endpoints[at].Properties.Priority
		}
		p.Properties.Endpoints[at] = e
	}
	if r := s.find(p, e); r.text != "" {
		r.send(w)
		return
	}
	checked := p.clone()
	if e.Properties.Priority == nil {
		checked.complete() // it gets the next one
	}
	if r := s.examine(checked); r.text != "" {
		r.send(w)
		return
	}
	p.complete()
	s.keep(w, p, written(at < 0), e)
}

func raw(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		publicazure.Fail(w, http.StatusBadRequest, "InvalidRequestContent", "The request content could not be read.")
	}
	return body, err == nil
}

func merge(w http.ResponseWriter, body []byte, v any) bool {
	err := json.Unmarshal(body, v)
	if err != nil {
		publicazure.Fail(w, http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return err == nil
}
