package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	w "hubwright/workflows"
)

const (
	agentChart = "azure-agent"
	// jobPatience is longer than the chart lets a job go on.
	jobPatience = 40 * time.Minute
	// leaveLooks is how often agents that are too many are looked for: those
	// whose job goes on leave by themselves.
	leaveLooks = 20
)

func secretOf(agent string) string { return agent + "-credential" }

// agentPods makes the cluster run the agents, as many as were asked for.
func (f flow) agentPods(ctx context.Context, s *State, log w.Log) error {
	if err := f.inOrganization(ctx, s, func(o Organization) error { return f.notOthers(ctx, s, o) }); err != nil {
		return err
	}
	p, err := f.podProof(ctx, s, log)
	if err != nil {
		return err
	}
	if err := f.intend(ctx, s, func(b *w.ServiceConnection) {
		pods := s.Pods
		pods.Replicas = max(pods.Replicas, b.AgentPods.Replicas)
		b.Pool, b.PoolID, b.Agent, b.AgentPods = s.Pool, s.Found.Pool.ID, s.Agent, pods
	}); err != nil {
		return err
	}
	return f.onCluster(ctx, s, func(k Kube) error {
		data := map[string]string{"token": p.secret}
		if p.bundle != "" {
			data["ca.pem"] = p.bundle
		}
		changed, err := k.PutSecret(ctx, s.Pods.Namespace, secretOf(s.Agent), data)
		if err != nil {
			return err
		}
		if changed {
			log.Good("The token is in the Secret %s in %s", secretOf(s.Agent), s.Pods.Namespace)
			s.did("Secret " + secretOf(s.Agent))
		}
		spec, err := f.podsSpec(ctx, s, p)
		if err != nil {
			return err
		}
		state, err := k.Install(ctx, spec, log)
		if state.Changed {
			s.did("agents " + s.Agent + " on the cluster")
		}
		return unregisteredPods(s, err)
	})
}

// notOthers keeps agents of the same names on other machines from being
// replaced.
func (f flow) notOthers(ctx context.Context, s *State, o Organization) error {
	ours := 0
	if b := s.Before; b.Agent == s.Agent {
		ours = b.AgentPods.Replicas
	}
	for _, name := range agentNames(s.Agent, s.Pods.Replicas)[min(ours, s.Pods.Replicas):] {
		a, err := o.Agent(ctx, s.Found.Pool.ID, name)
		if err != nil {
			return err
		}
		if a != nil && a.Online {
			return &w.Problem{Code: "pipelines.agent", What: "Another machine is the agent " + name, Why: "it is online in the pool " + s.Pool + ", and no run of ours has made it", Fix: "Choose another name for these agents."}
		}
	}
	return nil
}

// podProof is what the agents on the cluster register with.
func (f flow) podProof(ctx context.Context, s *State, log w.Log) (proof, error) {
	if s.Pods.Token == "" {
		return f.proof(ctx, s, log)
	}
	c, err := f.Records.Connection(ctx, s.ConnectionID)
	if err != nil {
		return proof{}, err
	}
	plain, err := f.Vault.Open(ctx, s.Pods.Token)
	if err != nil {
		return proof{}, err
	}
	log.Mask(string(plain))
	return proof{auth: "pat", secret: string(plain), bundle: c.CABundle}, nil
}

func (f flow) podsSpec(ctx context.Context, s *State, p proof) (w.ReleaseSpec, error) {
	chart, err := f.Chart(agentChart)
	if err != nil {
		return w.ReleaseSpec{}, err
	}
	// Pods read a Secret once: another token makes them anew. Of the token itself
	// this tells nothing.
	sum := sha256.Sum256([]byte(p.auth + "\n" + p.client + "\n" + p.tenant + "\n" + p.secret + "\n" + p.bundle))
	values := podsValues(s)
	values["auth"], values["client"], values["tenant"], values["bundle"], values["rollout"] = strings.ToUpper(p.auth), p.client, p.tenant, p.bundle != "", hex.EncodeToString(sum[:6])
	text, err := json.MarshalIndent(values, "", "  ") // which is YAML as well
	return w.ReleaseSpec{Name: s.Agent, Namespace: s.Pods.Namespace, Chart: chart, Values: string(text), Patience: jobPatience}, err
}

// podsValues are the chart's values as the person chose them.
func podsValues(s *State) map[string]any {
	pull := []string{}
	if s.Pods.PullSecret != "" {
		pull = append(pull, s.Pods.PullSecret)
	}
	return map[string]any{
		"image": s.Pods.Image, "pullSecrets": pull, "replicas": s.Pods.Replicas, "url": s.Organization, "pool": s.Pool, "proxy": s.AgentWay,
		"existingSecret": secretOf(s.Agent),
	}
}

// podsOnline sees each agent online in Azure DevOps, and those that are too
// many leave.
func (f flow) podsOnline(ctx context.Context, s *State, log w.Log) error {
	return f.inOrganization(ctx, s, func(o Organization) error {
		s.Found.Version = ""
		for _, name := range agentNames(s.Agent, s.Pods.Replicas) {
			if err := f.podOnline(ctx, s, o, name, log); err != nil {
				return err
			}
		}
		s.Found.Agent = registered
		return f.tooMany(ctx, s, o, log)
	})
}

func (f flow) podOnline(ctx context.Context, s *State, o Organization, name string, log w.Log) error {
	for try := 0; ; try++ {
		a, err := o.Agent(ctx, s.Found.Pool.ID, name)
		if err != nil {
			return err
		}
		if a != nil && a.Online {
			s.Found.Version = a.Version
			if !a.Enabled {
				log.Warn("The agent %s is disabled in the pool: it gets no jobs until somebody enables it there", name)
			}
			log.Good("The agent %s %s is online in %s", name, a.Version, s.Pool)
			return nil
		}
		var why *w.Problem
		if err := f.onCluster(ctx, s, func(k Kube) (err error) {
			why, err = k.Trouble(ctx, s.Pods.Namespace, s.Agent)
			return err
		}); err != nil {
			return err
		}
		doing := "the agent " + name + " is offline still"
		if why != nil {
			doing += ": " + why.What
		}
		if try >= mostLooks || why != nil && try >= mostLooks/4 {
			return offlinePod(s, name, why)
		}
		log.Progress(-1, doing)
		if err := f.Pause(ctx, betweenLooks); err != nil {
			return err
		}
	}
}

// offlinePod says why an agent on the cluster does not come online.
func offlinePod(s *State, name string, why *w.Problem) error {
	logs := "kubectl -n " + s.Pods.Namespace + " logs " + name
	if why != nil {
		return unregisteredPods(s, why)
	}
	return &w.Problem{Code: "pipelines.offline", What: "The agent " + name + " does not come online", Why: "its pod is ready, and Azure DevOps has not heard from it for four minutes",
		Fix: "Read what it says (" + logs + "), and look whether pods reach " + s.Organization + " on port 443. Then retry from this step."}
}

// unregisteredPods is an error of the cluster, or what a pod said last of it
// that Azure DevOps did not take.
func unregisteredPods(s *State, err error) error {
	var p *w.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch {
	case strings.Contains(p.Why, "VS30063"), strings.Contains(p.Why, "TF400813"):
		return &w.Problem{Code: "pipelines.register", What: "The agents could not register", Why: "Azure DevOps does not let the credential register agents in the pool " + s.Pool, Detail: p.Why,
			Fix: "Give the token the scope Agent Pools (read and manage) and its owner the role Administrator on the pool, then run this again with it."}
	case strings.Contains(p.Why, "Agent pool not found"):
		return noPool(s.Pool)
	}
	return err
}

// tooMany takes agents out of the pool whose pods went because fewer are
// wanted than were. One whose job goes on leaves when that has ended.
func (f flow) tooMany(ctx context.Context, s *State, o Organization, log w.Log) error {
	names := agentNames(s.Agent, s.Before.AgentPods.Replicas)
	for _, name := range names[min(s.Pods.Replicas, len(names)):] {
		for try := 0; ; try++ {
			a, err := o.Agent(ctx, s.Found.Pool.ID, name)
			if err != nil {
				return err
			}
			if a != nil && !a.Online {
				if err := o.RemoveAgent(ctx, s.Found.Pool.ID, a.ID); err != nil {
					return err
				}
			}
			if a == nil || !a.Online {
				log.Good("The agent %s is gone", name)
				break
			}
			if try >= leaveLooks {
				log.Warn("The agent %s works still: it leaves when its job has ended", name)
				return nil // the record goes on to name it
			}
			if err := f.Pause(ctx, betweenLooks); err != nil {
				return err
			}
		}
	}
	if s.Before.AgentPods == s.Pods {
		return nil
	}
	return f.intend(ctx, s, func(b *w.ServiceConnection) { b.AgentPods = s.Pods })
}

// removeAgentPods takes the pods away first: an agent that is only taken out of
// its pool would come back.
func (f flow) removeAgentPods(ctx context.Context, s *State, log w.Log) error {
	b := s.Before
	err := f.onCluster(ctx, s, func(k Kube) error {
		if err := k.Uninstall(ctx, b.AgentPods.Namespace, b.Agent, log); err != nil {
			return err
		}
		return k.DeleteSecret(ctx, b.AgentPods.Namespace, secretOf(b.Agent))
	})
	if err != nil {
		return err
	}
	return f.inOrganization(ctx, s, func(o Organization) error {
		for _, name := range agentNames(b.Agent, b.AgentPods.Replicas) {
			if err := f.outOfPool(ctx, o, b.PoolID, name); err != nil {
				return err
			}
		}
		log.Good("The pool %s has no agent of %s any more", b.Pool, b.Agent)
		s.Before.Pool, s.Before.PoolID, s.Before.Agent, s.Before.AgentPods = "", 0, "", w.AgentPods{}
		return f.Records.SaveServiceConnection(context.WithoutCancel(ctx), &s.Before)
	})
}
