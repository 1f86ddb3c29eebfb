package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	goodLooks   = 4 // in a row, until something counts as settled
	rotatePause = 10 * time.Second
	rotateLimit = 20 * time.Minute
	rotateDir   = "/etc/kubernetes/rotate-certs/"
)

// rotation gives a cluster a new PKI.
type rotation struct {
	*job
	nodeFlags
	profile        string
	force          bool
	nodes          *remote
	kubes          []*kube // with the old certificates and with the new ones: one of them is right
	masters, pools []string
}

func (p *process) rotateCommand() *command {
	c := &command{name: "rotate-certs", short: "Rotate certificates on an existing AKS Engine-created Kubernetes cluster",
		long:  "Rotate CA, etcd, kubelet, kubeconfig and apiserver certificates in a cluster built with AKS Engine. Rotating certificates can break component connectivity and leave the cluster in an unrecoverable state. Before performing any of these instructions on a live cluster, it is preferrable to backup your cluster state and migrate critical workloads to another cluster.",
		flags: newFlags("rotate-certs")}
	r := &rotation{job: &job{engine: p.version()}}
	r.addClusterFlags(c.flags, "")
	c.flags.Lookup("location").Usage = "Azure location where the cluster is deployed"
	r.nodeFlags.add(c.flags, "")
	c.flags.StringVar(&r.profile, "certificate-profile", "", "path to a JSON file containing the new set of certificates")
	c.flags.BoolVar(&r.force, "force", false, "force execution even if API Server is not responsive")
	c.run = func([]string) error {
		if err := lacking(c.flags, "location", "resource-group", "api-model", "ssh-host", "linux-ssh-private-key"); err != nil {
			return err
		}
		for _, f := range [][2]string{{r.file, "--api-model"}, {r.key, "--linux-ssh-private-key"}, {r.profile, "--certificate-profile"}} {
			if err := mustExist(f[0], f[1]); err != nil {
				return fmt.Errorf("validating rotate-certs args: %w", err)
			}
		}
		ctx := context.Background()
		if err := p.openForRotation(ctx, r); err != nil {
			return fmt.Errorf("loading API model: %w", err)
		}
		if err := p.rotate(ctx, r); err != nil {
			return plainError{err}
		}
		return nil
	}
	return c
}

func (p *process) openForRotation(ctx context.Context, r *rotation) error {
	if err := p.open(ctx, r.job, nil); err != nil {
		return err
	}
	if err := r.loginFlags.check(); err != nil {
		return fmt.Errorf("failed to get validate auth args: %w", err)
	}
	if err := p.connect(ctx, r.job); err != nil {
		return fmt.Errorf("failed to get client: %w", err)
	}
	var err error
	r.nodes, err = p.openRemote(r.job, r.nodeFlags)
	return err
}

func (p *process) rotate(ctx context.Context, r *rotation) error {
	jump, err := r.nodes.reach(ctx)
	if err != nil {
		return err
	}
	jump.Close()
	old, err := p.openKube(r.job, "", "")
	if err != nil {
		return err
	}
	if err := p.renew(r); err != nil {
		return err
	}
	fresh, err := p.openKube(r.job, "", "")
	if err != nil {
		return err
	}
	r.kubes = []*kube{old, fresh}
	for i := range r.props.MasterProfile.Count {
		r.masters = append(r.masters, fmt.Sprintf("k8s-master-%s-%d", r.suffix(), i))
	}
	if !r.force {
		if err := p.settleMasters(ctx, r); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, *rotation) error{p.rotateMasters, p.settleMasters, p.rotateAgents, p.restartWorkloads} {
		if err := step(ctx, r); err != nil {
			return err
		}
	}
	p.log.info("Generating new artifacts")
	r.output = filepath.Dir(r.file)
	if err := r.write(true); err != nil {
		return err
	}
	p.log.info("Certificate rotation completed")
	return nil
}

// renew keeps what is in the model's folder and makes the new certificates, or takes those of a file.
func (p *process) renew(r *rotation) error {
	folder := filepath.Dir(r.file)
	backup, output := filepath.Join(folder, "_rotate_certs_backup"), filepath.Join(folder, "_rotate_certs_output")
	if _, err := os.Stat(backup); err == nil && !r.force {
		return fmt.Errorf("backup directory %s already exists", backup)
	}
	p.log.info("Backing up artifacts to directory %s", backup)
	r.output = backup
	if err := r.write(true); err != nil {
		return err
	}
	p.log.info("Generating new certificates")
	made := &CertificateProfile{}
	if r.profile != "" {
		text, err := os.ReadFile(r.profile)
		if err == nil {
			err = json.Unmarshal(text, made)
		}
		if err != nil {
			return err
		}
	}
	r.props.CertificateProfile = made
	if !made.hasAll(r.props.MasterProfile.Count) {
		if err := p.makeCertificates(r.job); err != nil {
			return err
		}
	}
	p.log.info("Writing artifacts to output directory %s", output)
	r.output = output
	return r.write(true)
}

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
		if err := p.pause(ctx, rotatePause); err != nil {
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

// ask asks with the old certificates and then with the new ones: the first good answer counts.
func (r *rotation) ask(ctx context.Context, method, path string, in, out any) (err error) {
	for _, k := range r.kubes {
		if err = k.do(ctx, method, path, in, out); err == nil {
			return nil
		}
	}
	return err
}

func (r *rotation) list(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	err := r.ask(ctx, http.MethodGet, "/api/v1/nodes", nil, &list)
	return list.Items, err
}

func (p *process) settleMasters(ctx context.Context, r *rotation) error {
	if err := p.awaitNodes(ctx, r, r.masters); err != nil {
		return err
	}
	p.log.info("Checking health of control plane components")
	var pods []string
	for _, name := range r.masters {
		for _, part := range []string{"kube-addon-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
			pods = append(pods, part+"-"+name)
		}
	}
	return p.settle(ctx, func() error { return r.running(ctx, pods) })
}

func (p *process) awaitNodes(ctx context.Context, r *rotation, names []string) error {
	p.log.info("Waiting for cluster nodes readiness: %v", names)
	return p.settle(ctx, func() error {
		nodes, err := r.list(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return n.Name == name && isReady(&n) }) {
				return fmt.Errorf("node %s is not ready", name)
			}
		}
		return nil
	})
}

// running looks at pods of kube-system: those of the names or, without names, all of them.
func (r *rotation) running(ctx context.Context, names []string) error {
	var list corev1.PodList
	if err := r.ask(ctx, http.MethodGet, "/api/v1/namespaces/kube-system/pods", nil, &list); err != nil {
		return err
	}
	for _, pod := range list.Items {
		if pod.Status.Phase != corev1.PodRunning && (names == nil || slices.Contains(names, pod.Name)) {
			return fmt.Errorf("pod %s is %s", pod.Name, strings.ToLower(string(pod.Status.Phase)))
		}
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == pod.Name })
	}
	if len(names) > 0 {
		return fmt.Errorf("no pod %s", names[0])
	}
	return nil
}

// settle looks until all is well for a while.
func (p *process) settle(ctx context.Context, look func() error) error {
	limited, cancel := context.WithTimeout(ctx, rotateLimit/p.hasten)
	defer cancel()
	for good := 0; ; {
		err := look()
		if good++; err != nil {
			good = 0
		}
		if good == goodLooks {
			return nil
		}
		if p.pause(limited, rotatePause) != nil {
			return errors.Join(err, limited.Err())
		}
	}
}
