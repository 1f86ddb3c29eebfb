package connect

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
)

const (
	nodePause    = 3 * time.Second
	nodePatience = 200 // times nodePause: ten minutes
)

func (f flow) steps() []w.Step[State] {
	return []w.Step[State]{
		{ID: "reach", Title: "Reach the API server", Why: "The kubeconfig must open the cluster that it was made for.", Timeout: time.Minute, Run: f.reach},
		{ID: "components", Title: "Verify the control plane", Why: "etcd and every control plane pod must be well.", Timeout: time.Minute, Run: f.components},
		{ID: "nodes", Title: "Verify the nodes", Why: "Each machine must have joined and be Ready.", Timeout: 5 * time.Minute, Weight: 2, Run: f.nodes},
		{ID: "account", Title: "Make the scoped account", Why: "People and pipelines get what they need and no more.", When: func(s *State) bool { return s.wantsAccount() }, Run: f.account},
		{ID: "record", Title: "Remember the way", Why: "Later workflows reach the cluster the same way.", Run: f.record},
	}
}

func (f flow) reach(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		v, err := k.ServerVersion(ctx)
		if err != nil {
			return err
		}
		if why := k.NotDirect(); why != "" {
			log.Warn("Not directly: %s", why)
		}
		if k.ViaHelper() {
			log.Info("Through the helper VM's SSH to %s", k.Server())
		} else {
			log.Info("Directly to %s", k.Server())
		}
		s.Found.Server, s.Found.Version = k.Server(), v
		if v != "v"+s.Cluster.Version {
			log.Warn("The API server says %s, our record says v%s", v, s.Cluster.Version)
		}
		log.Good("The API server answers as %s", v)
		return nil
	})
}

func (f flow) components(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		list, err := k.Components(ctx)
		if err != nil {
			return err
		}
		bad := 0
		for _, c := range list {
			if c.Healthy {
				log.Good("%s: %s", c.Name, c.Message)
				continue
			}
			bad++
			log.Error("%s: %s", c.Name, c.Message)
		}
		if bad > 0 {
			return &w.Problem{Code: "connect.components", What: "The control plane is not well", Why: fmt.Sprintf("%d of %d parts have a problem", bad, len(list)),
				Fix: "Look at the parts that the log names, on the control plane node that has them, then retry from this step."}
		}
		return nil
	})
}

func (f flow) nodes(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error { return f.waitForNodes(ctx, k, s, log) })
}

func (f flow) waitForNodes(ctx context.Context, k Kube, s *State, log w.Log) error {
	for try := 0; ; try++ {
		nodes, err := k.Nodes(ctx)
		if err != nil {
			return err
		}
		ready := countReady(nodes)
		log.Progress(100*min(ready, s.Cluster.Nodes)/max(s.Cluster.Nodes, 1), fmt.Sprintf("%d of %d nodes Ready", ready, s.Cluster.Nodes))
		if ready >= s.Cluster.Nodes {
			s.Found.Ready = ready
			return f.show(ctx, k, nodes, log)
		}
		if try >= nodePatience {
			return &w.Problem{Code: "connect.nodes", What: "Not all nodes are Ready", Why: fmt.Sprintf("%d of %d after ten minutes", ready, s.Cluster.Nodes),
				Fix: "Look at the kubelet of the nodes that the cluster's page shows as not Ready, then retry from this step."}
		}
		if err := f.Pause(ctx, nodePause); err != nil {
			return err
		}
	}
}

func (f flow) show(ctx context.Context, k Kube, nodes []w.Node, log w.Log) error {
	log.Command("kubectl get nodes")
	log.Info("%s", f.Table(nodes, f.Clock()))
	log.Command("kubectl cluster-info")
	info, err := k.ClusterInfo(ctx)
	if err != nil {
		return err
	}
	log.Info("%s", info)
	log.Good("%d of %d nodes are Ready", countReady(nodes), len(nodes))
	return nil
}

func (f flow) account(ctx context.Context, s *State, log w.Log) error {
	if s.Found.AccountRef != "" && f.Clock().Before(s.Found.Expires) {
		log.Info("The account's kubeconfig is in custody already")
		return nil
	}
	return f.with(ctx, s, func(k Kube) error {
		asked := time.Duration(s.Hours) * time.Hour
		got, err := k.EnsureScopedAccount(ctx, Account{Namespace: s.Namespace, Name: s.Name, Role: s.Role, TTL: asked})
		if err != nil {
			return err
		}
		if s.Found.AccountRef, err = f.Vault.Seal(ctx, "kubeconfig.scoped", got.Kubeconfig); err != nil {
			return err
		}
		s.Found.Expires = got.Expires
		if got.Existed {
			log.Info("The account was there already: it gets a new token and the role that was chosen now")
		}
		if got.Expires.Before(f.Clock().Add(asked - time.Minute)) {
			log.Warn("The API server gives tokens a shorter life than the %d hours that were asked for", s.Hours)
		}
		log.Good("Service account %s in namespace %s with role %s, good until %s", s.Name, s.Namespace, s.Role, until(got.Expires))
		return nil
	})
}

func until(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 MST") }

func (f flow) record(ctx context.Context, s *State, log w.Log) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return err
	}
	if c.ViaHelper == s.viaHelper() {
		log.Info("The way is recorded already: %s", wayWords(s.Found.Way))
		return nil
	}
	c.ViaHelper = s.viaHelper()
	if err := f.Records.SaveCluster(ctx, &c); err != nil {
		return err
	}
	log.Good("From now on the cluster is reached %s", wayWords(s.Found.Way))
	return nil
}
