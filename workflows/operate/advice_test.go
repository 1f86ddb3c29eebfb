package operate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/upgrade"
)

func (b *bed) upgrade() w.Definition {
	return upgrade.New(upgrade.Needs{
		Engine: b.needs(),
		Survey: func(context.Context, []byte, w.Stack, w.HelperVM) (w.Survey, error) { return b.survey, b.kubeErr },
		APIUses: func(_ context.Context, _ []byte, _ w.Stack, _ w.HelperVM, removed []w.RemovedAPI) ([]w.APIUse, error) {
			return slices.DeleteFunc(slices.Clone(b.uses), func(u w.APIUse) bool { return !slices.Contains(removed, u.RemovedAPI) }), b.kubeErr
		},
		NodeTimes: func(_ context.Context, _, siteID string) ([]time.Duration, error) { return b.nodeTimes[siteID], nil },
	})
}

// situation is a world before an upgrade, with what the advisor must say.
// rows are those of the known failures that it stands for.
type situation struct {
	name   string
	rows   string
	world  func(b *bed)
	ask    w.Answers
	check  string // "" when the answers themselves are refused
	status w.CheckStatus
	says   string // in what was found, or in the refusal
	remedy string
}

func uses(version, kind, object, by string) func(*bed) {
	return func(b *bed) {
		for _, a := range aksengine.RemovedAPIs() {
			if a.Version == version && a.Kind == kind {
				b.uses = append(b.uses, w.APIUse{RemovedAPI: a, Object: object, By: by})
			}
		}
	}
}

// old makes the cluster one of an older version, with an engine that leads on.
func old(version, engine string, offers ...string) func(*bed) {
	return func(b *bed) {
		b.cluster.Version = version
		b.put(model(version, b.cluster.Pools...))
		b.models = nil
		b.keep(b.files[outModel])
		for i := range 3 {
			b.make(aksengine.MasterName(suffix, i), version)
			b.make(worker("linuxpool", i), version)
		}
		b.helper.EngineVersion, b.helper.Kubernetes = engine, nil
		for _, v := range offers {
			b.helper.Kubernetes = append(b.helper.Kubernetes, w.KubernetesVersion{Version: v})
		}
	}
}

// nodesWith are the cluster's nodes, changed.
func nodesWith(change func(i int, n *w.Node)) func(*bed) {
	return func(b *bed) {
		b.nodes = func() []w.Node {
			all := b.all()
			for i := range all {
				change(i, &all[i])
			}
			return all
		}
	}
}

func both(worlds ...func(*bed)) func(*bed) {
	return func(b *bed) {
		for _, f := range worlds {
			f(b)
		}
	}
}

// endsIn is a certificate with its key that ends so long after the bed's now.
func endsIn(t *testing.T, days int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: at.AddDate(-2, 0, 0), NotAfter: at.AddDate(0, 0, days)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

func situations(t *testing.T) []situation {
	pass, warn, fail, skip := w.CheckPassed, w.CheckWarning, w.CheckFailed, w.CheckSkipped
	masters := w.Answers{"reach": "masters"}
	change := func(old, with string) func(*bed) {
		return func(b *bed) {
			doc := strings.Replace(b.files[outModel], old, with, 1)
			b.put(doc)
			b.models = nil
			b.keep(doc)
		}
	}
	certs := func(days int) func(*bed) {
		return func(b *bed) {
			pemText := endsIn(t, days)
			change(strings.ReplaceAll(ca, "\n", `\n`), strings.ReplaceAll(pemText, "\n", `\n`))(b)
			b.sealed["sec_kube"] = `{"clusters":[{"cluster":{"certificate-authority-data":"` + b64(pemText) + `"}}]}`
		}
	}
	principal := func(days int) func(*bed) {
		return func(b *bed) {
			b.stack.Credential = w.Credential{Method: w.AuthCertificate, ClientID: "client-1", Certificate: "sec_cert"}
			b.sealed["sec_cert"] = endsIn(t, days)
		}
	}
	secretEnds := func(days int) func(*bed) {
		return func(b *bed) { b.stack.Credential.EndsAt = b.now.AddDate(0, 0, days) }
	}
	ubuntu := func(release string) func(*bed) {
		return nodesWith(func(_ int, n *w.Node) {
			n.OSImage, n.ContainerRuntime = "Ubuntu "+release+" LTS", "containerd://1.6.36"
		})
	}
	build := func(hub string) func(*bed) { return func(b *bed) { b.stack.HubBuild = hub } }
	driver := func(version string) func(*bed) { return func(b *bed) { b.survey.DiskDriver = version } }
	few := func(name string, limit int64) func(*bed) {
		return func(b *bed) { b.usages = []w.Usage{{Name: name, Current: 10, Limit: limit}} }
	}
	return []situation{
		// Images, engines, versions.
		{"the base image is there", "1", nil, nil, "base-image", pass, "2026.139.1 is there", ""},
		{"the stamp has another version of the image", "1", func(b *bed) { b.images = []string{"2025.337.1"} }, nil, "base-image", fail, "the stamp has 2025.337.1", "exactly this version"},
		{"the stamp has no image of the kind", "1", func(b *bed) { b.images = []string{} }, nil, "base-image", fail, "none of this kind", "stamp's operator"},
		{"an engine of one's own build", "1", func(b *bed) { b.helper.EngineVersion = "canary" }, nil, "base-image", skip, "canary", ""},
		{"the engine is listed for the Hub's build", "3", both(old("1.28.15", "v0.81.2", "1.28.15", "1.29.10"), build("2408")), nil, "hub-build", pass, "v0.81.2 is listed for build 2408", ""},
		{"the Hub's build is too old for the engine", "3", both(old("1.28.15", "v0.81.2", "1.28.15", "1.29.10"), build("2301")), nil, "hub-build", fail, "the Hub has 2301", "Have the Hub updated"},
		{"the Hub's build is too new for the engine", "3", both(old("1.24.9", "v0.76.0", "1.24.11", "1.25.7"), build("2408")), nil, "hub-build", fail, "listed for build 2108 to 2301,", "listed for its build"},
		{"the list ends before the engine", "3", build("2408"), nil, "hub-build", warn, "says nothing of AKS Engine v0.85.0", "Ask the Hub's operator"},
		{"nobody said which build", "3", nil, nil, "hub-build", skip, "Nobody said which build", ""},
		{"the engine does not offer the version", "4", nil, w.Answers{"what": "version", "kubernetes": "1.36.0"}, "", "", "it goes to 1.34.4", ""},
		{"a skipped minor version", "4", nil, w.Answers{"what": "version", "kubernetes": "1.35.0"}, "", "", "From 1.33.10 it goes to 1.34.4", ""},
		{"the engine is too old to lead on", "4", old("1.33.5", "v0.84.2", "1.31.13", "1.32.9", "1.33.5"), w.Answers{"what": "version", "kubernetes": "1.34.4"}, "", "", "AKS Engine v0.85.0 leads to 1.34.4", ""},
		{"the oldest engine with the oldest version of the list", "4", old("1.17.11", "v0.55.4", "1.17.11"), w.Answers{"what": "version"}, "", "", "AKS Engine v0.63.0 leads to 1.18.18", ""},
		{"no engine leads on from so old a version", "4", old("1.13.12", "v0.43.1", "1.14.8"), nil, "path", pass, "more to 1.35.0", ""},
		{"the newest version", "4", old("1.34.4", "v0.85.0", "1.34.4", "1.35.0"), nil, "path", pass, "1.35.0 is the newest", ""},
		{"the next hop needs another engine", "4", old("1.32.9", "v0.84.2", "1.32.9", "1.33.5"), nil, "path", pass, "with AKS Engine v0.85.0", ""},
		// Quota.
		{"cores for one more VM are missing", "5", few("cores", 11), nil, "quota", fail, "cores: 2 needed, 1 free", "raise the quota"},
		{"the number of VMs is used up", "5", few("virtualMachines", 10), nil, "quota", fail, "virtualMachines: 1 needed, 0 free", "raise the quota"},
		{"network interfaces are used up", "5", few("networkInterfaces", 10), nil, "quota", fail, "networkInterfaces: 1 needed", "raise the quota"},
		{"there is room for one more VM", "5", few("cores", 12), nil, "quota", pass, "1 VM with 2 cores", ""},
		// The model.
		{"the model of another deployment of the name", "16", change("AQID", "AQIE"), nil, "api-model", fail, "certificate authority is not the one", "bring the right apimodel.json"},
		{"the model of another cluster", "16", change("ratings-seattle", "other"), nil, "api-model", fail, "It is the model of other", "custody"},
		{"the input file instead of the engine's own", "16", func(b *bed) { b.put(`{"properties":{"masterProfile":{"dnsPrefix":"ratings-seattle"}}}`) }, nil, "api-model", fail, "not the cluster's", "compare"},
		{"no model in custody", "15", func(b *bed) { b.models = nil }, nil, "api-model", fail, "no API model in custody", "Retry the deploy run"},
		{"the model still holds the old version", "20", func(b *bed) {
			nodesWith(func(_ int, n *w.Node) { n.Version = "v1.34.4" })(b)
		}, nil, "model-version", fail, "says 1.33.10, but k8s-master-", "retry that run"},
		{"model and control plane agree", "20", nil, nil, "model-version", pass, "Both say 1.33.10", ""},
		{"the monitoring addon is in the model", "27", change(`"enabled":false`, `"enabled":true`), nil, "monitoring-addon", warn, "is in the API model", "takes it out"},
		// Drift.
		{"a VM was resized by hand or renamed: one too many", "17", func(b *bed) { b.make(worker("linuxpool", 3), "1.33.10") }, nil, "drift", fail, "4 VMs on the Hub, but 3", "Put it right"},
		{"a VM lost its tags", "17", func(b *bed) { b.vms[0].Tags = nil }, nil, "drift", fail, "has the tag orchestrator", "Put it right"},
		{"a control plane VM is gone", "17", func(b *bed) { b.drop(aksengine.MasterName(suffix, 2)) }, nil, "drift", fail, "is missing", "Put it right"},
		{"a static pod was put on a node", "17", func(b *bed) { b.survey.Static = []string{"kube-system/proxy-k8s-1"} }, nil, "static-pods", warn, "kube-system/proxy-k8s-1", "DaemonSets"},
		// Draining.
		{"a budget allows nothing", "18", func(b *bed) { b.disruption.Blocked = []string{"shop/web"} }, nil, "budgets", fail, "shop/web", "Start more replicas"},
		{"work with one replica", "18", func(b *bed) { b.disruption.Single = []string{"shop/db"} }, nil, "replicas", warn, "shop/db", "more replicas"},
		{"a pod that nobody makes again", "18", func(b *bed) { b.disruption.Bare = []string{"shop/debug"} }, nil, "replicas", warn, "shop/debug", "a controller"},
		{"a pod takes longer to end than the drain", "18", func(b *bed) { b.survey.Slow, b.survey.SlowFor = "shop/queue-0", 2*time.Hour }, nil, "grace", warn, "shop/queue-0 may take 120 minutes to end, and a drain has 60", "more time"},
		{"the drain is given more time", "18", func(b *bed) { b.survey.Slow, b.survey.SlowFor = "shop/queue-0", 2*time.Hour }, w.Answers{"drain": "180"}, "grace", pass, "120 minutes", ""},
		{"a node is not Ready", "19", nodesWith(func(i int, n *w.Node) { n.Ready = i != 1 }), nil, "nodes-ready", fail, "Not Ready", "kubectl describe node"},
		{"a node is cordoned", "19", nodesWith(func(i int, n *w.Node) {
			if i == 0 {
				n.Status = "Ready,SchedulingDisabled"
			}
		}), nil, "nodes-ready", fail, "taking no new pods", "uncordon"},
		{"one control plane node", "19", func(b *bed) { b.cluster.MasterCount = 1 }, nil, "single-master", warn, "the API is away", "Tell the people"},
		// Cut off.
		{"the control plane alone on a stamp that is cut off", "21", func(b *bed) { b.stack.AirGapped = true }, masters, "air-gapped", fail, "cut off from the internet", "Upgrade all nodes"},
		{"the control plane alone on a connected stamp", "21", nil, masters, "air-gapped", pass, "connected", ""},
		// What the hop brings.
		{"docker goes, containerd comes", "22", both(old("1.23.15", "v0.75.3", "1.23.15", "1.24.9"), nodesWith(func(_ int, n *w.Node) { n.ContainerRuntime = "docker://20.10.25" })), nil, "hop", fail, "from Docker to containerd", "waive this with a word"},
		{"Ubuntu 18.04 goes, 22.04 comes", "22", ubuntu("18.04.6"), nil, "hop", warn, "from Ubuntu 18.04 to 22.04", "matters less"},
		{"Ubuntu 20.04 goes with the image alone", "22", ubuntu("20.04.6"), w.Answers{"what": "image"}, "hop", warn, "from Ubuntu 20.04 to 22.04", "matters less"},
		{"the same system and runtime", "22", ubuntu("22.04.5"), nil, "hop", pass, "Nothing out of the ordinary", ""},
		{"in-tree disks go", "22", old("1.20.11", "v0.70.0", "1.20.11", "1.21.10"), nil, "hop", fail, "pods with disks are down", "waive"},
		{"volumes of the in-tree driver", "22", both(old("1.20.11", "v0.70.0", "1.20.11", "1.21.10"), func(b *bed) { b.survey.InTree = []string{"volume pvc-1", "class default"} }), nil, "disks", fail, "volume pvc-1, class default", "CSI driver"},
		{"PodSecurityPolicies of one's own", "22", both(old("1.24.11", "v0.76.0", "1.24.11", "1.25.7"), uses("policy/v1beta1", "PodSecurityPolicy", "PodSecurityPolicy mine", "there is no other version")), nil, "removed-apis", fail, "PodSecurityPolicy mine", "before the upgrade"},
		{"PodSecurityPolicy, CronJob and budgets change in 1.25", "22", old("1.24.11", "v0.76.0", "1.24.11", "1.25.7"), nil, "hop", warn, "PodSecurityPolicy, CronJob v1beta1", "matters less"},
		{"an object in an API that this hop takes", "22", both(old("1.31.13", "v0.84.2", "1.31.13", "1.32.9"), uses("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "FlowSchema mine", "kubectl apply")), nil, "removed-apis", fail, "FlowSchema mine (flowcontrol.apiserver.k8s.io/v1beta3, written by kubectl apply, gone in 1.32, use flowcontrol.apiserver.k8s.io/v1)", "kubectl apply"},
		{"a Helm release in an API that this hop takes", "22", both(old("1.25.13", "v0.78.0", "1.25.13", "1.26.8"), uses("autoscaling/v2beta2", "HorizontalPodAutoscaler", "HorizontalPodAutoscaler shop/web", "Helm release shop/ratings")), nil, "removed-apis", fail, "Helm release shop/ratings", "helm upgrade"},
		{"an API that a later hop takes", "22", both(old("1.30.14", "v0.83.1", "1.30.14", "1.31.11"), uses("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "FlowSchema mine", "kubectl")), nil, "removed-apis", warn, "A later hop takes away: FlowSchema mine", "before the upgrade"},
		{"an API that is gone already counts no more", "22", uses("policy/v1beta1", "PodDisruptionBudget", "PodDisruptionBudget shop/web", "kubectl"), nil, "removed-apis", pass, "No object and no Helm release", ""},
		// What ends.
		{"the service principal's secret has ended", "7", func(b *bed) { b.loginErr = &w.Problem{What: "The client secret has expired", Fix: "Make another."} }, nil, "principal", fail, "expired", "Make another"},
		{"the secret ends in a week", "7", secretEnds(7), nil, "principal-ends", warn, "ends on 30 November 2026, in 7 days", "Make a new secret"},
		{"the secret ended yesterday", "7", secretEnds(-1), nil, "principal-ends", fail, "ended on 22 November 2026", "Make a new secret"},
		{"the secret lasts", "7", secretEnds(300), nil, "principal-ends", pass, "lasts until", ""},
		{"nobody said when the secret ends", "7", nil, nil, "principal-ends", skip, "Nobody said", ""},
		{"the principal's certificate ends in a week", "7", principal(7), nil, "principal-ends", warn, "in 7 days", "new certificate"},
		{"the principal's certificate lasts", "7", principal(300), nil, "principal-ends", pass, "lasts until", ""},
		{"the principal may not make resources", "7", func(b *bed) { b.forbidden = true }, nil, "principal", fail, "may not make resources", "Contributor"},
		{"the cluster's certificates have ended", "25", certs(-3), nil, "certificates", fail, "ended on 20 November 2026", "Rotate the certificates first"},
		{"the cluster's certificates end in a week", "25", certs(7), nil, "certificates", warn, "in 7 days", "v0.85.0"},
		{"the cluster's certificates last", "25", certs(3000), nil, "certificates", pass, "lasts until", ""},
		// Disks.
		{"the disk driver is too old", "CSI", driver("1.29.12"), nil, "disks", warn, "1.29.12; Kubernetes 1.34.4 goes with 1.34.3", "chart"},
		{"the disk driver fits", "CSI", driver("1.34.3"), nil, "disks", pass, "1.34.3", ""},
		{"no disks", "CSI", nil, nil, "disks", pass, "No disks", ""},
		// Nobody answers.
		{"the cluster does not answer", "", func(b *bed) { b.kubeErr = &w.Problem{What: "The API server does not answer", Fix: "Look."} }, nil, "removed-apis", fail, "does not answer", "Look"},
		{"another command works on the cluster", "14", func(b *bed) {
			b.files[folder+"jobs"] = "scale-x-1\n"
			b.jobs["scale-x-1"] = &job{state: "running"}
		}, nil, "idle", fail, "scale-x-1", ""},
	}
}

func TestAdvice(t *testing.T) {
	all := situations(t)
	covered := map[string]bool{}
	for _, s := range all {
		covered[s.rows] = true
		t.Run(s.name, func(t *testing.T) {
			b := newBed(t)
			if s.world != nil {
				s.world(b)
			}
			session := b.open("upgrade", s.ask)
			if s.check == "" {
				for _, e := range session.Errors() {
					if strings.Contains(e.Message, s.says) {
						return
					}
				}
				t.Fatalf("%+v, want %q", session.Errors(), s.says)
			}
			f := session.RunCheck(context.Background(), s.check)
			if f.Status != s.status || !strings.Contains(f.Found, s.says) || !strings.Contains(f.Remedy, s.remedy) {
				t.Errorf("%+v,\nwant %s with %q and %q", f, s.status, s.says, s.remedy)
			}
			if (f.Status == w.CheckWarning || f.Status == w.CheckFailed) && f.Remedy == "" {
				t.Errorf("no remedy: %+v", f)
			}
		})
	}
	// The rows of the known failures that an upgrade can foresee.
	for _, row := range strings.Fields("1 3 4 5 16 17 18 22") {
		if !covered[row] {
			t.Errorf("no situation stands for failure %s", row)
		}
	}
	if len(all) < 40 {
		t.Errorf("%d situations", len(all))
	}
}

// The plan says how long it will take: from our own past where there is one.
func TestDurationFromThePast(t *testing.T) {
	took := func(minutes ...int) (out []time.Duration) {
		for _, m := range minutes {
			out = append(out, time.Duration(m)*time.Minute)
		}
		return out
	}
	for name, tc := range map[string]struct {
		past map[string][]time.Duration
		want string
	}{
		"none":                    {nil, "about 103 min on a real stamp"},
		"two nodes are too few":   {map[string][]time.Duration{"site_1": took(4, 5), "": took(4, 5)}, "on a real stamp"},
		"of this Site":            {map[string][]time.Duration{"site_1": took(9, 2, 3), "": took(20, 20, 20)}, "about 26 minutes: a node took 3 minutes, the middle of the last 3"},
		"of others, if few of it": {map[string][]time.Duration{"site_1": took(9), "": took(9, 10, 11, 12)}, "a node took 11 minutes, the middle of the last 4"},
	} {
		b := newBed(t)
		b.nodeTimes = tc.past
		plan, err := b.open("upgrade", nil).Plan(context.Background())
		if err != nil || !strings.Contains(plan.Duration, tc.want) {
			t.Errorf("%s: %q, %v; want %q", name, plan.Duration, err, tc.want)
		}
	}
}
