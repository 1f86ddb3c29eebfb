package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/operate"
)

// engineKnows is where AKS Engine keeps the host keys that it has seen, on the
// helper VM.
const engineKnows = ".aks-engine-azurestack/known_hosts"

// node is a login at a cluster's node, with the logins that lead there.
type node struct {
	*remote.Host
	way []*remote.Host
}

func (n node) Run(ctx context.Context, script string, stdin io.Reader) (operate.Output, error) {
	out, err := n.Host.Run(ctx, script, stdin)
	return operate.Output(out), err
}

// Close ends the login and those that lead there.
func (n node) Close() error {
	err := n.Host.Close()
	for i := len(n.way) - 1; i >= 0; i-- {
		err = errors.Join(err, n.way[i].Close())
	}
	return err
}

// openNode holds the SSH host to the key that AKS Engine has seen there, if it
// was there. The nodes behind it are made anew too often to be known.
func (a adapters) openNode(ctx context.Context, siteID string, way operate.NodeWay, name string) (operate.Node, error) {
	helper, err := a.dialHelper(ctx, siteID)
	if err != nil {
		return nil, err
	}
	known, err := helper.Download(ctx, engineKnows, 1<<20)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return nil, errors.Join(err, helper.Close())
	}
	jump, err := helper.Through(ctx, remote.Target{Host: way.Host, User: way.User, PrivateKey: way.Key, HostKey: knownKey(known, way.Host)})
	if err != nil {
		return nil, errors.Join(err, helper.Close())
	}
	there, err := jump.Through(ctx, remote.Target{Host: name, User: way.User, PrivateKey: way.Key})
	if err != nil {
		return nil, errors.Join(err, jump.Close(), helper.Close())
	}
	return node{there, []*remote.Host{helper, jump}}, nil
}

// knownKey finds a host in a known_hosts file, in authorized_keys form.
func knownKey(file []byte, host string) string {
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		names, key, ok := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if !ok {
			continue
		}
		for _, name := range strings.Split(names, ",") {
			if name == host || name == "["+host+"]:22" {
				return key
			}
		}
	}
	return ""
}
