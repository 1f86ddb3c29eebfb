// Package devops emulates Azure DevOps at the wire: projects, service
// connections, agent pools and agents, with the quirks of the real service. A
// server on premises differs only in that it names no resource areas.
package devops

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Hosts of Azure DevOps Services.
const (
	Host         = "dev.azure.com"
	DownloadHost = "download.agent.dev.azure.com"
)

// Audience is Azure DevOps in every tenant of Entra ID.
const Audience = "499b84ac-1321-427f-aa17-267ca6975798"

// Scopes of personal access tokens, as the service spells them.
const (
	ScopeEndpoints = "vso.serviceendpoint_manage"
	ScopePools     = "vso.agentpools_manage"
	ScopeProjects  = "vso.project"
)

// Token is a personal access token.
type Token struct {
	Secret  string
	Scopes  []string // empty: all
	Expires time.Time
}

// Config is what a Server is made from.
type Config struct {
	Host         string // dev.azure.com, or a server's name
	Organization string // or collection
	OnPremises   bool
	Tokens       []Token
	// Bearer says whether an access token of a principal is good. nil: none is.
	Bearer    func(token string) bool
	StateFile string // "" keeps nothing
	Now       func() time.Time
}

// Server is an organization or a collection. It is safe for concurrent use.
type Server struct {
	cfg Config

	mu    sync.Mutex
	state state
	polls map[int]int       // open polls by agent
	seen  map[int]time.Time // last poll by agent
}

// state is what outlives the process.
type state struct {
	Next      int                  `json:"next"`
	Projects  []project            `json:"projects"`
	Endpoints map[string]*endpoint `json:"endpoints"`
	Granted   map[string]bool      `json:"granted"` // project/endpoint: to all pipelines
	Pools     []pool               `json:"pools"`
	Queues    []queue              `json:"queues"`
	Agents    []*agent             `json:"agents"`
}

type project struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	State      string `json:"state"`
	Revision   int    `json:"revision"`
	Visibility string `json:"visibility"`
}

// New opens an organization with two projects and two pools, or what the state
// file holds of it.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, polls: map[int]int{}, seen: map[int]time.Time{}, state: state{
		Next: 100, Endpoints: map[string]*endpoint{}, Granted: map[string]bool{},
		Projects: []project{
			{ID: "0de70b50-aaaa-4000-8000-000000000001", Name: "Ratings", State: "wellFormed", Revision: 11, Visibility: "private"},
			{ID: "0de70b50-aaaa-4000-8000-000000000002", Name: "Platform", State: "wellFormed", Revision: 7, Visibility: "private"},
		},
		Pools: []pool{{ID: 1, Name: "Default", PoolType: "automation"}, {ID: 9, Name: "Azure Pipelines", PoolType: "automation", IsHosted: !cfg.OnPremises}},
	}}
	if cfg.StateFile == "" {
		return s, nil
	}
	raw, err := os.ReadFile(cfg.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &s.state)
	}
	return s, err
}

// save writes the state down. The lock is held.
func (s *Server) save() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	raw, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.cfg.StateFile+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(s.cfg.StateFile+".new", s.cfg.StateFile)
}

// fault is an answer that is no success.
type fault struct {
	status        int
	typeKey, text string
}

func (f *fault) Error() string { return f.text }

func refuse(status int, typeKey, format string, args ...any) error {
	return &fault{status: status, typeKey: typeKey, text: fmt.Sprintf(format, args...)}
}

func notFound(r *http.Request) error {
	return refuse(http.StatusNotFound, "HttpException", "The controller for path '%s' was not found or does not implement IController.", r.URL.Path)
}

// call is one request on its way through the organization.
type call struct {
	*http.Request
	project string   // name or id in the path, "" at the organization
	rest    []string // path behind _apis
}

// ServeHTTP answers like the service.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.parse(r)
	if err == nil && !s.letIn(w, r, c) {
		return
	}
	var body any
	if err == nil {
		body, err = s.answer(c)
	}
	var f *fault
	switch {
	case errors.As(err, &f):
		write(w, f.status, map[string]any{
			"$id": "1", "innerException": nil, "message": f.text, "typeKey": f.typeKey, "errorCode": 0, "eventId": 3000,
			"typeName": "Microsoft.TeamFoundation.Framework.Server." + f.typeKey + ", Microsoft.TeamFoundation.Framework.Server",
		})
	case err != nil:
		write(w, http.StatusInternalServerError, map[string]any{"$id": "1", "message": err.Error(), "typeKey": "Exception", "eventId": 0})
	case body == nothing:
		w.WriteHeader(http.StatusNoContent)
	default:
		write(w, http.StatusOK, body)
	}
}

// nothing is an answer without a body; nil is the body null.
var nothing = struct{ nothing bool }{true}

func (s *Server) parse(r *http.Request) (call, error) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 || !strings.EqualFold(parts[0], s.cfg.Organization) {
		return call{}, notFound(r)
	}
	c := call{Request: r}
	parts = parts[1:]
	if parts[0] != "_apis" {
		c.project, parts = parts[0], parts[1:]
	}
	if len(parts) == 0 || parts[0] != "_apis" {
		return call{}, notFound(r)
	}
	c.rest = parts[1:]
	return c, nil
}

func (s *Server) answer(c call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(c.rest) == 0 && c.Method == http.MethodOptions {
		return list(locations()), nil
	}
	switch strings.ToLower(strings.Join(c.rest[:min(2, len(c.rest))], "/")) {
	case "resourceareas":
		return list(s.areas()), nil
	case "serviceendpoint/endpoints":
		return s.endpoints(c)
	case "serviceendpoint/endpointproxy":
		return s.proxied(c)
	case "pipelines/pipelinepermissions":
		return s.permissions(c)
	case "distributedtask/pools":
		return s.pools(c)
	case "distributedtask/queues":
		return s.queues(c)
	case "distributedtask/packages":
		return s.packages(c)
	}
	if strings.EqualFold(c.rest[0], "projects") {
		return s.projects(c)
	}
	return nil, notFound(c.Request)
}

func (s *Server) projects(c call) (any, error) {
	if len(c.rest) > 1 {
		return s.project(c.rest[1])
	}
	return list(s.state.Projects), nil
}

// project finds a project by its name or id.
func (s *Server) project(key string) (project, error) {
	for _, p := range s.state.Projects {
		if strings.EqualFold(p.ID, key) || strings.EqualFold(p.Name, key) {
			return p, nil
		}
	}
	what := "with the name '" + key + "'"
	if len(key) == 36 {
		what = "with the id '" + key + "'"
	}
	return project{}, refuse(http.StatusNotFound, "ProjectDoesNotExistWithNameException", "VS800075: The project %s does not exist, or you do not have permission to access it.", what)
}

func list[T any](all []T) map[string]any {
	if all == nil {
		all = []T{}
	}
	return map[string]any{"count": len(all), "value": all}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8; api-version=7.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func read(c call, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, c.Body, 1<<20)).Decode(into); err != nil {
		return refuse(http.StatusInternalServerError, "ArgumentNullException", "Value cannot be null.")
	}
	return nil
}
