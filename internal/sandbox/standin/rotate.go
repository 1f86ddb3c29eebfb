package standin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	goodLooks   = 4                // in a row, until something counts as settled
	rotatePause = 10 * time.Second // unless the environment says otherwise
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
		if err := os.MkdirAll(r.newArtifacts(), 0o755); err != nil {
			return err
		}
		if err := r.nodes.check(ctx); err != nil {
			return err
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
	r.nodes = p.openRemote(r.job, r.nodeFlags)
	return nil
}

// newArtifacts is the folder of what the new certificates are in.
func (r *rotation) newArtifacts() string {
	return filepath.Join(filepath.Dir(r.file), "_rotate_certs_output")
}

func (p *process) rotate(ctx context.Context, r *rotation) error {
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
	backup, output := filepath.Join(filepath.Dir(r.file), "_rotate_certs_backup"), r.newArtifacts()
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
