package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"

	w "hubwright/workflows"
)

type organization struct{ b *bed }

func (o organization) Close()      { o.b.open-- }
func (o organization) URL() string { return o.b.con.Endpoint }

func (o organization) Projects(ctx context.Context) ([]Project, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	return o.b.projects, o.b.fails["projects"]
}

func (o organization) Project(ctx context.Context, name string) (Project, error) {
	if err := o.b.tick(ctx); err != nil {
		return Project{}, err
	}
	for _, p := range o.b.projects {
		if p.Name == name || p.ID == name {
			return p, o.b.fails["project"]
		}
	}
	return Project{}, &w.Problem{Code: "devops.project", What: "The project is not there"}
}

func (o organization) EndpointByName(ctx context.Context, projectID, name string) (*Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, e := range o.b.endpoints {
		if e.Name == name && slices.Contains(e.Projects, projectID) {
			return &e, nil
		}
	}
	return nil, o.b.fails["find"]
}

func (o organization) Endpoint(ctx context.Context, _, id string) (*Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, e := range o.b.endpoints {
		if e.ID == id {
			if o.b.unready > 0 {
				o.b.unready--
				e.Ready, e.State = false, "InProgress"
			}
			return &e, nil
		}
	}
	return nil, nil
}

func (o organization) CreateEndpoint(ctx context.Context, s Spec) (Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return Endpoint{}, err
	}
	if err := o.b.fails["create"]; err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{ID: fmt.Sprint("e-", len(o.b.sent)), Name: s.Name, Type: "kubernetes", URL: s.Server, Ready: true, Projects: []string{s.Project.ID}}
	o.b.endpoints, o.b.sent = append(o.b.endpoints, e), append(o.b.sent, s)
	return e, nil
}

func (o organization) UpdateEndpoint(ctx context.Context, id string, s Spec) (Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return Endpoint{}, err
	}
	o.b.sent = append(o.b.sent, s)
	for i := range o.b.endpoints {
		if o.b.endpoints[i].ID == id {
			o.b.endpoints[i].Ready = true
			return o.b.endpoints[i], o.b.fails["update"]
		}
	}
	return Endpoint{}, errors.New("no such endpoint")
}

func (o organization) ShareEndpoint(ctx context.Context, id, _ string, p Project) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	for i := range o.b.endpoints {
		if o.b.endpoints[i].ID == id {
			o.b.endpoints[i].Projects = append(o.b.endpoints[i].Projects, p.ID)
		}
	}
	return o.b.fails["share"]
}

func (o organization) DeleteEndpoint(ctx context.Context, id string, projects []string) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	for i, e := range o.b.endpoints {
		if e.ID == id && slices.Equal(e.Projects, projects) {
			o.b.endpoints = slices.Delete(o.b.endpoints, i, i+1)
			return nil
		}
	}
	return o.b.fails["delete"]
}

func (o organization) OpenToAll(ctx context.Context, _ string, _ string) (bool, error) {
	if err := o.b.tick(ctx); err != nil {
		return false, err
	}
	return o.b.granted, nil
}

func (o organization) OpenForAll(ctx context.Context, _ string, _ string) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.granted = true
	return nil
}

func (o organization) Pools(ctx context.Context) ([]Pool, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	return o.b.pools, nil
}

func (o organization) HasQueue(ctx context.Context, _ string, p Pool) (bool, error) {
	if err := o.b.tick(ctx); err != nil {
		return false, err
	}
	return slices.Contains(o.b.queues, p.Name), nil
}

func (o organization) AddQueue(ctx context.Context, _ string, p Pool) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.queues = append(o.b.queues, p.Name)
	return nil
}

func (o organization) Agent(ctx context.Context, _ int, name string) (*Agent, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, a := range o.b.agents {
		if a.Name == name {
			return &a, nil
		}
	}
	return nil, nil
}

func (o organization) RemoveAgent(ctx context.Context, _, id int) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.agents = slices.DeleteFunc(o.b.agents, func(a Agent) bool { return a.ID == id })
	return nil
}

func (o organization) AgentPackage(ctx context.Context) (Package, error) {
	if err := o.b.tick(ctx); err != nil {
		return Package{}, err
	}
	return Package{Version: "4.261.0", URL: "https://download.test/agent.tar.gz", SHA256: "ab"}, o.b.fails["package"]
}
