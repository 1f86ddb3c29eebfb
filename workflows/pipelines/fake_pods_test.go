package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	w "hubwright/workflows"
)

// agentSet is what the cluster runs agents from.
type agentSet struct {
	secrets map[string]map[string]string
	spec    *w.ReleaseSpec // of the release; nil when there is none
	whole   bool           // the release is as it should be
	sick    *w.Problem     // keeps the pods from being well
	works   bool           // agents that are too many have a job that goes on
	puts    int            // how often something was changed
}

func (k kube) PutSecret(ctx context.Context, namespace, name string, data map[string]string) (bool, error) {
	if err := k.b.tick(ctx); err != nil {
		return false, err
	}
	if maps.Equal(k.b.pods.secrets[namespace+"/"+name], data) {
		return false, nil
	}
	k.b.pods.secrets[namespace+"/"+name] = maps.Clone(data)
	k.b.pods.puts++
	return true, nil
}

func (k kube) HasSecret(ctx context.Context, namespace, name string) (bool, error) {
	return k.b.pods.secrets[namespace+"/"+name] != nil, k.b.tick(ctx)
}

func (k kube) DeleteSecret(ctx context.Context, namespace, name string) error {
	if err := k.b.tick(ctx); err != nil {
		return err
	}
	if k.b.pods.spec != nil {
		k.b.t.Error("the Secret goes while pods need it to leave their pool")
	}
	delete(k.b.pods.secrets, namespace+"/"+name)
	return nil
}

func (k kube) Install(ctx context.Context, spec w.ReleaseSpec, log w.Log) (w.ReleaseState, error) {
	if err := k.b.tick(ctx); err != nil {
		return w.ReleaseState{}, err
	}
	var v struct {
		Replicas       int
		ExistingSecret string
	}
	if err := json.Unmarshal([]byte(spec.Values), &v); err != nil {
		k.b.t.Error(err)
	}
	if strings.Contains(spec.Values, theToken) || k.b.pods.secrets[spec.Namespace+"/"+v.ExistingSecret]["token"] == "" {
		k.b.t.Errorf("values %s, Secrets %v", spec.Values, k.b.pods.secrets)
	}
	if old := k.b.pods.spec; k.b.pods.whole && old != nil && old.Values == spec.Values && old.Name == spec.Name && old.Namespace == spec.Namespace {
		return w.ReleaseState{}, nil
	}
	k.b.pods.spec, k.b.pods.whole = &spec, false
	k.b.pods.puts++
	k.b.agents = slices.DeleteFunc(k.b.agents, func(a Agent) bool { return !k.b.pods.works && strings.HasPrefix(a.Name, spec.Name) })
	for _, name := range agentNames(spec.Name, v.Replicas) {
		k.b.agents = slices.DeleteFunc(k.b.agents, func(a Agent) bool { return a.Name == name })
		if err := k.b.tick(ctx); err != nil { // some are there, some are not
			return w.ReleaseState{}, err
		}
		k.b.ids++
		k.b.agents = append(k.b.agents, Agent{ID: k.b.ids, Name: name, Version: "4.261.0", Enabled: true, Online: !k.b.deaf})
	}
	k.b.pods.whole = true
	return w.ReleaseState{Changed: true}, k.b.fails["install"]
}

func (k kube) Trouble(ctx context.Context, _, _ string) (*w.Problem, error) {
	return k.b.pods.sick, k.b.tick(ctx)
}

func (k kube) Uninstall(ctx context.Context, namespace, release string, log w.Log) error {
	if err := k.b.tick(ctx); err != nil {
		return err
	}
	if s := k.b.pods.spec; s != nil && (s.Namespace != namespace || s.Name != release) {
		return errors.New("another release")
	}
	k.b.pods.spec = nil
	for i := range k.b.agents {
		k.b.agents[i].Online = false // they were killed before they could leave
	}
	return k.b.tick(ctx)
}
