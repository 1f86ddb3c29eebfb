package sandbox

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/helper"
)

// shell is the SSH server of a cluster's machine.
type shell struct {
	cluster, host string
	addr          string // of the SSH server
	name          string // public, of a master
	port          int    // public, of a master
}

func shellName(s *stamp, m arm.Machine) string { return s.region + "-" + strings.ToLower(m.Name) }

// openShell starts a node's SSH server. That of a master is where the load
// balancer's NAT rule says; the others are reached through it alone. pki is
// what a new machine has on its disk; a restarted one has its disk.
func (w *World) openShell(ctx context.Context, s *stamp, m arm.Machine, pki *controlplane.PKI) error {
	suffix := m.Tags["resourceNameSuffix"]
	ip, fqdn := s.hub.ClusterIP(m.Group, suffix), s.hub.ClusterName(m.Group, suffix)
	if ip == "" {
		return nil // nobody could reach it
	}
	vm := helper.VM{Name: shellName(s, m), Hostname: m.Name, Address: m.SSH, AdminUser: m.User, AuthorizedKeys: m.AuthorizedKeys, HubCA: s.ca.PEM(), Node: true}
	if pki != nil {
		vm.Files = nodeFiles(m, pki)
		vm.Files["/etc/kubernetes/azure.json"] = fmt.Appendf(nil, `{"cloud": "AzureStackCloud", "aadClientId": %q, "aadClientSecret": %q, "resourceGroup": %q}`+"\n", s.client, s.secret, m.Group)
	}
	hidden := net.JoinHostPort(ip, "0")
	if vm.Address == "" {
		vm.Address = hidden
	}
	addr, err := w.fleet.Add(ctx, vm)
	if err != nil && vm.Address != hidden {
		// Only root may open port 22, and a server of this machine may have it on all addresses.
		w.opts.Log.Warn("a master's SSH is not where the load balancer has it; the engine's rotate-certs and get-logs will not find it", "node", m.Name, "err", err)
		vm.Address = hidden
		addr, err = w.fleet.Add(ctx, vm)
	}
	if err != nil {
		return err
	}
	sh := shell{cluster: clusterID(s, suffix, m.Group), host: m.Name, addr: addr, name: fqdn}
	if _, port, err := net.SplitHostPort(m.SSH); err == nil {
		sh.port, _ = strconv.Atoi(port)
		w.door.Tunnel(fqdn, sh.port, dialer(addr))
		w.door.Tunnel(ip, sh.port, dialer(addr))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shells[vm.Name] = sh
	return nil
}

// closeShell ends a node's SSH server, and with forget its disk.
func (w *World) closeShell(s *stamp, m arm.Machine, forget bool) {
	name := shellName(s, m)
	w.mu.Lock()
	sh := w.shells[name]
	delete(w.shells, name)
	w.mu.Unlock()
	if sh.port != 0 {
		w.door.Forget(sh.name, sh.port)
		host, _, _ := net.SplitHostPort(m.SSH)
		w.door.Forget(host, sh.port)
	}
	w.fleet.Halt(name)
	if !forget {
		return
	}
	if err := w.fleet.Remove(name); err != nil {
		w.opts.Log.Warn("removing a node's disk", "node", m.Name, "err", err)
	}
}

// neighbour finds the SSH server of another machine of a node's cluster.
func (w *World) neighbour(vm, host string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, ok := w.shells[vm]
	if !ok {
		return "", false
	}
	for _, sh := range w.shells {
		if sh.cluster == from.cluster && strings.EqualFold(sh.host, host) {
			return sh.addr, true
		}
	}
	return "", false
}

const certFolder = "/etc/kubernetes/certs/"

// nodeFiles are the files on a node's disk that the engine's day-two commands
// read, change or run.
func nodeFiles(m arm.Machine, pki *controlplane.PKI) map[string][]byte {
	provisioned := fmt.Sprintf("Provisioned %s as %s of pool %s\n", m.Name, m.Tags["orchestrator"], m.Tags["poolName"])
	out := map[string][]byte{
		"/etc/environment":                      []byte("LANG=C.UTF-8\n"),
		"/etc/kubernetes/certs/.made":           []byte(m.Name + "\n"),
		"/var/lib/kubelet/pki/.made":            []byte(m.Name + "\n"),
		"/var/log/azure/cluster-provision.log":  []byte(provisioned),
		"/opt/azure/containers/collect-logs.sh": []byte("#!/bin/sh\nset -e\ncp /opt/azure/containers/logs.zip /tmp/logs.zip\n"),
		"/opt/azure/containers/logs.zip":        logArchive(m.Name, provisioned),
	}
	for name, part := range pki.Files() {
		if isMaster(m) || name == "ca.crt" || strings.HasPrefix(name, "client.") {
			out[certFolder+name] = *part
		}
	}
	if isMaster(m) {
		out["/etc/kubernetes/generate-proxy-certs.sh"] = []byte("#!/bin/sh\necho 'The front proxy has certificates.'\n")
		out["/home/"+m.User+"/.kube/config"] = []byte("apiVersion: v1\nkind: Config\n")
	}
	return out
}

// logArchive is what a node's collection of logs comes to.
func logArchive(node, provisioned string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range map[string]string{
		"cluster-provision.log": provisioned, "daemons/kubelet.log": node + " kubelet: Started kubelet\n", "daemons/containerd.log": node + " containerd: containerd successfully booted\n",
	} {
		if f, err := z.Create(name); err == nil { // a buffer never fails
			_, _ = f.Write([]byte(text))
		}
	}
	_ = z.Close()
	return out.Bytes()
}

// renewPKI makes the control plane serve with the certificates that are on a
// master's disk when that starts: rotate-certs has perhaps put others there.
func (w *World) renewPKI(ctx context.Context, s *stamp, m arm.Machine) error {
	id := clusterID(s, m.Tags["resourceNameSuffix"], m.Group)
	spec, ok := w.clusters.Spec(id)
	if !ok {
		return nil
	}
	for name, part := range spec.PKI.Files() {
		raw, err := os.ReadFile(w.fleet.Disk(shellName(s, m), certFolder+name))
		if err != nil {
			return err
		}
		*part = raw
	}
	if err := w.clusters.Ensure(ctx, spec); err != nil {
		return err
	}
	s.hub.Rotated(m.Group, m.Tags["resourceNameSuffix"], spec.PKI.CA)
	return nil
}
