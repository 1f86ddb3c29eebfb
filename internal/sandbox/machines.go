package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox/arm"
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
			if !m.On || m.IsNode() && !m.Joined {
				continue
			}
			boot := w.bootHelper
			if m.IsNode() {
				boot = func(ctx context.Context, s *stamp, m arm.Machine) error { return w.openShell(ctx, s, m, nil) }
			}
			if err := boot(ctx, s, m); err != nil {
				return fmt.Errorf("starting %s: %w", m.Name, err)
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
		for _, id := range ids {
			w.missNodes(id)
		}
	})
	return nil
}
