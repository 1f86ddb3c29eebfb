// Package devops is an organization of Azure DevOps Services, or a collection
// of a server on premises, through the azure-devops-go-api.
package devops

import (
	"context"
	"encoding/json"
	"net/http"

	ado "github.com/microsoft/azure-devops-go-api/azuredevops/v7"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/core"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/pipelinepermissions"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/serviceendpoint"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/taskagent"

	w "hubwright/workflows"
)

// Secrets opens sealed secrets. *secrets.Vault is one.
type Secrets interface {
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Organizations opens organizations.
type Organizations struct {
	secrets Secrets
}

// New makes Organizations. Errors of everything that they open are
// *workflows.Problem.
func New(secrets Secrets) *Organizations {
	return &Organizations{secrets: secrets}
}

// Organization is one that was opened. Its calls are not cached.
type Organization struct {
	url       string
	host      string
	http      *http.Client
	raw       *ado.Client
	projects  core.Client
	endpoints serviceendpoint.Client
	agents    taskagent.Client
	grants    pipelinepermissions.Client
}

// Open prepares to speak with the organization. With a service principal it
// logs in; with a token nothing is asked yet.
func (o *Organizations) Open(ctx context.Context, c w.Connection) (*Organization, error) {
	client, host, err := newClient(c)
	if err != nil {
		return nil, err
	}
	conn := ado.NewAnonymousConnection(c.Endpoint)
	conn.UserAgent = "hubwright"
	if conn.AuthorizationString, err = o.authorization(ctx, c, client); err != nil {
		return nil, err
	}
	// Resource areas are not asked: all that is used here lives at the
	// organization itself, and a server on premises has none.
	raw := ado.NewClientWithOptions(conn, conn.BaseUrl, ado.WithHTTPClient(client))
	return &Organization{
		url: conn.BaseUrl, host: host, http: client, raw: raw, projects: &core.ClientImpl{Client: *raw}, endpoints: &serviceendpoint.ClientImpl{Client: *raw},
		agents: &taskagent.ClientImpl{Client: *raw}, grants: &pipelinepermissions.ClientImpl{Client: *raw},
	}, nil
}

// Close ends idle connections.
func (o *Organization) Close() { o.http.CloseIdleConnections() }

// URL is the organization's or collection's address.
func (o *Organization) URL() string { return o.url }

// Project is a project.
type Project struct{ ID, Name string }

// Projects are all that the credential may see.
func (o *Organization) Projects(ctx context.Context) ([]Project, error) {
	var out []Project
	args := core.GetProjectsArgs{}
	for {
		page, err := o.projects.GetProjects(ctx, args)
		if err != nil {
			return nil, explain(err, o.host, "Listing the projects")
		}
		for _, p := range page.Value {
			out = append(out, Project{ID: p.Id.String(), Name: text(p.Name)})
		}
		if page.ContinuationToken == "" {
			return out, nil
		}
		var next int
		if json.Unmarshal([]byte(page.ContinuationToken), &next) != nil {
			return out, nil
		}
		args.ContinuationToken = &next
	}
}

// Project is the project of that name or id.
func (o *Organization) Project(ctx context.Context, name string) (Project, error) {
	p, err := o.projects.GetProject(ctx, core.GetProjectArgs{ProjectId: &name})
	if err != nil || p.Id == nil {
		return Project{}, explain(err, o.host, "Looking for the project "+name)
	}
	return Project{ID: p.Id.String(), Name: text(p.Name)}, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
