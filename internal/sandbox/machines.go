package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/helper"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
)

const (
	apiPort = 443
	sshPort = 22

	masterPool = "master" // of the tag poolName
)

func target(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func dialer(addr string) proxy.Dialer {
	return func(ctx context.Context) (net.Conn, error) { return loopback.Dial(ctx, "tcp", addr) }
}

// bootHelper starts the SSH server of a VM that is no cluster node.
func (w *World) bootHelper(ctx context.Context, s *stamp, m arm.Machine) error {
	if m.PublicIP == "" {
		return nil // nobody could reach it anyway
	}
	addr, err := w.fleet.Add(ctx, helper.VM{Name: s.region + "-" + m.Name, Address: m.PublicIP, AdminUser: m.User, AuthorizedKeys: m.AuthorizedKeys, HubCA: s.ca.PEM()})
	if err != nil {
		return err
	}
	for _, name := range []string{m.FQDN, m.PublicIP} {
		if name != "" {
			w.door.Tunnel(name, sshPort, dialer(addr))
		}
	}
	w.opts.Log.Info("helper VM is up", "stamp", s.name, "vm", m.Name, "ssh", addr)
	return nil
}

func clusterID(s *stamp, suffix, group string) string {
	return strings.ToLower(s.region + "-" + group + "-" + suffix)
}

// joinNode does what a node's set-up script does: the first master brings the
// control plane up, every machine registers as a node.
func (w *World) joinNode(ctx context.Context, s *stamp, m arm.Machine, c arm.ClusterFacts) error {
	id := clusterID(s, c.Suffix, c.Group)
	if len(c.PEM["cacertificate"]) > 0 && c.IP != "" {
		if err := w.clusters.Ensure(ctx, specOf(id, c)); err != nil {
			return fmt.Errorf("the control plane did not start: %w", err)
		}
		w.openAPI(id, c.FQDN)
	}
	if err := w.clusters.AddNode(ctx, id, nodeOf(s, m)); err != nil {
		return err
	}
	return w.silence(ctx, s, id, m.Name)
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
// restarted in between.
func (w *World) apiDialer(id string) proxy.Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		addr := w.clusters.Endpoint(id)
		if addr == "" {
			return nil, fmt.Errorf("the cluster %s is not running", id)
		}
		return loopback.Dial(ctx, "tcp", addr)
	}
}

// vmGoing: a node whose VM is being deleted falls silent.
func (w *World) vmGoing(ctx context.Context, s *stamp, m arm.Machine) {
	if !m.IsNode() {
		return
	}
	id := clusterID(s, m.Tags["resourceNameSuffix"], m.Group)
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
	suffix := m.Tags["resourceNameSuffix"]
	id := clusterID(s, suffix, m.Group)
	if s.hub.ClusterGone(m.Group, suffix) {
		w.closeAPI(id)
		if err := w.clusters.Remove(id); err != nil {
			w.opts.Log.Warn("removing a cluster", "cluster", id, "err", err)
		}
		return
	}
	if m.Tags["poolName"] == masterPool {
		return
	}
	w.background.Go(func() {
		t := time.NewTimer(time.Duration(float64(missedAfter) / w.opts.Speed))
		defer t.Stop()
		select {
		case <-t.C:
		case <-w.ctx.Done():
			return
		}
		if s.hub.Exists(m.ID) {
			return
		}
		if err := w.clusters.RemoveNode(w.ctx, id, m.Name); err != nil && !errors.Is(err, controlplane.ErrNotRunning) {
			w.opts.Log.Warn("taking a node away", "node", m.Name, "err", err)
		}
	})
}

// vmPower: a machine was stopped or started.
func (w *World) vmPower(ctx context.Context, s *stamp, m arm.Machine, on bool) error {
	switch {
	case m.IsNode():
		return w.clusters.NodePower(ctx, clusterID(s, m.Tags["resourceNameSuffix"], m.Group), m.Name, on)
	case on:
		return w.bootHelper(ctx, s, m)
	}
	w.door.Forget(m.FQDN, sshPort)
	w.door.Forget(m.PublicIP, sshPort)
	w.fleet.CutConnections(s.region + "-" + m.Name)
	return nil
}

func (w *World) vmRestarted(ctx context.Context, s *stamp, m arm.Machine) error {
	if err := w.vmPower(ctx, s, m, false); err != nil {
		return err
	}
	return w.vmPower(ctx, s, m, true)
}

// serviceAddress gives a Service of type LoadBalancer its address: a public IP
// of the Hub.
func (w *World) serviceAddress(_ context.Context, id, namespace, service string) (string, error) {
	for _, s := range w.stamps {
		for _, m := range s.hub.Machines() {
			if m.IsNode() && clusterID(s, m.Tags["resourceNameSuffix"], m.Group) == id {
				return s.hub.ServiceAddress(m.Group, id, namespace, service)
			}
		}
	}
	return "", fmt.Errorf("no Hub has the cluster %s", id)
}

// existingBeside is the region that the existing hosts stand beside.
const existingBeside = "orlando"

// existingHosts starts the machines that were there before Hubwright: a Linux
// host that can become a helper VM and a Windows host that must be refused.
func (w *World) existingHosts(ctx context.Context, s *stamp) error {
	for _, h := range []SeedHost{
		{Name: "jump01", Address: fmt.Sprintf("127.%d.0.10", w.opts.Block+1), User: "azureuser"},
		{Name: "win01", Address: fmt.Sprintf("127.%d.0.11", w.opts.Block+1), User: "azureuser", Windows: true},
	} {
		private, public, err := openSSHKey(filepath.Join(w.opts.Dir, "pki"), h.Name+"-login")
		if err != nil {
			return err
		}
		addr, err := w.fleet.Add(ctx, helper.VM{Name: h.Name, Address: h.Address, AdminUser: h.User, AuthorizedKeys: []string{public}, HubCA: s.ca.PEM(), Existing: true, Windows: h.Windows})
		if err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return err
		}
		h.Address, h.PrivateKey = host, private
		if _, err := fmt.Sscan(port, &h.Port); err != nil {
			return err
		}
		w.door.Tunnel(h.Address, h.Port, dialer(addr))
		w.hosts = append(w.hosts, h)
	}
	return nil
}

// openSSHKey reads or makes a login key: private half as PEM, public half as a
// line of authorized_keys.
func openSSHKey(dir, name string) (private, public string, err error) {
	key, err := pki.OpenKey(dir, name)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(key, name)
	if err != nil {
		return "", "", err
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", err
	}
	return pemText(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) + " " + name, nil
}

// restore brings back helper VMs and clusters of an earlier life. Control
// planes start in the background.
func (w *World) restore(ctx context.Context) error {
	for _, s := range w.stamps {
		for _, m := range s.hub.Machines() {
			if m.IsNode() || !m.On {
				continue
			}
			if err := w.bootHelper(ctx, s, m); err != nil {
				return fmt.Errorf("starting the helper VM %s: %w", m.Name, err)
			}
		}
		for id, fqdn := range s.clusters() {
			w.openAPI(id, fqdn)
		}
	}
	entries, err := os.ReadDir(filepath.Join(w.opts.Dir, "clusters"))
	if err != nil || !slices.ContainsFunc(entries, os.DirEntry.IsDir) {
		return nil
	}
	w.background.Go(func() {
		ids, err := w.clusters.Restore(w.ctx)
		if err != nil && w.ctx.Err() == nil {
			w.opts.Log.Warn("bringing clusters back", "err", err)
		}
		w.opts.Log.Info("clusters are back", "clusters", ids)
	})
	return nil
}
