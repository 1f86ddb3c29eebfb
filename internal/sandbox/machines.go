package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/helper"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
)

const (
	apiPort = 443
	sshPort = 22
)

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
		w.door.Tunnel(c.FQDN, apiPort, w.apiDialer(id))
	}
	return w.clusters.AddNode(ctx, id, nodeOf(s, m))
}

func specOf(id string, c arm.ClusterFacts) controlplane.Spec {
	return controlplane.Spec{ID: id, Version: c.Version, FQDN: c.FQDN, IP: c.IP, ResourceGroup: c.Group, PKI: controlplane.PKI{
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
		Name: m.Name, Pool: m.Tags["poolName"], Version: version, VMSize: m.Size, Subscription: s.subscription, ResourceGroup: m.Group, IP: m.PrivateIP,
	}
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

func (w *World) vmGone(ctx context.Context, s *stamp, m arm.Machine) {
	if !m.IsNode() {
		if err := w.fleet.Remove(s.region + "-" + m.Name); err != nil {
			w.opts.Log.Warn("removing a helper VM", "vm", m.Name, "err", err)
		}
		w.door.Forget(m.FQDN, sshPort)
		w.door.Forget(m.PublicIP, sshPort)
		return
	}
	id := clusterID(s, m.Tags["resourceNameSuffix"], m.Group)
	var err error
	if m.Tags["poolName"] == "master" { // the Node of a master stays until a new VM takes its name
		err = w.clusters.NodePower(ctx, id, m.Name, false)
	} else {
		err = w.clusters.RemoveNode(ctx, id, m.Name)
	}
	if err != nil {
		w.opts.Log.Warn("taking a node away", "node", m.Name, "err", err)
	}
}

// existingHosts starts the machines that were there before Hubwright: a Linux
// host that can become a helper VM and a Windows host that must be refused.
func (w *World) existingHosts(ctx context.Context, s *stamp) error {
	for _, h := range []SeedHost{
		{Name: "jump01", Address: "127.41.0.10", User: "azureuser"},
		{Name: "win01", Address: "127.41.0.11", User: "azureuser", Windows: true},
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
			if !m.IsNode() {
				if err := w.bootHelper(ctx, s, m); err != nil {
					return fmt.Errorf("starting the helper VM %s: %w", m.Name, err)
				}
			}
		}
	}
	if entries, err := os.ReadDir(filepath.Join(w.opts.Dir, "clusters")); err != nil || len(entries) == 0 {
		return nil
	}
	w.background.Add(1)
	go func() {
		defer w.background.Done()
		ids, err := w.clusters.Restore(w.ctx)
		if err != nil {
			w.opts.Log.Warn("bringing clusters back", "err", err)
		}
		w.opts.Log.Info("clusters are back", "clusters", ids)
	}()
	w.reopenAPIs()
	return nil
}

// reopenAPIs leads the names of all known clusters to their API servers.
func (w *World) reopenAPIs() {
	for _, s := range w.stamps {
		seen := map[string]bool{}
		for _, m := range s.hub.Machines() {
			suffix := m.Tags["resourceNameSuffix"]
			id := clusterID(s, suffix, m.Group)
			if !m.IsNode() || seen[id] {
				continue
			}
			seen[id] = true
			if fqdn := s.hub.ClusterName(m.Group, suffix); fqdn != "" {
				w.door.Tunnel(fqdn, apiPort, w.apiDialer(id))
			}
		}
	}
}
