package devops

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// endpoint is a service connection. Its secrets come in and never go out.
type endpoint struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Type            string            `json:"type"`
	URL             string            `json:"url"`
	Owner           string            `json:"owner"`
	Description     string            `json:"description"`
	IsShared        bool              `json:"isShared"`
	IsReady         bool              `json:"isReady"`
	Data            map[string]string `json:"data"`
	Authorization   authorization     `json:"authorization"`
	OperationStatus *operation        `json:"operationStatus,omitempty"`
	References      []reference       `json:"serviceEndpointProjectReferences"`
}

type operation struct {
	State string `json:"state"`
}

type authorization struct {
	Scheme     string             `json:"scheme"`
	Parameters map[string]*string `json:"parameters"`
}

type reference struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Project     struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"projectReference"`
}

func (e *endpoint) in(projectID string) bool {
	return slices.ContainsFunc(e.References, func(r reference) bool { return r.Project.ID == projectID })
}

// shown is the endpoint without its secrets.
func (e *endpoint) shown() endpoint {
	out := *e
	out.Authorization.Parameters = map[string]*string{}
	for k, v := range e.Authorization.Parameters {
		if k == "clusterContext" {
			out.Authorization.Parameters[k] = v
		} else {
			out.Authorization.Parameters[k] = nil
		}
	}
	return out
}

func (s *Server) endpoints(c call) (any, error) {
	id := ""
	if len(c.rest) > 2 {
		id = strings.ToLower(c.rest[2])
	}
	switch c.Method {
	case http.MethodGet:
		p, err := s.project(c.project)
		if err != nil {
			return nil, err
		}
		if id == "" {
			return s.find(c, p), nil
		}
		if e := s.state.Endpoints[id]; e != nil && e.in(p.ID) {
			return e.shown(), nil
		}
		return nil, nil // 200 and null, as the service does
	case http.MethodPost:
		return s.create(c)
	case http.MethodPut:
		return s.update(c, id)
	case http.MethodPatch:
		return s.share(c, id)
	case http.MethodDelete:
		return s.remove(c, id)
	}
	return nil, notFound(c.Request)
}

func (s *Server) find(c call, p project) any {
	q := c.URL.Query()
	names := strings.Split(q.Get("endpointNames"), ",")
	var out []endpoint
	for _, e := range s.state.Endpoints {
		named := q.Get("endpointNames") == "" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, e.Name) })
		if e.in(p.ID) && named && (q.Get("type") == "" || strings.EqualFold(q.Get("type"), e.Type)) {
			out = append(out, e.shown())
		}
	}
	slices.SortFunc(out, func(a, b endpoint) int { return strings.Compare(a.Name, b.Name) })
	return list(out)
}

func (s *Server) create(c call) (any, error) {
	var e endpoint
	if err := read(c, &e); err != nil {
		return nil, err
	}
	if len(e.References) == 0 {
		return nil, refuse(http.StatusBadRequest, "ArgumentException", "At least one project reference required to create an endpoint.")
	}
	if err := s.check(&e); err != nil {
		return nil, err
	}
	for _, r := range e.References {
		for _, other := range s.state.Endpoints {
			if other.in(r.Project.ID) && strings.EqualFold(other.Name, e.Name) {
				return nil, refuse(http.StatusInternalServerError, "DuplicateServiceConnectionException",
					"Service connection with name %s already exists. Only a user having Administrator/User role permissions on service connection %s can see it.", e.Name, e.Name)
			}
		}
	}
	e.ID, e.IsReady, e.OperationStatus = newID(), true, &operation{State: "Ready"}
	s.state.Endpoints[e.ID] = &e
	return e.shown(), s.save()
}

// check looks at what the service looks at: the shape, not the cluster.
func (s *Server) check(e *endpoint) error {
	given := func(name string) bool { v := e.Authorization.Parameters[name]; return v != nil && *v != "" }
	wrong := e.Name == "" || e.URL == "" || e.Type == "" ||
		e.Authorization.Scheme == "Token" && (!given("apiToken") || !given("serviceAccountCertificate")) ||
		e.Authorization.Scheme == "Kubernetes" && !given("kubeconfig")
	if wrong {
		return refuse(http.StatusInternalServerError, "ArgumentNullException", "Value cannot be null.")
	}
	for i := range e.References {
		p, err := s.project(e.References[i].Project.ID)
		if err != nil {
			return err
		}
		e.References[i].Project.Name = p.Name
	}
	return nil
}

func (s *Server) update(c call, id string) (any, error) {
	var e endpoint
	if err := read(c, &e); err != nil {
		return nil, err
	}
	old := s.state.Endpoints[id]
	if old == nil {
		return nil, refuse(http.StatusNotFound, "ServiceEndpointNotFoundException", "Service endpoint %s was not found.", id)
	}
	if err := s.check(&e); err != nil {
		return nil, err
	}
	e.ID, e.IsReady, e.OperationStatus, e.References = id, true, &operation{State: "Ready"}, old.References
	s.state.Endpoints[id] = &e
	return e.shown(), s.save()
}

func (s *Server) share(c call, id string) (any, error) {
	var refs []reference
	if err := read(c, &refs); err != nil {
		return nil, err
	}
	e := s.state.Endpoints[id]
	if e == nil {
		return nil, refuse(http.StatusNotFound, "ServiceEndpointNotFoundException", "Service endpoint %s was not found.", id)
	}
	for _, r := range refs {
		p, err := s.project(r.Project.ID)
		if err != nil {
			return nil, err
		}
		r.Project.Name = p.Name
		if !e.in(p.ID) {
			e.References, e.IsShared = append(e.References, r), true
		}
	}
	return nothing, s.save()
}

func (s *Server) remove(c call, id string) (any, error) {
	e := s.state.Endpoints[id]
	ids := c.URL.Query().Get("projectIds")
	if ids == "" {
		return nil, refuse(http.StatusBadRequest, "ArgumentNullException", "Value cannot be null. Parameter name: projectIds")
	}
	if e == nil {
		return nothing, nil
	}
	e.References = slices.DeleteFunc(e.References, func(r reference) bool { return slices.Contains(strings.Split(ids, ","), r.Project.ID) })
	if len(e.References) == 0 {
		delete(s.state.Endpoints, id)
	}
	return nothing, s.save()
}

// proxied says of a service connection that is there that its server answered.
func (s *Server) proxied(c call) (any, error) {
	e := s.state.Endpoints[strings.ToLower(c.URL.Query().Get("endpointId"))]
	if e == nil {
		return map[string]any{"statusCode": "badRequest", "errorMessage": "The service connection could not be found.", "result": nil}, nil
	}
	return map[string]any{"statusCode": "ok", "errorMessage": "", "result": []string{}}, nil
}

func (s *Server) permissions(c call) (any, error) {
	p, err := s.project(c.project)
	if err != nil || len(c.rest) < 4 || c.rest[2] != "endpoint" {
		return nil, err
	}
	key := p.ID + "/" + strings.ToLower(c.rest[3])
	if c.Method == http.MethodPatch {
		var in struct {
			AllPipelines struct {
				Authorized bool `json:"authorized"`
			} `json:"allPipelines"`
		}
		if err := read(c, &in); err != nil {
			return nil, err
		}
		s.state.Granted[key] = in.AllPipelines.Authorized
		if err := s.save(); err != nil {
			return nil, err
		}
	}
	out := map[string]any{"resource": map[string]any{"type": "endpoint", "id": c.rest[3]}, "pipelines": []any{}}
	if s.state.Granted[key] {
		out["allPipelines"] = map[string]any{"authorized": true}
	}
	return out, nil
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
