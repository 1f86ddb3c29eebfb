// Package clustertest starts a real control plane for tests of other rooms, as httptest starts a server.
package clustertest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"hubwright/internal/sandbox/controlplane"
)

const (
	// FQDN is the cluster's public name. Only Dial and a proxy know where it leads.
	FQDN = "ratings-sea.seattle.cloudapp.azurestack.test"
	// Version is its Kubernetes version.
	Version = "1.33.10"
	// Suffix is the name suffix of its machines.
	Suffix = "35064155"

	id = "ratings-sea"
)

// Cluster is a running control plane with one master and two agents, all Ready.
type Cluster struct {
	manager *controlplane.Manager
	pki     controlplane.PKI
	binary  string
}

// Start builds the control plane if nobody has yet, starts it with its data in dir and waits for its nodes. Several test
// processes may do so at a time. Each of other may change the options before.
func Start(ctx context.Context, dir string, log func(line string), other ...func(*controlplane.Options)) (*Cluster, error) {
	binary, err := controlplane.Build(ctx, "", log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{binary: binary}
	if c.pki, err = newPKI(); err != nil {
		return nil, err
	}
	options := controlplane.Options{Dir: dir, Binary: func(context.Context) (string, error) { return binary, nil }, Log: log, Speed: 100}
	for _, change := range other {
		change(&options)
	}
	c.manager, err = controlplane.New(options)
	if err != nil {
		return nil, err
	}
	if err := c.fill(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) fill(ctx context.Context) error {
	err := c.manager.Ensure(ctx, controlplane.Spec{ID: id, Version: Version, FQDN: FQDN, IP: ownAddress(), ResourceGroup: "rg-ratings-sea", PKI: c.pki})
	if err != nil {
		return err
	}
	for _, n := range []controlplane.Node{
		{Name: "k8s-master-" + Suffix + "-0", Pool: "master", IP: "10.240.255.5"},
		{Name: "k8s-linuxpool-" + Suffix + "-0", Pool: "linuxpool", IP: "10.240.0.4"},
		{Name: "k8s-linuxpool-" + Suffix + "-1", Pool: "linuxpool", IP: "10.240.0.5"},
	} {
		n.Version, n.Subscription, n.ResourceGroup = Version, "a1b2", "rg-ratings-sea"
		if err := c.manager.AddNode(ctx, id, n); err != nil {
			return err
		}
	}
	return nil
}

// ownAddress is a 127.x address that no other test process has: its second and third number are the process's.
func ownAddress() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 130+pid>>16&63, pid>>8&255, 1+pid&127)
}

// Close stops the cluster.
func (c *Cluster) Close() error { return c.manager.Close() }

// Endpoint is the loopback address of the API server, "ip:port".
func (c *Cluster) Endpoint() string { return c.manager.Endpoint(id) }

// Binary is the multi-call program, whose first argument may be kubectl.
func (c *Cluster) Binary() string { return c.binary }

// Dial leads to the API server, whatever address it is asked for.
func (c *Cluster) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", c.Endpoint())
}

// SetPower turns the machine of a node on or off.
func (c *Cluster) SetPower(ctx context.Context, node string, on bool) error {
	return c.manager.NodePower(ctx, id, node, on)
}

// Kubeconfig is the cluster-admin kubeconfig in JSON, as AKS Engine writes it: by the cluster's public name.
func (c *Cluster) Kubeconfig() []byte {
	return c.kubeconfig(map[string]any{"server": "https://" + FQDN})
}

// KubeconfigForKubectl leads to the loopback address, for a program that cannot be told how to dial.
func (c *Cluster) KubeconfigForKubectl() []byte {
	return c.kubeconfig(map[string]any{"server": "https://" + c.Endpoint(), "tls-server-name": FQDN})
}

func (c *Cluster) kubeconfig(cluster map[string]any) []byte {
	type object = map[string]any
	b64 := base64.StdEncoding.EncodeToString
	cluster["certificate-authority-data"] = b64(c.pki.CA)
	text, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": id,
		"clusters": []any{object{"name": id, "cluster": cluster}},
		"contexts": []any{object{"name": id, "context": object{"cluster": id, "user": id + "-admin"}}},
		"users":    []any{object{"name": id + "-admin", "user": object{"client-certificate-data": b64(c.pki.Client), "client-key-data": b64(c.pki.ClientKey)}}},
	})
	if err != nil {
		panic(err) // strings alone
	}
	return text
}
