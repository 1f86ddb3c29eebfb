package devops

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/pipelinepermissions"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/pipelineschecks"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/serviceendpoint"

	w "hubwright/workflows"
)

// Endpoint is a service connection as the service tells of it: without secrets.
type Endpoint struct {
	ID, Name, Type, URL string
	Method              string // authorizationType: ServiceAccount, Kubeconfig
	Ready               bool
	State               string   // what the service says of it, "" when nothing
	Projects            []string // ids of those that see it
}

// Spec is a service connection to a Kubernetes cluster.
type Spec struct {
	Name, Description string
	Server            string // API server's URL
	Project           Project
	Token             string // with CA: of a service account
	CA                []byte // PEM
	Kubeconfig        []byte // in place of Token and CA
	Context           string // of the kubeconfig
}

// EndpointByName is the service connection of that name in a project, nil when
// there is none or the credential may not see it.
func (o *Organization) EndpointByName(ctx context.Context, projectID, name string) (*Endpoint, error) {
	list, err := o.endpoints.GetServiceEndpointsByNames(ctx, serviceendpoint.GetServiceEndpointsByNamesArgs{Project: &projectID, EndpointNames: &[]string{name}, IncludeFailed: new(true)})
	if err != nil {
		return nil, explain(err, o.host, "Looking for the service connection "+name)
	}
	for _, e := range *list {
		if strings.EqualFold(text(e.Name), name) {
			return told(e), nil
		}
	}
	return nil, nil
}

// Endpoint is the service connection of that id, nil when there is none: the
// service then answers null.
func (o *Organization) Endpoint(ctx context.Context, projectID, id string) (*Endpoint, error) {
	uid, err := parseID(id)
	if err != nil {
		return nil, err
	}
	e, err := o.endpoints.GetServiceEndpointDetails(ctx, serviceendpoint.GetServiceEndpointDetailsArgs{Project: &projectID, EndpointId: &uid})
	if err != nil {
		return nil, explain(err, o.host, "Reading the service connection")
	}
	if e == nil || e.Id == nil {
		return nil, nil
	}
	return told(*e), nil
}

// CreateEndpoint makes a service connection.
func (o *Organization) CreateEndpoint(ctx context.Context, s Spec) (Endpoint, error) {
	body, err := s.body()
	if err != nil {
		return Endpoint{}, err
	}
	e, err := o.endpoints.CreateServiceEndpoint(ctx, serviceendpoint.CreateServiceEndpointArgs{Endpoint: body})
	if err != nil {
		return Endpoint{}, explain(err, o.host, "Making the service connection "+s.Name)
	}
	return *told(*e), nil
}

// UpdateEndpoint gives a service connection other values, its credential
// included.
func (o *Organization) UpdateEndpoint(ctx context.Context, id string, s Spec) (Endpoint, error) {
	uid, err := parseID(id)
	if err != nil {
		return Endpoint{}, err
	}
	body, err := s.body()
	if err != nil {
		return Endpoint{}, err
	}
	body.Id = &uid
	e, err := o.endpoints.UpdateServiceEndpoint(ctx, serviceendpoint.UpdateServiceEndpointArgs{EndpointId: &uid, Endpoint: body})
	if err != nil {
		return Endpoint{}, explain(err, o.host, "Renewing the service connection "+s.Name)
	}
	return *told(*e), nil
}

// ShareEndpoint lets a further project see the service connection.
func (o *Organization) ShareEndpoint(ctx context.Context, id, name string, p Project) error {
	uid, err := parseID(id)
	if err != nil {
		return err
	}
	ref, err := reference(name, "", p)
	if err != nil {
		return err
	}
	err = o.endpoints.ShareServiceEndpoint(ctx, serviceendpoint.ShareServiceEndpointArgs{EndpointId: &uid, EndpointProjectReferences: &[]serviceendpoint.ServiceEndpointProjectReference{ref}})
	return explain(err, o.host, "Sharing the service connection with "+p.Name)
}

// DeleteEndpoint takes it away from these projects; from all of them is for
// good. One that is not there is no error.
func (o *Organization) DeleteEndpoint(ctx context.Context, id string, projectIDs []string) error {
	uid, err := parseID(id)
	if err != nil {
		return err
	}
	err = o.endpoints.DeleteServiceEndpoint(ctx, serviceendpoint.DeleteServiceEndpointArgs{EndpointId: &uid, ProjectIds: &projectIDs, Deep: new(false)})
	return explain(err, o.host, "Deleting the service connection")
}

// OpenToAll says whether every pipeline of the project may use it.
func (o *Organization) OpenToAll(ctx context.Context, projectID, id string) (bool, error) {
	p, err := o.grants.GetPipelinePermissionsForResource(ctx, pipelinepermissions.GetPipelinePermissionsForResourceArgs{Project: &projectID, ResourceType: new("endpoint"), ResourceId: &id})
	if err != nil {
		return false, explain(err, o.host, "Reading who may use the service connection")
	}
	return p.AllPipelines != nil && p.AllPipelines.Authorized != nil && *p.AllPipelines.Authorized, nil
}

// OpenForAll lets every pipeline of the project use it.
func (o *Organization) OpenForAll(ctx context.Context, projectID, id string) error {
	_, err := o.grants.UpdatePipelinePermisionsForResource(ctx, pipelinepermissions.UpdatePipelinePermisionsForResourceArgs{
		Project: &projectID, ResourceType: new("endpoint"), ResourceId: &id,
		ResourceAuthorization: &pipelinepermissions.ResourcePipelinePermissions{
			AllPipelines: &pipelinepermissions.Permission{Authorized: new(true)}, Resource: &pipelineschecks.Resource{Type: new("endpoint"), Id: &id},
		},
	})
	return explain(err, o.host, "Granting access to all pipelines")
}

func (s Spec) body() (*serviceendpoint.ServiceEndpoint, error) {
	ref, err := reference(s.Name, s.Description, s.Project)
	if err != nil {
		return nil, err
	}
	auth := &serviceendpoint.EndpointAuthorization{Scheme: new("Token"), Parameters: &map[string]string{
		"apiToken": base64.StdEncoding.EncodeToString([]byte(s.Token)), "serviceAccountCertificate": base64.StdEncoding.EncodeToString(s.CA)}}
	data := map[string]string{"authorizationType": "ServiceAccount"}
	if len(s.Kubeconfig) > 0 {
		auth = &serviceendpoint.EndpointAuthorization{Scheme: new("Kubernetes"), Parameters: &map[string]string{"kubeconfig": string(s.Kubeconfig), "clusterContext": s.Context}}
		data = map[string]string{"authorizationType": "Kubeconfig", "acceptUntrustedCerts": "false"}
	}
	return &serviceendpoint.ServiceEndpoint{
		Name: &s.Name, Description: &s.Description, Type: new("kubernetes"), Url: &s.Server, Owner: new("library"), IsShared: new(false),
		Authorization: auth, Data: &data, ServiceEndpointProjectReferences: &[]serviceendpoint.ServiceEndpointProjectReference{ref},
	}, nil
}

func reference(name, description string, p Project) (serviceendpoint.ServiceEndpointProjectReference, error) {
	id, err := parseID(p.ID)
	return serviceendpoint.ServiceEndpointProjectReference{Name: &name, Description: &description, ProjectReference: &serviceendpoint.ProjectReference{Id: &id, Name: &p.Name}}, err
}

func parseID(id string) (uuid.UUID, error) {
	uid, err := uuid.Parse(id)
	if err != nil {
		return uid, &w.Problem{Code: "devops.id", What: "An id of Azure DevOps cannot be read", Why: "it is not a GUID", Fix: "Run the workflow again from its first page.", Detail: id}
	}
	return uid, nil
}

func told(e serviceendpoint.ServiceEndpoint) *Endpoint {
	out := &Endpoint{ID: e.Id.String(), Name: text(e.Name), Type: text(e.Type), URL: text(e.Url), Ready: e.IsReady != nil && *e.IsReady}
	if e.Data != nil {
		out.Method = (*e.Data)["authorizationType"]
	}
	if status, ok := e.OperationStatus.(map[string]any); ok {
		out.State, _ = status["state"].(string)
		if msg, _ := status["statusMessage"].(string); msg != "" {
			out.State += ": " + msg
		}
	}
	if e.ServiceEndpointProjectReferences != nil {
		for _, r := range *e.ServiceEndpointProjectReferences {
			if r.ProjectReference != nil && r.ProjectReference.Id != nil {
				out.Projects = append(out.Projects, r.ProjectReference.Id.String())
			}
		}
	}
	return out
}
