package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/proxy"
)

func clusterID(s *stamp, suffix, group string) string {
	return strings.ToLower(s.region + "-" + group + "-" + suffix)
}

// joinNode does what a node's set-up script does: the first master brings the
// control plane up, a later one of another version brings it to that version,
// every machine registers as a node.
func (w *World) joinNode(ctx context.Context, s *stamp, m arm.Machine, c arm.ClusterFacts) error {
	id := clusterID(s, c.Suffix, c.Group)
	spec := specOf(id, c)
	if len(spec.PKI.CA) > 0 && c.IP != "" && (isMaster(m) || w.clusters.Endpoint(id) == "") {
		if err := w.clusters.Ensure(ctx, spec); err != nil {
			return fmt.Errorf("the control plane did not start: %w", err)
		}
		w.openAPI(id, c.FQDN)
	}
	if err := w.clusters.AddNode(ctx, id, nodeOf(s, m)); err != nil {
		return err
	}
	if err := w.silence(ctx, s, id, m.Name); err != nil {
		return err
	}
	return w.openShell(ctx, s, m, &spec.PKI)
}

// silence plays a node whose kubelet stops to report, until the fault is
// lifted.
func (w *World) silence(ctx context.Context, s *stamp, id, node string) error {
	effect, lifted, hit := w.faults.Strike(faults.Event{At: faults.AtNode, Stamp: s.region, Name: node})
	if !hit || !effect.Stuck {
		return nil
	}
	w.background.Go(func() {
		select {
		case <-lifted:
		case <-w.ctx.Done():
			return
		}
		if err := w.clusters.NodePower(w.ctx, id, node, true); err != nil {
			w.opts.Log.Warn("letting a node report again", "node", node, "err", err)
		}
	})
	return w.clusters.NodePower(ctx, id, node, false)
}

func isMaster(m arm.Machine) bool { return m.Tags["poolName"] == masterPool }

func specOf(id string, c arm.ClusterFacts) controlplane.Spec {
	return controlplane.Spec{ID: id, Version: c.Version, FQDN: c.FQDN, IP: c.IP, AdvertiseIP: c.InternalIP, ResourceGroup: c.Group, PKI: controlplane.PKI{
		CA: c.PEM["cacertificate"], CAKey: c.PEM["caprivatekey"],
		APIServer: c.PEM["apiservercertificate"], APIServerKey: c.PEM["apiserverprivatekey"],
		Client: c.PEM["clientcertificate"], ClientKey: c.PEM["clientprivatekey"],
		EtcdServer: c.PEM["etcdservercertificate"], EtcdServerKey: c.PEM["etcdserverprivatekey"],
		EtcdClient: c.PEM["etcdclientcertificate"], EtcdClientKey: c.PEM["etcdclientprivatekey"],
	}}
}

func nodeOf(s *stamp, m arm.Machine) controlplane.Node {
	_, version, _ := strings.Cut(m.Tags["orchestrator"], ":")
	return controlplane.Node{
		Name: m.Name, Pool: m.Tags["poolName"], Version: version, VMSize: m.Size, CPUs: m.Cores, MemoryMiB: m.MemoryMB,
		Subscription: s.subscription, ResourceGroup: m.Group, IP: m.PrivateIP,
	}
}

// openAPI leads a cluster's public name to its API server.
func (w *World) openAPI(id, fqdn string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apis[id] = fqdn
	w.door.Tunnel(fqdn, apiPort, w.apiDialer(id))
}

func (w *World) closeAPI(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.door.Forget(w.apis[id], apiPort)
	delete(w.apis, id)
}

// apiDialer finds the API server at each connection: it may have been
// restarted in between, and it is away while no master runs.
func (w *World) apiDialer(id string) proxy.Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		addr := w.clusters.Endpoint(id)
		if addr == "" || !w.masterRuns(id) {
			return nil, fmt.Errorf("the cluster %s is not running", id)
		}
		return loopback.Dial(ctx, "tcp", addr)
	}
}

func (w *World) masterRuns(id string) bool {
	for _, s := range w.stamps {
		for _, m := range s.hub.Machines() {
			if isMaster(m) && m.On && m.Joined && clusterID(s, m.Tags["resourceNameSuffix"], m.Group) == id {
				return true
			}
		}
	}
	return false
}

// vmGoing: a node whose VM is being deleted falls silent.
func (w *World) vmGoing(ctx context.Context, s *stamp, m arm.Machine) {
	if !m.IsNode() {
		return
	}
	w.minded(ctx, s, m)
	id := clusterID(s, m.Tags["resourceNameSuffix"], m.Group)
	w.closeShell(s, m, false)
	if err := w.clusters.NodePower(ctx, id, m.Name, false); err != nil && !errors.Is(err, controlplane.ErrNotRunning) {
		w.opts.Log.Warn("switching a node off", "node", m.Name, "err", err)
	}
}

// missedAfter is how long, at speed 1, the cloud controller of a cluster takes
// to see that a node's VM is gone.
const missedAfter = 40 * time.Second

// vmGone takes away what stood for a machine. The Node of an agent goes a
// moment later, unless its VM is there again by then; that of a master stays
// until a new VM takes its name. With its last disk the cluster goes.
func (w *World) vmGone(_ context.Context, s *stamp, m arm.Machine) {
	if !m.IsNode() {
		w.door.Forget(m.FQDN, sshPort)
		w.door.Forget(m.PublicIP, sshPort)
		if err := w.fleet.Remove(s.region + "-" + m.Name); err != nil {
			w.opts.Log.Warn("removing a helper VM", "vm", m.Name, "err", err)
		}
		return
	}
	w.closeShell(s, m, true)
	suffix := m.Tags["resourceNameSuffix"]
	id := clusterID(s, suffix, m.Group)
	if s.hub.ClusterGone(m.Group, suffix) {
		w.closeAPI(id)
		if err := w.clusters.Remove(id); err != nil {
			w.opts.Log.Warn("removing a cluster", "cluster", id, "err", err)
		}
		return
	}
	if isMaster(m) {
		return
	}
	w.background.Go(func() { w.missNode(s, id, m) })
}

// missNode takes the Node of a machine away that stays gone.
func (w *World) missNode(s *stamp, id string, m arm.Machine) {
	wait := time.Duration(float64(missedAfter) / w.opts.Speed)
	for {
		select {
		case <-time.After(wait):
		case <-w.ctx.Done():
			return
		}
		if s.hub.Exists(m.ID) || s.hub.ClusterGone(m.Group, m.Tags["resourceNameSuffix"]) {
			return
		}
		err := w.clusters.RemoveNode(w.ctx, id, m.Name)
		if err == nil || w.ctx.Err() != nil {
			return
		}
		if !errors.Is(err, controlplane.ErrNotRunning) {
			w.opts.Log.Warn("taking a node away", "node", m.Name, "err", err)
		}
		wait = time.Second // it is being restarted
	}
}

// missNodes does the same for all that went while nobody looked.
func (w *World) missNodes(id string) {
	names, err := w.clusters.Nodes(w.ctx, id)
	if err != nil {
		w.opts.Log.Warn("listing nodes", "cluster", id, "err", err)
		return
	}
	there := map[string]bool{}
	for _, s := range w.stamps {
		for _, m := range s.hub.Machines() {
			if clusterID(s, m.Tags["resourceNameSuffix"], m.Group) == id {
				there[strings.ToLower(m.Name)] = true
			}
		}
	}
	for _, name := range names {
		if there[name] || strings.HasPrefix(name, "k8s-master-") {
			continue
		}
		if err := w.clusters.RemoveNode(w.ctx, id, name); err != nil {
			w.opts.Log.Warn("taking a node away", "node", name, "err", err)
		}
	}
}

// vmPower: a machine was stopped or started.
func (w *World) vmPower(ctx context.Context, s *stamp, m arm.Machine, on bool) error {
	switch {
	case m.IsNode():
		return w.nodePower(ctx, s, m, on)
	case on:
		return w.bootHelper(ctx, s, m)
	}
	w.door.Forget(m.FQDN, sshPort)
	w.door.Forget(m.PublicIP, sshPort)
	w.fleet.CutConnections(s.region + "-" + m.Name)
	return nil
}

func (w *World) nodePower(ctx context.Context, s *stamp, m arm.Machine, on bool) error {
	id := clusterID(s, m.Tags["resourceNameSuffix"], m.Group)
	if !on {
		w.closeShell(s, m, false)
		return w.clusters.NodePower(ctx, id, m.Name, false)
	}
	if isMaster(m) {
		if err := w.renewPKI(ctx, s, m); err != nil {
			w.opts.Log.Warn("a master's control plane does not start", "node", m.Name, "err", err)
		}
	}
	if err := w.clusters.NodePower(ctx, id, m.Name, true); err != nil {
		return err
	}
	return w.openShell(ctx, s, m, nil)
}

func (w *World) vmRestarted(ctx context.Context, s *stamp, m arm.Machine) error {
	if err := w.vmPower(ctx, s, m, false); err != nil {
		return err
	}
	return w.vmPower(ctx, s, m, true)
}
