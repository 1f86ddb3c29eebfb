package devops

import "slices"

// Held is a service connection with the secrets that no route gives out.
type Held struct {
	ID, Name, URL string
	Scheme        string
	Projects      []string // names
	Parameters    map[string]string
}

// Held are all service connections, by name.
func (s *Server) Held() []Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Held
	for _, e := range s.state.Endpoints {
		h := Held{ID: e.ID, Name: e.Name, URL: e.URL, Scheme: e.Authorization.Scheme, Parameters: map[string]string{}}
		for _, r := range e.References {
			h.Projects = append(h.Projects, r.Project.Name)
		}
		for k, v := range e.Authorization.Parameters {
			if v != nil {
				h.Parameters[k] = *v
			}
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Held) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// Online are the names of the agents that are online.
func (s *Server) Online() []string {
	return s.names(func(a agent) bool { return a.Status == "online" })
}

// Agents are the names of all agents.
func (s *Server) Agents() []string { return s.names(func(agent) bool { return true }) }

func (s *Server) names(like func(agent) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.state.Agents {
		if like(s.shownAgent(a)) {
			out = append(out, a.Name)
		}
	}
	slices.Sort(out)
	return out
}
