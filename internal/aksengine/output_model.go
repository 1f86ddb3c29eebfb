package aksengine

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hubwright/workflows"
)

// Output is what we read from the apimodel.json that the engine wrote.
type Output struct {
	DNSPrefix      string
	NameSuffix     string
	Location       string
	Version        string // Kubernetes, without v
	MasterCount    int
	MasterSize     string
	Pools          []workflows.NodePool
	AdminUser      string
	FQDN           string // the API server's name
	CAFingerprint  string // SHA-256 of the cluster's CA certificate, hexadecimal; "" before there is one
	HasCredentials bool   // it holds the PKI
	AgentSubnet    string // of the first pool, "" when the engine made the network
}

// Nodes is how many nodes the model has.
func (o Output) Nodes() int {
	n := o.MasterCount
	for _, p := range o.Pools {
		n += p.Count
	}
	return n
}

// VMNames are the names of a fresh deployment's VMs.
func (o Output) VMNames() []string {
	m := Model{}
	m.Properties.MasterProfile = MasterProfile{DNSPrefix: o.DNSPrefix, Count: o.MasterCount}
	for _, p := range o.Pools {
		m.Properties.AgentPoolProfiles = append(m.Properties.AgentPoolProfiles, AgentPoolProfile{Name: p.Name, Count: p.Count})
	}
	return m.VMNames()
}

type outputDoc struct {
	Location   string `json:"location"`
	Properties struct {
		ClusterID           string `json:"clusterID"`
		OrchestratorProfile struct {
			OrchestratorVersion string `json:"orchestratorVersion"`
		} `json:"orchestratorProfile"`
		MasterProfile struct {
			Count     int    `json:"count"`
			DNSPrefix string `json:"dnsPrefix"`
			VMSize    string `json:"vmSize"`
		} `json:"masterProfile"`
		AgentPoolProfiles []struct {
			Name   string `json:"name"`
			Count  int    `json:"count"`
			VMSize string `json:"vmSize"`
			Subnet string `json:"vnetSubnetID"`
		} `json:"agentPoolProfiles"`
		LinuxProfile struct {
			AdminUsername string `json:"adminUsername"`
		} `json:"linuxProfile"`
		CustomCloudProfile struct {
			Environment struct {
				ResourceManagerVMDNSSuffix string `json:"resourceManagerVMDNSSuffix"`
			} `json:"environment"`
		} `json:"customCloudProfile"`
		CertificateProfile struct {
			CACertificate         string `json:"caCertificate"`
			KubeConfigCertificate string `json:"kubeConfigCertificate"`
			KubeConfigPrivateKey  string `json:"kubeConfigPrivateKey"`
		} `json:"certificateProfile"`
	} `json:"properties"`
}

var eightDigits = regexp.MustCompile(`^\d{8}$`)

// ReadOutput reads the engine's output apimodel.json. It refuses a document
// without a DNS prefix: that is no API model of a cluster.
func ReadOutput(doc []byte) (Output, error) {
	d, err := parseOutput(doc)
	if err != nil {
		return Output{}, err
	}
	p := d.Properties
	o := Output{
		DNSPrefix: p.MasterProfile.DNSPrefix, NameSuffix: NameSuffix(p.MasterProfile.DNSPrefix), Location: d.Location,
		Version: p.OrchestratorProfile.OrchestratorVersion, MasterCount: p.MasterProfile.Count, MasterSize: p.MasterProfile.VMSize,
		AdminUser: p.LinuxProfile.AdminUsername, CAFingerprint: fingerprint(p.CertificateProfile.CACertificate),
		HasCredentials: p.CertificateProfile.KubeConfigPrivateKey != "" && p.CertificateProfile.CACertificate != "",
	}
	if eightDigits.MatchString(p.ClusterID) {
		o.NameSuffix = p.ClusterID
	}
	if suffix := p.CustomCloudProfile.Environment.ResourceManagerVMDNSSuffix; suffix != "" && d.Location != "" {
		o.FQDN = o.DNSPrefix + "." + d.Location + "." + suffix
	}
	for _, a := range p.AgentPoolProfiles {
		o.Pools = append(o.Pools, workflows.NodePool{Name: a.Name, Count: a.Count, Size: a.VMSize})
		if o.AgentSubnet == "" {
			o.AgentSubnet = a.Subnet
		}
	}
	return o, nil
}

func parseOutput(doc []byte) (outputDoc, error) {
	var d outputDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return d, fmt.Errorf("apimodel.json is not valid JSON: %w", err)
	}
	if d.Properties.MasterProfile.DNSPrefix == "" {
		return d, errors.New("apimodel.json has no masterProfile.dnsPrefix")
	}
	return d, nil
}

func fingerprint(certificate string) string {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// Kubeconfig makes the cluster-admin kubeconfig from the output model, in the
// form in which the engine writes it beside the model. The engine writes that
// file only in the run that made the certificates.
func Kubeconfig(doc []byte) ([]byte, error) {
	d, err := parseOutput(doc)
	if err != nil {
		return nil, err
	}
	o, err := ReadOutput(doc)
	if err != nil {
		return nil, err
	}
	if !o.HasCredentials || d.Properties.CertificateProfile.KubeConfigCertificate == "" || o.FQDN == "" {
		return nil, errors.New("apimodel.json holds no certificates for a kubeconfig")
	}
	cp := d.Properties.CertificateProfile
	name, user := o.DNSPrefix, o.DNSPrefix+"-admin"
	type m = map[string]any
	return json.MarshalIndent(m{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []m{{"name": name, "cluster": m{"server": "https://" + o.FQDN, "certificate-authority-data": b64(cp.CACertificate)}}},
		"contexts": []m{{"name": name, "context": m{"cluster": name, "user": user}}},
		"users":    []m{{"name": user, "user": m{"client-certificate-data": b64(cp.KubeConfigCertificate), "client-key-data": b64(cp.KubeConfigPrivateKey)}}},
	}, "", "  ")
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Secrets are the values in an API model that must never be seen: what Masked
// would hide and what is long enough to look for.
func Secrets(doc []byte) []string {
	var v any
	if json.Unmarshal(doc, &v) != nil {
		return nil
	}
	return collect(v, false, nil)
}

func collect(v any, secret bool, found []string) []string {
	switch x := v.(type) {
	case map[string]any:
		for k, child := range x {
			found = collect(child, secret || secretKey(k), found)
		}
	case []any:
		for _, child := range x {
			found = collect(child, secret, found)
		}
	case string:
		const short = 6
		if len(x) >= short && (secret || strings.Contains(x, "PRIVATE KEY-----")) {
			found = append(found, x)
		}
	}
	return found
}

// HasAddon says whether the API model has an addon that is on.
func HasAddon(doc []byte, name string) bool {
	_, has, _ := WithoutAddon(doc, name)
	return has
}

// WithoutAddon is the API model without an addon that is on, and whether it
// was there. Nothing else in the document changes.
func WithoutAddon(doc []byte, name string) (out []byte, changed bool, err error) {
	m, err := decode(doc)
	if err != nil {
		return nil, false, err
	}
	properties, _ := m["properties"].(map[string]any)
	orchestrator, _ := properties["orchestratorProfile"].(map[string]any)
	config, _ := orchestrator["kubernetesConfig"].(map[string]any)
	addons, _ := config["addons"].([]any)
	kept := slices.DeleteFunc(slices.Clone(addons), func(a any) bool {
		addon, _ := a.(map[string]any)
		return addon["name"] == name && addon["enabled"] == true
	})
	if len(kept) == len(addons) {
		return doc, false, nil
	}
	config["addons"] = kept
	out, err = json.MarshalIndent(m, "", "  ")
	return out, true, err
}

func decode(doc []byte) (map[string]any, error) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("this is not valid JSON: %w", err)
	}
	return m, nil
}

// WithPoolCount is the API model with a pool's count set, and whether that was
// another one. Nothing else in the document changes. The error says that there
// is no such pool.
func WithPoolCount(doc []byte, pool string, count int) (out []byte, changed bool, err error) {
	m, err := decode(doc)
	if err != nil {
		return nil, false, err
	}
	properties, _ := m["properties"].(map[string]any)
	pools, _ := properties["agentPoolProfiles"].([]any)
	for _, p := range pools {
		profile, _ := p.(map[string]any)
		if profile["name"] != pool {
			continue
		}
		want := json.Number(strconv.Itoa(count))
		if profile["count"] == want {
			return doc, false, nil
		}
		profile["count"] = want
		out, err = json.MarshalIndent(m, "", "  ")
		return out, true, err
	}
	return nil, false, fmt.Errorf("apimodel.json has no pool %s", pool)
}
