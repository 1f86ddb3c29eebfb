package devops

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/taskagent"
)

// Pool is an agent pool.
type Pool struct {
	ID     int
	Name   string
	Hosted bool
	Size   int // agents
}

// Pools are the pools that the credential may see.
func (o *Organization) Pools(ctx context.Context) ([]Pool, error) {
	list, err := o.agents.GetAgentPools(ctx, taskagent.GetAgentPoolsArgs{PoolType: &taskagent.TaskAgentPoolTypeValues.Automation})
	if err != nil {
		return nil, explain(err, o.host, "Listing the agent pools")
	}
	var out []Pool
	for _, p := range *list {
		if p.Id == nil {
			continue
		}
		pool := Pool{ID: *p.Id, Name: text(p.Name), Hosted: p.IsHosted != nil && *p.IsHosted}
		if p.Size != nil {
			pool.Size = *p.Size
		}
		out = append(out, pool)
	}
	return out, nil
}

// HasQueue says whether a project sees a pool.
func (o *Organization) HasQueue(ctx context.Context, projectID string, pool Pool) (bool, error) {
	list, err := o.agents.GetAgentQueues(ctx, taskagent.GetAgentQueuesArgs{Project: &projectID})
	if err != nil {
		return false, explain(err, o.host, "Listing the project's agent pools")
	}
	for _, q := range *list {
		if q.Pool != nil && q.Pool.Id != nil && *q.Pool.Id == pool.ID {
			return true, nil
		}
	}
	return false, nil
}

// AddQueue lets a project see a pool. Its pipelines are not authorized for it.
func (o *Organization) AddQueue(ctx context.Context, projectID string, pool Pool) error {
	_, err := o.agents.AddAgentQueue(ctx, taskagent.AddAgentQueueArgs{Project: &projectID, AuthorizePipelines: new(false),
		Queue: &taskagent.TaskAgentQueue{Name: &pool.Name, Pool: &taskagent.TaskAgentPoolReference{Id: &pool.ID}}})
	return explain(err, o.host, "Letting the project see the pool "+pool.Name)
}

// Agent is an agent as the service tells of it.
type Agent struct {
	ID              int
	Name, Version   string
	Online, Enabled bool
}

// Agent is the pool's agent of that name, nil when there is none.
func (o *Organization) Agent(ctx context.Context, poolID int, name string) (*Agent, error) {
	list, err := o.agents.GetAgents(ctx, taskagent.GetAgentsArgs{PoolId: &poolID, AgentName: &name})
	if err != nil {
		return nil, explain(err, o.host, "Looking for the agent "+name)
	}
	for _, a := range *list {
		if a.Id != nil && strings.EqualFold(text(a.Name), name) {
			return &Agent{ID: *a.Id, Name: text(a.Name), Version: text(a.Version), Enabled: a.Enabled != nil && *a.Enabled,
				Online: a.Status != nil && *a.Status == taskagent.TaskAgentStatusValues.Online}, nil
		}
	}
	return nil, nil
}

// RemoveAgent takes an agent out of its pool. One that is not there is no
// error.
func (o *Organization) RemoveAgent(ctx context.Context, poolID, id int) error {
	err := o.agents.DeleteAgent(ctx, taskagent.DeleteAgentArgs{PoolId: &poolID, AgentId: &id})
	if status, _, _ := said(err); status == http.StatusNotFound {
		return nil
	}
	return explain(err, o.host, "Taking the agent out of its pool")
}

// AgentPackage is an agent's archive.
type AgentPackage struct {
	Version, URL, SHA256 string
}

// AgentPackage is the newest agent for Linux on x64 that the organization
// offers.
func (o *Organization) AgentPackage(ctx context.Context) (AgentPackage, error) {
	const doing = "Asking for the agent's archive"
	req, err := o.raw.CreateRequestMessage(ctx, http.MethodGet, o.url+"/_apis/distributedtask/packages/agent?platform=linux-x64&$top=1", "", nil, "", "application/json", nil)
	if err != nil {
		return AgentPackage{}, explain(err, o.host, doing)
	}
	resp, err := o.raw.SendRequest(req)
	if err != nil {
		return AgentPackage{}, explain(err, o.host, doing)
	}
	defer resp.Body.Close()
	var got struct {
		Value []struct {
			DownloadURL string `json:"downloadUrl"`
			HashValue   string `json:"hashValue"`
			Version     struct{ Major, Minor, Patch int }
		}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&got); err != nil {
		return AgentPackage{}, explain(&httpError{status: http.StatusBadGateway, text: "its answer is not JSON"}, o.host, doing)
	}
	if len(got.Value) == 0 || !strings.HasPrefix(got.Value[0].DownloadURL, "https://") {
		return AgentPackage{}, explain(&httpError{status: http.StatusNotFound, text: "it offers no agent for Linux on x64"}, o.host, doing)
	}
	p := got.Value[0]
	return AgentPackage{Version: fmt.Sprintf("%d.%d.%d", p.Version.Major, p.Version.Minor, p.Version.Patch), URL: p.DownloadURL, SHA256: strings.ToLower(p.HashValue)}, nil
}
