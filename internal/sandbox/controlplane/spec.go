package controlplane

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Spec says what one cluster is. Equal Specs mean that there is nothing to do.
type Spec struct {
	// ID names the cluster and its folder: letters, digits, "-", "_" and ".", 1 to 100 of them.
	ID string
	// Version is the Kubernetes version to be, such as "1.33.10"; minor versions 33 to 36.
	Version string
	// FQDN is the public name, which the API server's certificate must name: <dns>.<region>.cloudapp.<domain>.
	FQDN string
	// IP is the 127.x address to bind to; all listeners of the cluster are on it, and it is this cluster's alone.
	IP string
	// AdvertiseIP is the address in the Endpoints of the Service "kubernetes": the internal load balancer's. It is only
	// data. "" stands for 10.240.255.15, AKS Engine's default.
	AdvertiseIP string
	// ServiceCIDR and PodCIDR; "" stands for 10.0.0.0/16 and 10.244.0.0/16.
	ServiceCIDR, PodCIDR string
	// ResourceGroup is the cluster's name in labels of its nodes.
	ResourceGroup string
	// PKI is kept in files of its own.
	PKI PKI `json:"-"`
}

// PKI holds certificates and their private keys in PEM, as AKS Engine makes them (parameters caCertificate,
// apiServerCertificate, clientCertificate, etcdServerCertificate, etcdClientCertificate and their ...PrivateKey).
type PKI struct {
	CA, CAKey                 []byte
	APIServer, APIServerKey   []byte
	Client, ClientKey         []byte
	EtcdServer, EtcdServerKey []byte
	EtcdClient, EtcdClientKey []byte
}

// Files are the parts of the PKI by the names of their files, which are those on a master's disk. Writing to them changes
// the PKI.
func (p *PKI) Files() map[string]*[]byte {
	return map[string]*[]byte{
		"ca.crt": &p.CA, "ca.key": &p.CAKey,
		"apiserver.crt": &p.APIServer, "apiserver.key": &p.APIServerKey,
		"client.crt": &p.Client, "client.key": &p.ClientKey,
		"etcdserver.crt": &p.EtcdServer, "etcdserver.key": &p.EtcdServerKey,
		"etcdclient.crt": &p.EtcdClient, "etcdclient.key": &p.EtcdClientKey,
	}
}

func (p *PKI) equal(other *PKI) bool {
	theirs := other.Files()
	for name, mine := range p.Files() {
		if !bytes.Equal(*mine, *theirs[name]) {
			return false
		}
	}
	return true
}

func (s *Spec) equal(other *Spec) bool {
	a, b := *s, *other
	a.PKI, b.PKI = PKI{}, PKI{}
	one, _ := json.Marshal(a)
	two, _ := json.Marshal(b)
	return bytes.Equal(one, two) && s.PKI.equal(&other.PKI)
}

func (s *Spec) setDefaults() {
	for field, value := range map[*string]string{
		&s.AdvertiseIP: "10.240.255.15", &s.ServiceCIDR: "10.0.0.0/16", &s.PodCIDR: "10.244.0.0/16",
	} {
		if *field == "" {
			*field = value
		}
	}
	s.Version = strings.TrimPrefix(s.Version, "v")
}

var (
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	versionPattern = regexp.MustCompile(`^1\.(33|34|35|36)\.(0|[1-9][0-9]*)$`)
)

// check finds at once what would otherwise show as a control plane that never gets ready.
func (s *Spec) check() error {
	if !idPattern.MatchString(s.ID) {
		return fmt.Errorf("cluster id %q: want letters, digits, dots, dashes or underscores, at most 100", s.ID)
	}
	if !versionPattern.MatchString(s.Version) {
		return fmt.Errorf("cluster %s: Kubernetes version %q is none that this control plane can be (1.33.x to 1.36.x)", s.ID, s.Version)
	}
	ip, err := netip.ParseAddr(s.IP)
	if err != nil || !ip.Is4() || !ip.IsLoopback() {
		return fmt.Errorf("cluster %s: address %q is not in 127.0.0.0/8", s.ID, s.IP)
	}
	if ip, err := netip.ParseAddr(s.AdvertiseIP); err != nil || ip.IsLoopback() {
		return fmt.Errorf("cluster %s: %q cannot be advertised: want an address outside 127.0.0.0/8", s.ID, s.AdvertiseIP)
	}
	for _, cidr := range []string{s.ServiceCIDR, s.PodCIDR} {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return fmt.Errorf("cluster %s: %w", s.ID, err)
		}
	}
	if err := s.PKI.check(s.FQDN); err != nil {
		return fmt.Errorf("cluster %s: %w", s.ID, err)
	}
	return nil
}

// check verifies that each key fits its certificate, that the CA issued all of them, and that the API server's names the
// cluster's public name.
func (p *PKI) check(fqdn string) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.CA) {
		return errors.New("the CA is not a certificate in PEM")
	}
	for _, pair := range []struct {
		name      string
		cert, key []byte
		verify    x509.VerifyOptions
	}{
		{"ca", p.CA, p.CAKey, x509.VerifyOptions{}},
		{"apiserver", p.APIServer, p.APIServerKey, x509.VerifyOptions{DNSName: fqdn}},
		{"client", p.Client, p.ClientKey, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
		{"etcdserver", p.EtcdServer, p.EtcdServerKey, x509.VerifyOptions{}},
		{"etcdclient", p.EtcdClient, p.EtcdClientKey, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
	} {
		both, err := tls.X509KeyPair(pair.cert, pair.key)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", pair.name, err)
		}
		pair.verify.Roots = roots
		if _, err := both.Leaf.Verify(pair.verify); err != nil {
			return fmt.Errorf("certificate %s: %w", pair.name, err)
		}
	}
	return nil
}

const specFile = "cluster.json"

// save writes the spec and its PKI into the cluster's folder, readable by the owner alone.
func (s *Spec) save(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "pki"), 0o700); err != nil {
		return err
	}
	for name, text := range s.PKI.Files() {
		if err := os.WriteFile(filepath.Join(dir, "pki", name), *text, 0o600); err != nil {
			return err
		}
	}
	if err := writeIssued(dir, s); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, specFile), text)
}

// writeFile replaces a file as a whole.
func writeFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// loadSpec reads what save wrote.
func loadSpec(dir string) (Spec, error) {
	var s Spec
	text, err := os.ReadFile(filepath.Join(dir, specFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", filepath.Join(dir, specFile), err)
	}
	for name, text := range s.PKI.Files() {
		if *text, err = os.ReadFile(filepath.Join(dir, "pki", name)); err != nil {
			return s, err
		}
	}
	return s, nil
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// dnsIP is the tenth address of the service network, which is where AKS Engine puts DNS.
func (s *Spec) dnsIP() string { return s.serviceIP(10) }

// metricsIP is the metrics server's, which the egress proxy has to know.
func (s *Spec) metricsIP() string { return s.serviceIP(11) }

func (s *Spec) serviceIP(n int) string {
	ip := netip.MustParsePrefix(s.ServiceCIDR).Masked().Addr()
	for range n {
		ip = ip.Next()
	}
	return ip.String()
}
