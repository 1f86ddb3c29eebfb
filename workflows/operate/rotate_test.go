package operate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
	"hubwright/workflows/rotatecerts"
)

const (
	nodeKey = "-----BEGIN RSA PRIVATE KEY-----\nof the nodes\n-----END RSA PRIVATE KEY-----\n"
	keyFile = folder + "nodes.key"
	backup  = folder + "output/_rotate_certs_backup"
	made    = folder + "output/_rotate_certs_output"
)

func (b *bed) rotation() w.Definition {
	return rotatecerts.New(rotatecerts.Needs{Engine: b.needs(), SystemPods: func(context.Context, []byte, w.Stack, w.HelperVM) ([]w.Component, error) {
		return b.pods, b.kubeErr
	}})
}

// authority is a CA's certificate as PEM.
func authority(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// modelOf is the bed's model with a CA.
func modelOf(authority string) string {
	was, _ := json.Marshal(ca)
	is, _ := json.Marshal(authority)
	return strings.Replace(model("1.33.10", w.NodePool{Name: "linuxpool", Count: 3, Size: "Standard_D2_v2"}), string(was), string(is), 1)
}

func kubeconfigOf(authority, key string) string {
	return fmt.Sprintf(`{"clusters":[{"cluster":{"certificate-authority-data":%q}}],"users":[{"user":{"client-key-data":%q}}]}`, b64(authority), key)
}

// rotating is a bed whose cluster has a CA that ends in so many days. The
// engine makes another one.
type rotating struct {
	*bed
	old, new string // CAs
}

func newRotating(t *testing.T, days int) *rotating {
	b := &rotating{bed: newBed(t)}
	b.old, b.new = authority(t, b.now.AddDate(0, 0, days)), authority(t, b.now.AddDate(30, 0, 0))
	b.cluster.SSHKey, b.sealed["sec_ssh"] = "sec_ssh", nodeKey
	b.sealed["sec_kube"] = kubeconfigOf(b.old, "the-old-key")
	b.models = nil
	b.put(modelOf(b.old))
	b.keep(modelOf(b.old))
	b.answer = b.say
	b.engine = func(j *job) []func() {
		if b.files[keyFile] != nodeKey {
			t.Error("the engine has no key for the nodes")
		}
		return []func(){
			func() {
				b.files[backup+"/apimodel.json"] = modelOf(b.old)
				j.say("INFO[0000] Backing up artifacts to directory x", "INFO[0002] Generating new certificates")
			},
			func() {
				b.files[made+"/apimodel.json"] = modelOf(b.new)
				j.say("INFO[0062] Distributing control plane certificates", "INFO[0063] Rebooting control plane nodes")
			},
			func() {
				b.put(modelOf(b.new))
				b.files[folder+"output/kubeconfig/kubeconfig.seattle.json"] = kubeconfigOf(b.new, "the-new-key")
				j.say("INFO[0274] Generating new artifacts", "INFO[0274] Certificate rotation completed")
				j.end(0)
			},
		}
	}
	return b
}

// say plays the shell.
func (b *rotating) say(script string) string {
	switch {
	case strings.Contains(script, "/dev/tcp/"):
		return "SSH-"
	case strings.HasPrefix(script, "rm -rf -- "):
		for _, path := range strings.Fields(strings.ReplaceAll(strings.TrimPrefix(script, "rm -rf -- "), "'", "")) {
			maps.DeleteFunc(b.files, func(name, _ string) bool { return name == path || strings.HasPrefix(name, path+"/") })
		}
	case strings.Contains(script, "echo left") && strings.Contains(script, backup) && b.files[backup+"/apimodel.json"] != "":
		return "left\n"
	}
	return ""
}

func (b *rotating) leftovers() []string {
	var names []string
	for name := range b.files {
		if name == keyFile || strings.Contains(name, "_rotate_certs_") {
			names = append(names, strings.TrimPrefix(name, folder))
		}
	}
	slices.Sort(names)
	return names
}

func TestRotate(t *testing.T) {
	b := newRotating(t, 20)
	x := b.start(rotatecerts.ID, w.Answers{})
	b.must(x, "prepare", "rotate", "custody", "nodes", "verify", "sweep")
	b.started("rotate-certs --azure-env AzureStackCloud --api-model ~/" + outModel + " --ssh-host ratings-seattle.api.test --linux-ssh-private-key ~/" + keyFile + " --resource-group ratings-rg")
	if strings.Contains(strings.Join(b.jobs[b.order[0]].Argv, " "), "--force") {
		t.Error("nobody asked for --force")
	}
	if diff := cmp.Diff([]string{"0 keeping the old certificates", "1 making new certificates", "23 bringing certificates to the control plane",
		"26 restarting the control plane: the API is away", "99 writing the new API model", "100 the engine has finished"}, b.doing()[:6]); diff != "" {
		t.Error(diff)
	}
	if got := b.sealed[b.cluster.Kubeconfig]; got != kubeconfigOf(b.new, "the-new-key") {
		t.Errorf("kubeconfig in custody: %s", got)
	}
	if b.sealed[b.models[0].Document] != modelOf(b.new) || len(b.models) != 2 {
		t.Errorf("%d models in custody", len(b.models))
	}
	for _, secret := range []string{nodeKey, "the-new-key", "the-ca-private-key"} {
		if !slices.Contains(b.log.masked, secret) {
			t.Errorf("%q may stand in the log", secret)
		}
	}
	if left := b.leftovers(); left != nil {
		t.Errorf("private keys are left on the helper VM: %v", left)
	}
	b.logged("Kubeconfigs from before don't work any more", "ends on 13 December 2026")
	res := x.Result()
	text := fmt.Sprint(res)
	for _, part := range []string{"has new certificates: 6 nodes are Ready", "13 December 2026", "23 November 2056", "scoped accounts", "pipelines"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
}

func (b *rotating) doing() []string { return b.log.doing }

// TestRotateWithoutKubeconfigFile: where the engine left an old file, the
// kubeconfig is made from the model.
func TestRotateWithoutKubeconfigFile(t *testing.T) {
	b := newRotating(t, 20)
	x := b.start(rotatecerts.ID, w.Answers{})
	b.must(x, "prepare", "rotate")
	b.files[folder+"output/kubeconfig/kubeconfig.seattle.json"] = kubeconfigOf(b.old, "the-old-key")
	b.fails(x, "custody", "cluster.kubeconfig", "no certificates for a kubeconfig") // the bed's model has no endpoint
	if b.cluster.Kubeconfig != "sec_kube" {
		t.Error("the old kubeconfig is taken for a new one")
	}
	b.must(x, "sweep")
	if diff := cmp.Diff([]string{"output/_rotate_certs_backup/apimodel.json", "output/_rotate_certs_output/apimodel.json"}, b.leftovers()); diff != "" {
		t.Error(diff)
	}
}

// TestRotateAfterOthers: what earlier rotations left decides how this one begins.
func TestRotateAfterOthers(t *testing.T) {
	for _, tt := range []struct {
		name         string
		now, backup  func(b *rotating) string // API models
		made         func(b *rotating) string
		starts       int
		force, loses bool
		says         string
	}{
		{name: "nothing", starts: 1},
		{name: "interrupted before new ones were made", backup: older, starts: 1, force: true, says: "A rotation was interrupted"},
		{name: "interrupted", backup: older, made: newer, starts: 1, force: true, says: "A rotation was interrupted"},
		{name: "finished before custody", backup: older, made: newer, now: newer, says: "had finished before the run was interrupted"},
		{name: "finished long ago", backup: func(*rotating) string { return modelOf("older still") }, made: older, starts: 1, loses: true, says: "that a former rotation left are removed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRotating(t, 20)
			x := b.start(rotatecerts.ID, w.Answers{})
			b.must(x, "prepare")
			for path, doc := range map[string]func(*rotating) string{outModel: tt.now, backup + "/apimodel.json": tt.backup, made + "/apimodel.json": tt.made} {
				if doc != nil {
					b.files[path] = doc(b)
				}
			}
			before := b.engine
			b.engine = func(j *job) []func() {
				if tt.loses && b.files[made+"/apimodel.json"] != "" {
					t.Error("the copies are still there")
				}
				return before(j)
			}
			b.must(x, "rotate")
			if len(b.order) != tt.starts {
				t.Fatalf("the engine was started %d times, not %d", len(b.order), tt.starts)
			}
			if tt.starts == 1 && slices.Contains(b.jobs[b.order[0]].Argv, "--force") != tt.force {
				t.Errorf("%v", b.jobs[b.order[0]].Argv)
			}
			if tt.says != "" {
				b.logged(tt.says)
			}
		})
	}
}

func older(b *rotating) string { return modelOf(b.old) }
func newer(b *rotating) string { return modelOf(b.new) }

// TestRotateCancelled: the log says in which state the cluster is and what
// helps, and the retry does that.
func TestRotateCancelled(t *testing.T) {
	b := newRotating(t, 20)
	x := b.start(rotatecerts.ID, w.Answers{})
	b.must(x, "prepare")
	ctx, cancel := context.WithCancel(context.Background())
	whole := b.engine
	b.engine = func(j *job) []func() { turns := whole(j); return []func(){turns[0], turns[1], cancel} }
	if err := x.Run(ctx, "rotate", b.log); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.must(x, "sweep")
	b.logged("Some nodes may have new certificates by now and others not")
	if diff := cmp.Diff([]string{"output/_rotate_certs_backup/apimodel.json", "output/_rotate_certs_output/apimodel.json"}, b.leftovers()); diff != "" {
		t.Errorf("what a retry needs:\n%s", diff)
	}
	b.engine = whole
	x = b.resume(rotatecerts.ID, b.state(x))
	b.must(x, "rotate", "custody", "sweep")
	b.started("rotate-certs", "--force")
	if left := b.leftovers(); left != nil {
		t.Errorf("private keys are left on the helper VM: %v", left)
	}
}

// TestRotateFailures: the engine's word and the model are compared, and the
// problem says what a retry does.
func TestRotateFailures(t *testing.T) {
	for _, tt := range []struct {
		name, line, code string
		exit             int
		parts            []string
	}{
		{"host key", "Error: validating ssh configuration: dialing ssh (h): ssh: handshake failed: knownhosts: key mismatch", "engine.hostkey", 1, []string{"After an upgrade", "take the host key"}},
		{"key refused", "Error: : creating SSH client: dialing jumpbox (h): ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain", "engine.sshkey", 1, []string{"public key"}},
		{"no way", "Error: validating ssh configuration: dialing ssh (h): dial tcp 127.0.0.9:22: connect: connection refused", "engine.ssh", 1, []string{"connection refused", "public address", "A retry begins the rotation once more"}},
		{"nothing happened", "INFO[0000] Certificate rotation completed", "rotate.same", 0, []string{"old certificates"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRotating(t, 20)
			b.engine = func(j *job) []func() { return []func(){func() { j.say(tt.line); j.end(tt.exit) }} }
			x := b.start(rotatecerts.ID, w.Answers{})
			b.must(x, "prepare")
			b.fails(x, "rotate", tt.code, tt.parts...)
			b.must(x, "sweep")
			if left := b.leftovers(); left != nil {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestSweepLeavesTheKeyToACommandThatRuns: it cannot be stopped sometimes.
func TestSweepLeavesTheKeyToACommandThatRuns(t *testing.T) {
	b := newRotating(t, 20)
	x := b.start(rotatecerts.ID, w.Answers{})
	b.must(x, "prepare")
	b.engine = func(*job) []func() { return nil }
	if err := x.Run(context.Background(), "rotate", b.log); err == nil {
		t.Fatal("a job that hangs has ended")
	}
	b.must(x, "sweep")
	b.logged("needs the nodes' key: it stays at ~/" + keyFile)
	if b.files[keyFile] != nodeKey {
		t.Error("the key is gone")
	}
}

func TestRotateAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		owns   bool // Hubwright holds the key
		a      w.Answers
		wrong  []string
		fields []string
	}{
		{name: "usual", owns: true, a: w.Answers{}, fields: []string{"host", "forget"}},
		{name: "no key", a: w.Answers{}, wrong: []string{"key"}, fields: []string{"host", "key", "forget"}},
		{name: "own key", a: w.Answers{"key": "sec_own"}, fields: []string{"host", "key", "forget"}},
		{name: "all wrong", owns: true, a: w.Answers{"how": "gently", "host": "-oProxyCommand=x"}, wrong: []string{"how", "host"}, fields: []string{"host", "forget"}},
		{name: "user in the host", owns: true, a: w.Answers{"host": "azureuser@host"}, wrong: []string{"host"}, fields: []string{"host", "forget"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRotating(t, 20)
			if !tt.owns {
				b.cluster.SSHKey = ""
			}
			s := b.open(rotatecerts.ID, tt.a)
			var wrong, fields []string
			for _, e := range s.Errors() {
				wrong = append(wrong, e.Field)
			}
			page, _ := s.Page(context.Background(), "ssh")
			for _, f := range page.Fields {
				fields = append(fields, f.Name)
			}
			if diff := cmp.Diff([][]string{tt.wrong, tt.fields}, [][]string{wrong, fields}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRotateForgetsTheHostKey(t *testing.T) {
	b := newRotating(t, 20)
	var scripts []string
	b.answer = func(script string) string { scripts = append(scripts, script); return b.say(script) }
	x := b.start(rotatecerts.ID, w.Answers{"how": rotatecerts.HowForced, "host": "203.0.113.7", "forget": "on"})
	b.must(x, "prepare", "rotate")
	b.started("--ssh-host 203.0.113.7 --linux-ssh-private-key ~/" + keyFile + " --force")
	if all := strings.Join(scripts, "\n"); !strings.Contains(all, "awk -v host='203.0.113.7'") {
		t.Errorf("the host key is kept:\n%s", all)
	}
}

func TestRotateChecks(t *testing.T) {
	for _, tt := range []struct {
		name, check string
		change      func(b *rotating)
		a           w.Answers
		status      w.CheckStatus
		found       string
	}{
		{"all is well", "ssh", nil, nil, w.CheckPassed, "Port 22 of ratings-seattle.api.test answers"},
		{"port closed", "ssh", func(b *rotating) { b.answer = nil }, nil, w.CheckFailed, "does not answer the helper VM"},
		{"no helper VM", "ssh", func(b *rotating) { b.hostDown = errors.New("down") }, nil, w.CheckFailed, ""},
		{"public key given", "ssh", func(b *rotating) { b.sealed["sec_ssh"] = "ssh-rsa AAAA" }, nil, w.CheckFailed, "not a private key"},
		{"passphrase", "ssh", func(b *rotating) {
			b.sealed["sec_ssh"] = strings.Replace(nodeKey, "of the", "Proc-Type: 4,ENCRYPTED", 1)
		}, nil, w.CheckFailed, "without a passphrase"},
		{"nothing left", "unfinished", nil, nil, w.CheckPassed, "None was"},
		{"left", "unfinished", func(b *rotating) { b.files[backup+"/apimodel.json"] = modelOf(b.old) }, nil, w.CheckFailed, backup},
		{"left, forced", "unfinished", func(b *rotating) { b.files[backup+"/apimodel.json"] = modelOf(b.old) }, w.Answers{"how": rotatecerts.HowForced}, w.CheckWarning, backup},
		{"left after the end", "unfinished", func(b *rotating) {
			b.files[backup+"/apimodel.json"], b.files[made+"/apimodel.json"] = modelOf(b.new), modelOf(b.old)
		}, nil, w.CheckPassed, "None was"},
		{"same engine", "engine-version", nil, nil, w.CheckPassed, "v0.85.0"},
		{"other engine", "engine-version", func(b *rotating) { b.cluster.EngineVersion = "v0.84.2" }, nil, w.CheckFailed, "v0.84.2 made the cluster"},
		{"pods well", "system-pods", func(b *rotating) { b.pods = []w.Component{{Name: "coredns", Healthy: true}} }, nil, w.CheckPassed, "All 1 are"},
		{"pod ill", "system-pods", func(b *rotating) { b.pods = []w.Component{{Name: "coredns", Message: "CrashLoopBackOff"}} }, nil, w.CheckFailed, "coredns (CrashLoopBackOff)"},
		{"API dead", "system-pods", func(b *rotating) { b.kubeErr = errors.New("dead") }, nil, w.CheckFailed, ""},
		{"soon", "certificates", nil, nil, w.CheckWarning, "ends on 13 December 2026"},
		{"ended", "certificates", func(b *rotating) { b.now = b.now.AddDate(0, 1, 0) }, nil, w.CheckFailed, "caCertificate ended on 13 December 2026"},
		{"ended, forced", "certificates", func(b *rotating) { b.now = b.now.AddDate(0, 1, 0) }, w.Answers{"how": rotatecerts.HowForced}, w.CheckWarning, "ended on"},
		{"far", "certificates", func(b *rotating) { b.now = b.now.AddDate(-1, 0, 0) }, nil, w.CheckPassed, "ends on"},
		{"none in custody", "certificates", func(b *rotating) { b.models = nil }, nil, w.CheckFailed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRotating(t, 20)
			if tt.change != nil {
				tt.change(b)
			}
			got := b.open(rotatecerts.ID, tt.a).RunCheck(context.Background(), tt.check)
			if got.Status != tt.status || !strings.Contains(got.Found, tt.found) || got.Status == w.CheckFailed && got.Remedy == "" && tt.found != "" {
				t.Errorf("%+v, want %s %q", got, tt.status, tt.found)
			}
		})
	}
	if slices.ContainsFunc(newRotating(t, 20).open(rotatecerts.ID, w.Answers{"how": rotatecerts.HowForced}).Checks(), func(c w.CheckInfo) bool { return c.ID == "system-pods" }) {
		t.Error("a forced rotation asks for pods")
	}
}

func TestRotatePlan(t *testing.T) {
	b := newRotating(t, 20)
	p, err := b.open(rotatecerts.ID, w.Answers{"how": rotatecerts.HowForced}).Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(p)
	for _, part := range []string{"--force", "••", "API server is away", "kubeconfig", "removed when the run ends"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
	if strings.Contains(text, secret) {
		t.Error("the plan holds the secret")
	}
}
