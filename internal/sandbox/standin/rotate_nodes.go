package standin

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// rotateScript is what nodes run: it puts the new certificates where the old ones are, and keeps those.
const rotateScript = `#!/bin/bash
set -euo pipefail
new=` + rotateDir + `certs
case "$1" in
backup) mkdir -p ` + rotateDir + `backup; cp -p /etc/kubernetes/certs/* ` + rotateDir + `backup/ ;;
cp_certs|agent_certs) cp "$new"/* /etc/kubernetes/certs/ ;;
cp_proxy) if [ -x /etc/kubernetes/generate-proxy-certs.sh ]; then /etc/kubernetes/generate-proxy-certs.sh; fi ;;
cleanup) rm -rf ` + rotateDir + ` ;;
esac
`

// distribute brings the new certificates to nodes. Agents get what is theirs.
func (r *rotation) distribute(ctx context.Context, names []string, agents bool) error {
	for _, name := range names {
		if err := r.nodes.upload(ctx, name, rotateDir+"rotate-certs.sh", "744", []byte(rotateScript)); err != nil {
			return err
		}
		for _, f := range r.props.CertificateProfile.files() {
			public := f.file == "ca" || f.file == "apiserver"
			if f.file == "kubectlClient" || agents && !public && f.file != "client" {
				continue
			}
			if err := r.nodes.upload(ctx, name, rotateDir+"certs/"+f.file+".crt", "644", []byte(*f.cert)); err != nil {
				return err
			}
			if agents && public {
				continue
			}
			if err := r.nodes.upload(ctx, name, rotateDir+"certs/"+f.file+".key", "600", []byte(*f.key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rotation) each(ctx context.Context, names []string, step string) error {
	for _, name := range names {
		if _, err := r.nodes.run(ctx, name, `bash -euxo pipefail -c "sudo `+rotateDir+`rotate-certs.sh `+step+`"`, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) rotateMasters(ctx context.Context, r *rotation) error {
	p.log.info("Distributing control plane certificates")
	if err := r.distribute(ctx, r.masters, false); err != nil {
		return err
	}
	p.log.info("Backing up node certificates")
	if err := r.each(ctx, r.masters, "backup"); err != nil {
		return err
	}
	p.log.info("Rotating control plane certificates")
	if err := r.each(ctx, r.masters, "cp_certs"); err != nil {
		return err
	}
	p.log.info("Rebooting control plane nodes")
	for _, name := range r.masters {
		if err := p.reboot(ctx, r, name); err != nil {
			return err
		}
	}
	if err := p.awaitNodes(ctx, r, r.masters); err != nil {
		return err
	}
	p.log.info("Rotating front-proxy certificates")
	if err := r.each(ctx, r.masters, "cp_proxy"); err != nil {
		return err
	}
	p.log.info("Deleting temporary artifacts from control plane nodes")
	return r.each(ctx, r.masters, "cleanup")
}

// reboot restarts a VM and waits until it runs.
func (p *process) reboot(ctx context.Context, r *rotation, name string) error {
	const kind = "Microsoft.Compute/virtualMachines"
	if err := r.arm.change(ctx, http.MethodPost, r.under(kind, name+"/restart", computeVersion)); err != nil {
		return err
	}
	for {
		var vm struct {
			Properties struct {
				InstanceView struct {
					Statuses []struct {
						Code string `json:"code"`
					} `json:"statuses"`
				} `json:"instanceView"`
			} `json:"properties"`
		}
		if err := r.arm.get(ctx, r.under(kind, name, computeVersion)+"&$expand=instanceView", &vm); err != nil {
			return err
		}
		for _, s := range vm.Properties.InstanceView.Statuses {
			if s.Code == "PowerState/running" {
				return nil
			}
		}
		if err := p.lookPause(ctx); err != nil {
			return err
		}
	}
}

func (p *process) rotateAgents(ctx context.Context, r *rotation) error {
	nodes, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if !slices.Contains(r.masters, n.Name) {
			r.pools = append(r.pools, n.Name)
		}
	}
	p.log.info("Distributing agent certificates")
	if err := r.distribute(ctx, r.pools, true); err != nil {
		return err
	}
	p.log.info("Backing up node certificates")
	if err := r.each(ctx, r.pools, "backup"); err != nil {
		return err
	}
	p.log.info("Rotating agents certificates")
	if err := r.each(ctx, r.pools, "agent_certs"); err != nil {
		return err
	}
	if err := r.ask(ctx, http.MethodDelete, "/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-proxy", nil, nil); err != nil {
		return err
	}
	p.log.info("Deleting temporary artifacts from agent nodes")
	if err := r.each(ctx, r.pools, "cleanup"); err != nil {
		return err
	}
	return p.awaitNodes(ctx, r, r.pools)
}

// restartWorkloads lets all pods get tokens that the new key signed.
func (p *process) restartWorkloads(ctx context.Context, r *rotation) error {
	p.log.info("Recreating service account tokens")
	for _, kind := range []string{"deployments", "daemonsets"} {
		var list struct {
			Items []struct {
				Metadata struct {
					Name      string `json:"name"`
					Namespace string `json:"namespace"`
				} `json:"metadata"`
			} `json:"items"`
		}
		if err := r.ask(ctx, http.MethodGet, "/apis/apps/v1/"+kind, nil, &list); err != nil {
			return err
		}
		restart := object{"spec": object{"template": object{"metadata": object{"annotations": object{"kubectl.kubernetes.io/restartedAt": time.Now().Format(time.RFC3339)}}}}}
		for _, i := range list.Items {
			if err := r.ask(ctx, http.MethodPatch, "/apis/apps/v1/namespaces/"+i.Metadata.Namespace+"/"+kind+"/"+i.Metadata.Name, restart, nil); err != nil {
				return err
			}
		}
	}
	p.log.info("Checking health of all kube-system pods")
	return p.settle(ctx, func() error { return r.running(ctx, nil) })
}
