package devops

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// presence is how long an agent counts as online after its last poll.
const presence = 6 * time.Second

type pool struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	PoolType string `json:"poolType"`
	IsHosted bool   `json:"isHosted"`
	Size     int    `json:"size"`
}

type queue struct {
	ID        int    `json:"id"`
	Name      string `json:"name"`
	ProjectID string `json:"projectId"`
	Pool      pool   `json:"pool"`
}

type agent struct {
	ID             int               `json:"id"`
	Pool           int               `json:"poolId"`
	Name           string            `json:"name"`
	Enabled        bool              `json:"enabled"`
	Status         string            `json:"status"`
	Version        string            `json:"version"`
	OSDescription  string            `json:"osDescription"`
	MaxParallelism int               `json:"maxParallelism"`
	CreatedOn      time.Time         `json:"createdOn"`
	Capabilities   map[string]string `json:"systemCapabilities"`
	Key            string            `json:"key"` // the agent's own credential
}

func (s *Server) pools(c call) (any, error) {
	if len(c.rest) == 2 {
		name := c.URL.Query().Get("poolName")
		var out []pool
		for _, p := range s.state.Pools {
			p.Size = len(s.agentsOf(p.ID))
			if name == "" || strings.EqualFold(name, p.Name) {
				out = append(out, p)
			}
		}
		return list(out), nil
	}
	id, err := strconv.Atoi(c.rest[2])
	at := slices.IndexFunc(s.state.Pools, func(p pool) bool { return p.ID == id })
	if err != nil || at < 0 || len(c.rest) < 4 {
		return nil, refuse(http.StatusNotFound, "TaskAgentPoolNotFoundException", "No agent pool found with identifier %s.", c.rest[2])
	}
	switch c.rest[3] {
	case "agents":
		return s.agents(c, id)
	case "messages":
		return s.poll(c, id)
	}
	return nil, notFound(c.Request)
}

func (s *Server) queues(c call) (any, error) {
	p, err := s.project(c.project)
	if err != nil {
		return nil, err
	}
	if c.Method == http.MethodPost {
		var q queue
		if err := read(c, &q); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(s.state.Pools, func(x pool) bool { return x.ID == q.Pool.ID })
		if at < 0 {
			return nil, refuse(http.StatusNotFound, "TaskAgentPoolNotFoundException", "No agent pool found with identifier %d.", q.Pool.ID)
		}
		s.state.Next++
		q.ID, q.ProjectID, q.Pool = s.state.Next, p.ID, s.state.Pools[at]
		s.state.Queues = append(s.state.Queues, q)
		return q, s.save()
	}
	name := c.URL.Query().Get("queueName")
	var out []queue
	for _, q := range s.state.Queues {
		if q.ProjectID == p.ID && (name == "" || strings.EqualFold(name, q.Name)) {
			out = append(out, q)
		}
	}
	return list(out), nil
}

func (s *Server) agentsOf(pool int) []*agent {
	var out []*agent
	for _, a := range s.state.Agents {
		if a.Pool == pool {
			out = append(out, a)
		}
	}
	return out
}

func (s *Server) agents(c call, pool int) (any, error) {
	if len(c.rest) > 4 {
		return s.oneAgent(c, pool)
	}
	if c.Method == http.MethodPost {
		return s.register(c, pool)
	}
	name := c.URL.Query().Get("agentName")
	var out []agent
	for _, a := range s.agentsOf(pool) {
		if name == "" || strings.EqualFold(name, a.Name) {
			out = append(out, s.shownAgent(a))
		}
	}
	return list(out), nil
}

func (s *Server) shownAgent(a *agent) agent {
	out := *a
	out.Key, out.Status = "", "offline"
	if s.polls[a.ID] > 0 || s.cfg.Now().Sub(s.seen[a.ID]) < presence {
		out.Status = "online"
	}
	return out
}

func (s *Server) oneAgent(c call, pool int) (any, error) {
	id, err := strconv.Atoi(c.rest[4])
	if err != nil || c.Method != http.MethodDelete {
		return nil, notFound(c.Request)
	}
	s.state.Agents = slices.DeleteFunc(s.state.Agents, func(a *agent) bool { return a.Pool == pool && a.ID == id })
	return nothing, s.save()
}

// register is what config.sh asks for: an agent of the name is replaced.
func (s *Server) register(c call, pool int) (any, error) {
	var a agent
	if err := read(c, &a); err != nil {
		return nil, err
	}
	s.state.Agents = slices.DeleteFunc(s.state.Agents, func(x *agent) bool { return x.Pool == pool && strings.EqualFold(x.Name, a.Name) })
	s.state.Next++
	a.ID, a.Pool, a.Enabled, a.MaxParallelism, a.CreatedOn, a.Key = s.state.Next, pool, true, 1, s.cfg.Now().UTC(), rand.Text()
	s.state.Agents = append(s.state.Agents, &a)
	return a, s.save()
}

// isAgent says whether the bearer is the agent that asks for its messages.
func (s *Server) isAgent(c call, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(c.rest) == 4 && c.rest[3] == "messages" && slices.ContainsFunc(s.state.Agents, func(a *agent) bool { return a.Key == key })
}

// poll keeps an agent waiting for work, of which there is none. While it waits
// it is online. The lock is given back meanwhile.
func (s *Server) poll(c call, pool int) (any, error) {
	key := strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ")
	at := slices.IndexFunc(s.state.Agents, func(a *agent) bool { return a.Key == key && a.Pool == pool })
	if at < 0 {
		return nil, refuse(http.StatusForbidden, "TaskAgentAccessTokenExpiredException", "The agent is not known any more.")
	}
	id := s.state.Agents[at].ID
	s.polls[id]++
	s.mu.Unlock()
	t := time.NewTimer(15 * time.Second)
	select {
	case <-t.C:
	case <-c.Context().Done():
	}
	t.Stop()
	s.mu.Lock()
	s.polls[id]--
	s.seen[id] = s.cfg.Now()
	return nothing, nil
}
