package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

func (p *process) addPoolCommand() *command {
	const short = "Add a node pool to an existing AKS Engine-created Kubernetes cluster"
	c := &command{name: "addpool", short: short, long: short + " by referencing a new agentpoolProfile spec", flags: newFlags("addpool")}
	j, spec := &job{engine: p.version()}, ""
	j.addClusterFlags(c.flags, "")
	c.flags.StringVarP(&spec, "node-pool", "p", "", "path to a JSON file that defines the new node pool spec")
	c.run = func([]string) error {
		if err := p.missing(c, "failed to validate addpool command", must(j.group, "--resource-group"), must(j.location, "--location"),
			must(j.file, "--api-model"), must(spec, "--node-pool")); err != nil {
			return err
		}
		return p.addPool(context.Background(), j, spec)
	}
	return c
}

// addPool does not check the pool: like with the real engine, a bad one makes all commands after this one fail.
func (p *process) addPool(ctx context.Context, j *job, spec string) error {
	pool, err := p.openForPool(ctx, j, spec)
	if err != nil {
		return fmt.Errorf("failed to load existing container service: %w", err)
	}
	j.props.AgentPoolProfiles = append(j.props.AgentPoolProfiles, pool)
	pool.fillIn()
	if err := p.putDeployment(ctx, j, j.operationName(), part{mark: scaleMark, pool: pool.Name, set: true, count: pool.Count}); err != nil {
		return err
	}
	return j.keepModel()
}

func (p *process) openForPool(ctx context.Context, j *job, spec string) (*AgentPoolProfile, error) {
	if _, err := os.Stat(spec); os.IsNotExist(err) {
		return nil, fmt.Errorf("specified agent pool spec does not exist (%s)", spec)
	}
	if err := p.open(ctx, j, nil); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(spec)
	if err != nil {
		return nil, err
	}
	pool := &AgentPoolProfile{}
	if !json.Valid(text) {
		err = json.Unmarshal(text, pool) // whose words are the right ones
	} else {
		err = decode(text, pool)
	}
	if err != nil {
		return nil, fmt.Errorf("error parsing the agent pool: %w", err)
	}
	if j.props.pool(pool.Name) != nil {
		return nil, fmt.Errorf("node pool %s already exists", pool.Name)
	}
	for _, a := range j.props.AgentPoolProfiles {
		if a.AvailabilityProfile != pool.AvailabilityProfile {
			return nil, errors.New("mixed mode availability profiles are not allowed, all node pools should have the same availabilityProfile")
		}
	}
	return pool, p.enter(ctx, j)
}
