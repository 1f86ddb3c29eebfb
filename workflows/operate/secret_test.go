package operate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
	"hubwright/workflows/rotatesecret"
)

const newSecret = "the-new-secret"

// machines are the nodes as they are seen from inside.
type machines struct {
	b        *bed
	files    map[string]string // azure.json by node
	restarts []string
	full     string // node whose disk is full
	away     string // node that cannot be reached
}

type machine struct {
	*machines
	name string
}

func (m machine) Close() error { return nil }
func (m machine) Run(_ context.Context, script string, stdin io.Reader) (operate.Output, error) {
	if script == "sudo cat /etc/kubernetes/azure.json" {
		return operate.Output{Stdout: m.files[m.name]}, nil
	}
	if m.name == m.full {
		return operate.Output{ExitCode: 1, Stderr: "tee: No space left on device\n"}, nil
	}
	if strings.Contains(script, newSecret) {
		m.b.t.Error("the secret is in a command's words")
	}
	doc, err := io.ReadAll(stdin)
	m.files[m.name] = string(doc)
	if strings.Contains(script, "systemctl restart kubelet") {
		m.machines.restarts = append(m.machines.restarts, m.name)
	}
	return operate.Output{Stdout: "active"}, err
}

// secretRotation is the workflow over the bed, whose API model has the principal.
func secretRotation(b *bed) (w.Definition, *machines) {
	m := &machines{b: b, files: map[string]string{}}
	for _, vm := range b.vms {
		m.files[vm.Name] = `{"cloud":"AzureStackCloud","aadClientId":"client-1","aadClientSecret":"the-old-secret","useInstanceMetadata":true}`
	}
	doc := strings.Replace(b.files[outModel], `"properties":{`, `"properties":{"servicePrincipalProfile":{"clientId":"client-1","secret":"the-old-secret"},`, 1)
	b.models = nil
	b.put(doc)
	b.keep(doc)
	b.sealed["sec_new"], b.sealed["sec_ssh"] = newSecret, "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
	b.cluster.SSHKey, b.cluster.AdminUser = "sec_ssh", "azureuser"
	n := b.needs()
	n.OpenNode = func(_ context.Context, _ string, way operate.NodeWay, name string) (operate.Node, error) {
		if name == m.away {
			return nil, &w.Problem{Code: "ssh.refused", What: name + " does not answer"}
		}
		if way.User != "azureuser" || way.Host != "ratings-seattle.api.test" || len(way.Key) == 0 {
			b.t.Errorf("way %+v", way)
		}
		return machine{m, name}, nil
	}
	return rotatesecret.New(rotatesecret.Needs{Engine: n, SaveStack: func(_ context.Context, s *w.Stack) error { b.stack = *s; return nil }}), m
}

var secretSteps = []string{"try", "model", "stack", "nodes", "verify"}

func TestTheSecretIsRotated(t *testing.T) {
	b := newBed(t)
	def, m := secretRotation(b)
	x := b.execution(def, w.Answers{"secret": "sec_new"})
	b.must(x, secretSteps...)
	if b.stack.Credential.Secret != "sec_new" {
		t.Errorf("the stack has %s", b.stack.Credential.Secret)
	}
	for name, doc := range m.files {
		var have map[string]any
		if err := json.Unmarshal([]byte(doc), &have); err != nil || have["aadClientSecret"] != newSecret || have["cloud"] != "AzureStackCloud" || have["useInstanceMetadata"] != true {
			t.Errorf("%s: %s, %v", name, doc, err)
		}
	}
	if slices.Sort(m.restarts); len(slices.Compact(m.restarts)) != 6 {
		t.Errorf("restarted: %v", m.restarts)
	}
	if !strings.Contains(b.files[outModel], newSecret) || strings.Contains(b.files[outModel], "the-old-secret") || len(b.models) != 2 || !strings.Contains(b.sealed[b.models[0].Document], newSecret) {
		t.Errorf("%d versions in custody: %.300s", len(b.models), b.files[outModel])
	}
	if state := string(b.state(x)); strings.Contains(state, newSecret) || strings.Contains(state, "PRIVATE KEY") {
		t.Errorf("the state holds secrets: %s", state)
	}
}

func TestASecretThatDoesNotWorkReplacesNothing(t *testing.T) {
	b := newBed(t)
	def, m := secretRotation(b)
	x := b.execution(def, w.Answers{"secret": "sec_new"})
	b.loginErr = &w.Problem{Code: "login.secret", What: "The secret is wrong", Fix: "Give the right one."}
	b.fails(x, "try", "login.secret")
	if b.stack.Credential.Secret != "sec_1" || len(b.models) != 1 || len(m.restarts) > 0 {
		t.Error("something was replaced")
	}
	s, _ := def.Open(context.Background(), w.Target{SiteID: "site_1"}, w.Answers{"secret": "sec_new"})
	if f := s.RunCheck(context.Background(), "works"); f.Status != w.CheckFailed {
		t.Errorf("%+v", f)
	}
}

// With a certificate, as AD FS has it, nobody goes to the nodes: they read it
// when they are made, and plan and result say so.
func TestACertificateComesWithTheNextImage(t *testing.T) {
	b := newBed(t)
	def, m := secretRotation(b)
	b.stack.Credential = w.Credential{Method: w.AuthCertificate, ClientID: "client-1", Certificate: "sec_cert"}
	b.sealed["sec_cert"], b.sealed["sec_next"] = endsIn(t, 20)+keyPEM(t), endsIn(t, 400)+keyPEM(t)
	answers := w.Answers{"certificate": "sec_next"}
	session, err := def.Open(context.Background(), w.Target{SiteID: "site_1"}, answers)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := session.Plan(context.Background())
	if last := plan.Changes[len(plan.Changes)-1]; err != nil || last.Verb != "none" || !strings.Contains(last.Note, "renew their OS image afterwards") || len(plan.Commands) > 0 {
		t.Errorf("%+v, %v", plan, err)
	}
	for _, p := range session.Pages() {
		if p.ID == "ssh" {
			t.Error("it asks for a way to the nodes")
		}
	}

	x := b.execution(def, answers)
	if x.Applies("nodes") {
		t.Error("it would go to the nodes")
	}
	b.must(x, "try", "model", "stack", "verify")
	if b.stack.Credential.Certificate != "sec_next" || b.stack.Credential.Secret != "" {
		t.Errorf("the stack has %+v", b.stack.Credential)
	}
	if len(m.restarts) > 0 {
		t.Errorf("restarted: %v", m.restarts)
	}
	cert, key, err := aksengine.SplitCertificate([]byte(b.sealed["sec_next"]))
	if err != nil || b.files[folder+"principal.crt"] != string(cert) || b.files[folder+"principal.key"] != string(key) {
		t.Errorf("the engine would log in with the old one: %v", err)
	}
	b.holdsCertificate(cert)
	if r := x.Result(); !strings.Contains(r.Facts[0].Value, "Renew their OS image before it ends") {
		t.Errorf("%+v", r)
	}
	if state := string(b.state(x)); strings.Contains(state, "PRIVATE KEY") {
		t.Errorf("the state holds a key: %s", state)
	}
}

// holdsCertificate opens what the model in custody has for nodes that are made
// from now on.
func (b *bed) holdsCertificate(cert []byte) {
	b.t.Helper()
	var model struct {
		Properties struct {
			ServicePrincipalProfile struct{ Secret string }
		}
	}
	if err := json.Unmarshal([]byte(b.sealed[b.models[0].Document]), &model); err != nil || len(b.models) != 2 || b.files[outModel] != b.sealed[b.models[0].Document] {
		b.t.Fatalf("%d versions in custody, %v", len(b.models), err)
	}
	raw, err := base64.StdEncoding.DecodeString(model.Properties.ServicePrincipalProfile.Secret)
	var doc struct{ Data, DataType, Password string }
	if err != nil || json.Unmarshal(raw, &doc) != nil || doc.DataType != "pfx" {
		b.t.Fatalf("the model has %q, %v", raw, err)
	}
	pfx, err := base64.StdEncoding.DecodeString(doc.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command("openssl", "pkcs12", "-nokeys", "-passin", "env:PFX_PASSWORD")
	cmd.Stdin, cmd.Env = bytes.NewReader(pfx), append(os.Environ(), "PFX_PASSWORD="+doc.Password)
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, bytes.TrimSpace(cert)) {
		b.t.Errorf("openssl reads %s, %v", out, err)
	}
}

func keyPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// A retry goes on with the nodes that lack it.
func TestANodeThatFailsIsTriedAgain(t *testing.T) {
	for name, set := range map[string]func(*machines, string){
		"disk full": func(m *machines, node string) { m.full = node },
		"away":      func(m *machines, node string) { m.away = node },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			def, m := secretRotation(b)
			x := b.execution(def, w.Answers{"secret": "sec_new"})
			b.must(x, "try", "model", "stack")
			set(m, worker("linuxpool", 1))
			err := x.Run(context.Background(), "nodes", b.log)
			var p *w.Problem
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			done := len(m.restarts)
			x, _ = def.Resume(b.state(x))
			m.full, m.away = "", ""
			b.must(x, "nodes", "verify")
			if slices.Sort(m.restarts); len(m.restarts) != 6 || done == 6 {
				t.Errorf("%d before, then %v", done, m.restarts)
			}
		})
	}
}

// The second cluster of a Stack gets what the settings have.
func TestTheStacksSecretIsBroughtToACluster(t *testing.T) {
	b := newBed(t)
	def, m := secretRotation(b)
	b.sealed["sec_1"] = newSecret
	x := b.execution(def, w.Answers{"from": "stack"})
	if x.Applies("stack") {
		t.Error("it would change the stack's settings")
	}
	b.must(x, "try", "model", "nodes", "verify")
	if b.stack.Credential.Secret != "sec_1" || len(m.restarts) != 6 || !strings.Contains(b.files[outModel], newSecret) {
		t.Errorf("stack %s, restarts %v", b.stack.Credential.Secret, m.restarts)
	}
}

func TestAnotherPrincipalIsRefused(t *testing.T) {
	b := newBed(t)
	def, _ := secretRotation(b)
	x := b.execution(def, w.Answers{"secret": "sec_new"})
	b.stack.Credential.ClientID = "client-2"
	b.fails(x, "model", "secret.other", "client-2")
	for _, a := range []w.Answers{{}, {"from": "elsewhere"}, {"secret": ""}} {
		if s, err := def.Open(context.Background(), w.Target{SiteID: "site_1"}, a); err != nil || len(s.Errors()) == 0 {
			t.Errorf("%v was taken: %v", a, err)
		}
	}
}
