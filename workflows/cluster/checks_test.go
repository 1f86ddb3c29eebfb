package cluster_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func testBundle(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "principal"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}))
}

// Every check passes in a good world.
func TestChecksPass(t *testing.T) {
	b := newBed(t)
	s := b.open(w.Answers{})
	checks := s.Checks()
	if len(checks) < 15 {
		t.Errorf("%d checks", len(checks))
	}
	for _, c := range checks {
		f := s.RunCheck(context.Background(), c.ID)
		if f.Status != w.CheckPassed || f.Found == "" || f.Remedy != "" {
			t.Errorf("%s: %+v", c.ID, f)
		}
		if c.Why == "" || c.Title == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestChecksFind(t *testing.T) {
	own := w.Answers{"vnet": "own", "masterSubnet": subnetID + "m", "agentSubnet": subnetID + "a", "vnetCIDR": "10.100.0.0/16", "firstIP": "10.100.0.200"}
	nodes := func(masters, workers string) w.Answers {
		return w.Answers{"masters": masters, "pools.0.name": "p", "pools.0.count": workers}
	}
	suffix := aksengine.NameSuffix("ratings-seattle")
	vm := func(name, suffix string) w.VM {
		return w.VM{Name: name, Tags: map[string]string{"resourceNameSuffix": suffix}}
	}
	usage := func(name string, current, limit int64) func(*bed) {
		return func(b *bed) {
			for i := range b.hub.usages {
				if b.hub.usages[i].Name == name {
					b.hub.usages[i].Current, b.hub.usages[i].Limit = current, limit
				}
			}
		}
	}
	const fails, warns, passes, skips = w.CheckFailed, w.CheckWarning, w.CheckPassed, w.CheckSkipped
	tests := []struct {
		check   string
		name    string
		answers w.Answers
		setup   func(*bed)
		status  w.CheckStatus
		says    string
		remedy  string
	}{
		{"site-free", "a cluster", nil, func(b *bed) { b.cluster = &w.Cluster{Name: "old"} }, fails, "old", "site of its own"},
		{"helper-vm", "SSH refused", nil, func(b *bed) { b.hostDown = &w.Problem{Code: "ssh.refused", What: "SSH is refused", Fix: "Start sshd."} }, fails, "SSH is refused", "Start sshd"},
		{"helper-vm", "no engine", nil, func(b *bed) { b.host.exit["'version'"] = outputWith(127, "") }, fails, "is not there", "Prepare AKS Engine"},
		{"helper-vm", "other engine", nil, func(b *bed) { b.host.exit["'version'"] = printed(`{"GitTag":"v0.84.2"}`) }, fails, "says v0.84.2", "again"},
		{"helper-vm", "own build", nil, func(b *bed) { b.host.exit["'version'"] = printed(`{"GitTag":"canary"}`) }, passes, "canary", ""},
		{"helper-vm", "mute engine", nil, func(b *bed) { b.host.exit["'version'"] = printed(`hello`) }, fails, "does not say its version", "again"},
		{"engine-offers-version", "not offered", w.Answers{"kubernetes": "1.35.0"}, nil, fails, "1.33.10, 1.34.4", "Choose one of these"},
		{"engine-offers-version", "mute engine", nil, func(b *bed) { b.host.exit["'get-versions'"] = outputWith(1, "x") }, fails, "does not say", "again"},
		{"hub-ca-trusted", "unknown authority", nil, func(b *bed) {
			b.host.exit["metadata"] = outputWith(60, "curl: (60) SSL certificate problem: unable to get local issuer certificate")
		}, fails, "not in the list of trusted ones", "Helper VM workflow"},
		{"hub-ca-trusted", "refused", nil, func(b *bed) { b.host.exit["metadata"] = outputWith(7, "curl: (7) Failed to connect") }, fails, "nothing listens", "service is started"},
		{"hub-ca-trusted", "no name", nil, func(b *bed) { b.host.exit["metadata"] = outputWith(6, "curl: (6) Could not resolve host") }, fails, "no address", "DNS server"},
		{"hub-ca-trusted", "something else", nil, func(b *bed) { b.host.exit["metadata"] = outputWith(35, "curl: (35) odd") }, fails, "odd", "firewall"},
		{"hub-ca-trusted", "no bundle", nil, func(b *bed) { b.host.exit["metadata"] = outputWith(98, "") }, fails, "no list of trusted", "Prepare AKS Engine"},
		{"hub-ca-trusted", "no curl", nil, func(b *bed) { b.host.exit["metadata"] = outputWith(97, "") }, skips, "no curl", ""},
		{"token-service", "no internet", nil, func(b *bed) { b.host.exit["login.seattle"] = outputWith(28, "curl: (28) timed out") }, fails, "token service", "AD FS"},
		{"token-service", "not known", nil, func(b *bed) { b.stack.Metadata.LoginEndpoint = "" }, skips, "did not say", ""},
		{"principal", "login", nil, func(b *bed) {
			b.hub.loginErr = &w.Problem{Code: "token.x", What: "The client secret has expired", Fix: "New one."}
		}, fails, "expired", "New one"},
		{"principal", "no role", nil, func(b *bed) { b.hub.contribute = false }, fails, "may not make resources", "Contributor"},
		{"providers", "one missing", nil, func(b *bed) { b.hub.providers[1].Registered = false }, fails, "Microsoft.Network", "Run the stack's test"},
		{"base-image", "missing", nil, func(b *bed) { b.hub.image = false }, fails, "none of this kind", "exactly this version"},
		{"base-image", "other version", nil, func(b *bed) { b.hub.image, b.hub.available = false, []string{"2025.337.1"} }, fails, "2025.337.1", "operator"},
		{"custom-script", "missing", nil, func(b *bed) { b.hub.extension = false }, fails, "CustomScript 2.0.6 is not there", "Custom Script for Linux 2.0"},
		{"vm-sizes", "unknown", w.Answers{"masterSize": "Standard_Z99"}, nil, fails, "Standard_Z99 is not offered", "lists"},
		{"vm-sizes", "too small", w.Answers{"masterSize": "Standard_A1_v2"}, nil, fails, "too small", "lists"},
		{"quota", "cores", nil, usage("cores", 95, 100), fails, "12 cores are needed, 5 are free", "raise the quota"},
		{"quota", "VMs", nil, usage("virtualMachines", 46, 50), fails, "6 VMs are needed, 4 are free", "two hours"},
		{"quota", "over the limit already", nil, usage("cores", 120, 100), fails, "0 are free", "raise the quota"},
		{"quota", "public IPs", nil, usage("PublicIPAddresses", 50, 50), fails, "1 public IP addresses are needed, 0 are free", "raise"},
		{"quota", "not for upgrades", nil, usage("cores", 88, 100), warns, "12 cores are needed and 2 more during an upgrade, 12 are free", "raise"},
		{"quota", "just enough", nil, usage("cores", 86, 100), passes, "Free: 49 VMs, 14 cores", ""},
		{"node-limit", "alone", nodes("3", "48"), nil, fails, "51 nodes", "at most 50"},
		{"node-limit", "with others", nil, usage("virtualMachines", 45, 100), warns, "has 45 VMs and would get 6 more", "other clusters"},
		{"node-limit", "at the limit", nil, usage("virtualMachines", 44, 100), passes, "44 VMs", ""},
		{"api-model", "broken", w.Answers{"masters": "2"}, nil, fails, "1, 3 or 5", "Correct"},
		{"address-ranges", "overlap", w.Answers{"podCIDR": "10.0.0.0/8"}, nil, fails, "overlaps", "Correct"},
		{"own-subnets", "missing", own, nil, fails, "subnets/m is not there", "Correct"},
		{"own-subnets", "there", own, func(b *bed) {
			b.hub.subnets[subnetID+"m"], b.hub.subnets[subnetID+"a"] = "10.100.0.0/24", "10.100.1.0/24"
		}, passes, "10.100.0.0/24 and 10.100.1.0/24", ""},
		{"own-subnets", "first address elsewhere", own, func(b *bed) {
			b.hub.subnets[subnetID+"m"], b.hub.subnets[subnetID+"a"] = "10.100.2.0/24", "10.100.1.0/24"
		}, fails, "not in its subnet 10.100.2.0/24", "first address"},
		{"own-subnets", "overlap", own, func(b *bed) {
			b.hub.subnets[subnetID+"m"], b.hub.subnets[subnetID+"a"] = "10.100.0.0/24", "10.244.1.0/24"
		}, fails, "10.244.0.0/16 overlaps with the subnet", "ranges"},
		{"dns-label", "taken", nil, func(b *bed) { b.hub.labelTaken, b.hub.labelBy = true, "/x/y" }, fails, "taken by /x/y", "another DNS prefix"},
		{"dns-label", "taken by somebody", nil, func(b *bed) { b.hub.labelTaken = true }, fails, "cannot see", "another DNS prefix"},
		{"dns-label", "our own", nil, func(b *bed) {
			b.hub.labelTaken, b.hub.labelBy = true, "/subscriptions/s/resourceGroups/ratings-seattle/providers/Microsoft.Network/publicIPAddresses/k8s-master-ip-ratings-seattle-"+suffix
		}, warns, "half-made", "delete the resource group"},
		{"resource-group", "empty", nil, func(b *bed) { b.hub.group = true }, passes, "holds no VMs", ""},
		{"resource-group", "another cluster", nil, func(b *bed) { b.hub.group, b.hub.vms = true, []w.VM{vm("k8s-master-11111111-0", "11111111")} }, fails, "name suffix 11111111", "another resource group"},
		{"resource-group", "a stranger", nil, func(b *bed) { b.hub.group, b.hub.vms = true, []w.VM{{Name: "db"}} }, fails, "db, which is not part", "nothing else"},
		{"resource-group", "half-made", nil, func(b *bed) { b.hub.group, b.hub.vms = true, []w.VM{vm("k8s-master-"+suffix+"-0", suffix)} }, warns, "half-made", "goes on with them"},
		{"single-master", "one", nodes("1", "3"), nil, warns, "only one", "three"},
		{"production-support", "two workers", nodes("3", "2"), nil, warns, "3 control plane nodes and 2 workers", "at least three"},
	}
	for _, tt := range tests {
		t.Run(tt.check+" "+tt.name, func(t *testing.T) {
			b := newBed(t)
			if tt.setup != nil {
				tt.setup(b)
			}
			f := b.open(tt.answers).RunCheck(context.Background(), tt.check)
			if f.Status != tt.status || !strings.Contains(f.Found, tt.says) || !strings.Contains(f.Remedy, tt.remedy) {
				t.Errorf("%+v", f)
			}
			if f.Status == fails && f.Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
}

// No check hides that it could not look.
func TestChecksWhenNothingAnswers(t *testing.T) {
	b := newBed(t)
	b.hub.err = errors.New("dial tcp 127.0.0.1:443: connect: connection refused")
	b.hostDown = errors.New("dial tcp 127.0.0.1:22: connect: connection refused")
	s := b.open(w.Answers{})
	local := map[string]bool{"site-free": true, "api-model": true, "address-ranges": true, "production-support": true}
	for _, c := range s.Checks() {
		f := s.RunCheck(context.Background(), c.ID)
		if !local[c.ID] && (f.Status != w.CheckFailed || f.Remedy == "" || !strings.Contains(f.Found, "refused")) {
			t.Errorf("%s: %+v", c.ID, f)
		}
	}
}

func TestOnlyFittingChecksAreShown(t *testing.T) {
	b := newBed(t)
	has := func(a w.Answers, id string) bool {
		for _, c := range b.open(a).Checks() {
			if c.ID == id {
				return true
			}
		}
		return false
	}
	if has(nil, "own-subnets") || has(nil, "single-master") {
		t.Error("shown without need")
	}
	if !has(w.Answers{"vnet": "own"}, "own-subnets") || !has(w.Answers{"masters": "1"}, "single-master") {
		t.Error("not shown")
	}
}

// The question of the check is asked while the prefix is typed.
func TestThePrefixIsLookedUp(t *testing.T) {
	b := newBed(t)
	look := func() w.Finding {
		f, ok := b.open(w.Answers{"dnsPrefix": "other"}).Lookup(t.Context(), "access", "dnsPrefix")
		if !ok {
			t.Fatal("nothing is looked up")
		}
		return f
	}
	if f := look(); f.Status != w.CheckPassed || !strings.HasPrefix(f.Found, "other.") {
		t.Errorf("free: %+v", f)
	}
	b.hub.labelTaken = true
	if f := look(); f.Status != w.CheckFailed || !strings.Contains(f.Found, "is taken") {
		t.Errorf("taken: %+v", f)
	}
	b.hub.err = &w.Problem{What: "The Hub does not answer"}
	if f := look(); f.Status != w.CheckSkipped || f.Found != "It could not be asked: The Hub does not answer." {
		t.Errorf("without an answer: %+v", f)
	}
}
