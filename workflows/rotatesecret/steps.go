package rotatesecret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// renewed is the Stack with the new credential in it, as the record is now.
func (f flow) renewed(ctx context.Context, s *State) (w.Stack, []byte, error) {
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return stack, nil, err
	}
	ref := &stack.Credential.Secret
	if stack.Credential.Method == w.AuthCertificate {
		ref = &stack.Credential.Certificate
	}
	if s.New != "" {
		*ref = s.New
	}
	plain, err := f.Vault.Open(ctx, *ref)
	if err == nil && stack.Credential.Method != w.AuthCertificate {
		plain = bytes.TrimSpace(plain)
	}
	return stack, plain, err
}

func (f flow) works(ctx context.Context, s *State) error {
	stack, _, err := f.renewed(ctx, s)
	if err != nil {
		return err
	}
	hub, err := f.OpenHub(ctx, stack)
	if err != nil {
		return err
	}
	if err := hub.Login(ctx); err != nil {
		return err
	}
	ok, detail, err := hub.CanContribute(ctx)
	if err == nil && !ok {
		err = &w.Problem{Code: "login.forbidden", What: "The service principal may not make resources", Why: detail + ".", Fix: "Give it the Contributor role on the subscription."}
	}
	return err
}

const slow = 60 * time.Second

func (f flow) checks() []w.Check[State] {
	common := operate.Checks(f.Engine, change)
	pick := func(id string) w.Check[State] {
		return common[slices.IndexFunc(common, func(c w.Check[State]) bool { return c.ID == id })]
	}
	ssh := operate.ShellsCheck(f.Engine, shells)
	ssh.When = reaches
	return []w.Check[State]{
		{ID: "works", Title: "The new one opens the Hub", Why: "Nothing is replaced by what does not work.", Page: "secret", Severity: w.SeverityBlock, Timeout: slow, Run: func(ctx context.Context, s *State) w.Finding {
			if err := f.works(ctx, s); err != nil {
				return problem.Finding(err)
			}
			return w.Passed(s.Stack.Name + " takes it, and it may make resources.")
		}},
		pick("engine"), pick("idle"), pick("api-model"), pick("nodes-ready"), ssh,
	}
}

func (f flow) try(ctx context.Context, s *State, log w.Log) error {
	if err := f.works(ctx, s); err != nil {
		return err
	}
	log.Good("%s takes the new %s, and it may make resources.", s.Stack.Name, s.what())
	return nil
}

// model writes it into the API model on the helper VM and keeps that.
func (f flow) model(ctx context.Context, s *State, log w.Log) error {
	stack, plain, err := f.renewed(ctx, s)
	if err != nil {
		return err
	}
	secret := string(plain)
	if s.certificate() {
		if secret, err = aksengine.CertificateSecret(plain, nil); err != nil {
			return &w.Problem{Code: "cluster.certificate", What: "The new certificate cannot be used", Why: err.Error() + ".", Fix: "Give a PEM with an RSA key and its certificate."}
		}
	}
	log.Mask(secret)
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	if err := f.Settle(ctx, &s.Change, "secret", host, log); err != nil {
		var p *w.Problem
		// A former attempt may have written the model and not kept it.
		if !errors.As(err, &p) || p.Code != "cluster.othermodel" {
			return err
		}
	}
	doc, _, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return err
	}
	had := aksengine.PrincipalOf(doc)
	if had != "" && !strings.EqualFold(had, stack.Credential.ClientID) {
		return &w.Problem{Code: "secret.other", What: "The cluster works with another service principal", Why: fmt.Sprintf("Its nodes have %s, %s is registered with %s.", had, stack.Name, stack.Credential.ClientID), Fix: "Register the Stack with the cluster's principal first, or deploy anew."}
	}
	doc, changed, err := aksengine.WithPrincipal(doc, stack.Credential.ClientID, secret)
	if err != nil {
		return err
	}
	if s.Skipped = !changed && had == ""; changed {
		if err := operate.Upload(ctx, host, s.OutputModel(), doc); err != nil {
			return err
		}
	}
	return f.Keep(ctx, &s.Change, log)
}

// stack replaces the Stack's credential.
func (f flow) stack(ctx context.Context, s *State, log w.Log) error {
	before, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return err
	}
	after, _, err := f.renewed(ctx, s)
	if err != nil {
		return err
	}
	if after.Credential != before.Credential {
		if err := f.saveStack(ctx, &after); err != nil {
			return err
		}
	}
	s.Stack = after
	x, err := f.Open(ctx, &s.Ground, log)
	if err != nil {
		return err
	}
	defer x.Close()
	if err := f.WriteCertificate(ctx, &s.Ground, x); err != nil {
		return err
	}
	log.Good("Hubwright logs in to %s with the new %s.", after.Name, s.what())
	return nil
}

const noCrictl = "crictl is missing"

// restartScript makes what has read the old secret start anew. The pods among
// them come back by themselves.
const restartScript = `sudo systemctl restart kubelet
if command -v crictl >/dev/null 2>&1; then
  for pod in $(sudo crictl pods --quiet --namespace kube-system --name 'cloud-controller-manager|kube-controller-manager|azuredisk|cloud-node-manager'); do
    sudo crictl stopp "$pod"
  done
else
  echo ` + noCrictl + `
fi
sudo systemctl is-active kubelet`

// putScript replaces the file by what comes in, with its owner and mode.
const putScript = `set -e
sudo cp -p ` + aksengine.CloudConfig + ` ` + aksengine.CloudConfig + `.new
sudo tee ` + aksengine.CloudConfig + `.new >/dev/null
sudo mv ` + aksengine.CloudConfig + `.new ` + aksengine.CloudConfig + `
` + restartScript

// nodes goes from node to node. One that has the secret already was finished
// before an interruption, or is new.
func (f flow) nodes(ctx context.Context, s *State, log w.Log) error {
	stack, plain, err := f.renewed(ctx, s)
	if err != nil {
		return err
	}
	log.Mask(string(plain))
	key, err := f.NodeKey(ctx, &s.Shells)
	if err != nil {
		return err
	}
	log.Mask(string(key))
	look, err := f.Look(ctx, &s.Change)
	if err != nil {
		return err
	}
	way := operate.NodeWay{Host: s.SSHHost, User: s.Cluster.AdminUser, Key: key}
	for i, n := range look.Nodes {
		if slices.Contains(s.Nodes, n.Name) {
			continue
		}
		log.Progress(100*i/len(look.Nodes), n.Name)
		if err := f.node(ctx, s, way, n.Name, stack.Credential.ClientID, string(plain), log); err != nil {
			return err
		}
		s.Nodes = append(s.Nodes, n.Name)
	}
	return nil
}

func (f flow) node(ctx context.Context, s *State, way operate.NodeWay, name, id, secret string, log w.Log) error {
	node, err := f.OpenNode(ctx, s.SiteID, way, name)
	if err != nil {
		return err
	}
	defer node.Close()
	doc, err := read(ctx, node, name)
	if err != nil {
		return err
	}
	next, changed, err := aksengine.WithCloudSecret(doc, id, secret)
	if err != nil {
		return &w.Problem{Code: "secret.file", What: aksengine.CloudConfig + " on " + name + " cannot be read", Why: err.Error() + ".", Fix: "Renew the OS image of the node: it is made anew with the new secret."}
	}
	if !changed {
		log.Info("%s has it already; its services are restarted all the same.", name)
	}
	out, err := node.Run(ctx, putScript, bytes.NewReader(next))
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return &w.Problem{Code: "secret.node", What: "The secret could not be brought to " + name, Why: oneLine(out.Stderr), Fix: "Log in to the node and look at its disk and at journalctl -u kubelet, then retry: nodes that have it are left alone.", Detail: out.Stdout}
	}
	if doc, err = read(ctx, node, name); err != nil {
		return err
	}
	if _, differs, err := aksengine.WithCloudSecret(doc, id, secret); err != nil || differs {
		return &w.Problem{Code: "secret.node", What: "The secret did not arrive on " + name, Why: "The file there says something else after it was written.", Fix: "Look whether the node's disk is full, then retry."}
	}
	log.Good("%s has it, and what had read the old one was restarted.", name)
	if strings.Contains(out.Stdout, noCrictl) {
		log.Warn("crictl is missing on %s: restart the pods of the cloud controller manager and of the disk driver there yourself.", name)
	}
	return nil
}

func read(ctx context.Context, node operate.Node, name string) ([]byte, error) {
	out, err := node.Run(ctx, "sudo cat "+aksengine.CloudConfig, nil)
	if err == nil && out.ExitCode != 0 {
		err = &w.Problem{Code: "secret.file", What: "There is no " + aksengine.CloudConfig + " on " + name, Why: oneLine(out.Stderr), Fix: "Renew the OS image of the node: it is made anew with the new secret."}
	}
	return []byte(out.Stdout), err
}

func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	x, err := f.Open(ctx, &s.Ground, log)
	if err != nil {
		return err
	}
	defer x.Close()
	if err := x.Hub.Login(ctx); err != nil {
		return err
	}
	log.Good("%s can log in to %s.", s.Stack.Credential.ClientID, s.Stack.Name)
	return f.Wait(ctx, &s.Change, log)
}
