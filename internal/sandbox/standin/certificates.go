package standin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	usualBits    = 4096
	leastBits    = 2048
	validity     = 30 * 365 * 24 * time.Hour
	firstMaster  = "10.240.255.5"
	internalLB   = "10.240.255.15"
	serviceFirst = "10.0.0.1"
)

// pair is a certificate with its key, in PEM.
type pair struct {
	cert, key string
}

// issuer makes the PKI of a cluster.
type issuer struct {
	bits int
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func (p *process) bits() int {
	n, err := strconv.Atoi(p.getenv(BitsVariable))
	if err != nil || n < leastBits {
		return usualBits
	}
	return n
}

// makeCertificates fills in the certificate profile as AKS Engine does.
func (p *process) makeCertificates(props *Properties, fqdn string) error {
	is := &issuer{bits: p.bits()}
	ca, err := is.root()
	if err != nil {
		return err
	}
	ips := masterIPs(props)
	names := append([]string{fqdn}, props.MasterProfile.SubjectAltNames...)
	names = append(names, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "kubernetes.kube-system", "kubernetes.kube-system.svc", "kubernetes.kube-system.svc.cluster.local")
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	login := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	apiIPs := append(append([]string{}, ips...), internalLB, serviceFirst, "127.0.0.1")
	etcdIPs := append(append([]string{}, ips...), "127.0.0.1")
	c := &CertificateProfile{CaCertificate: ca.cert, CaPrivateKey: ca.key, EtcdPeerCertificates: make([]string, len(ips)), EtcdPeerPrivateKeys: make([]string, len(ips))}
	type order struct {
		cn, org   string
		usage     []x509.ExtKeyUsage
		dns, ip   []string
		cert, key *string
	}
	orders := []order{
		{"apiserver", "", server, names, apiIPs, &c.APIServerCertificate, &c.APIServerPrivateKey},
		{"client", "system:masters", login, nil, nil, &c.ClientCertificate, &c.ClientPrivateKey},
		{"client", "system:masters", login, nil, nil, &c.KubeConfigCertificate, &c.KubeConfigPrivateKey},
		{"etcdserver", "", both, nil, etcdIPs, &c.EtcdServerCertificate, &c.EtcdServerPrivateKey},
		{"etcdclient", "", both, nil, etcdIPs, &c.EtcdClientCertificate, &c.EtcdClientPrivateKey},
	}
	for i := range ips {
		orders = append(orders, order{"etcdpeer", "", both, nil, etcdIPs, &c.EtcdPeerCertificates[i], &c.EtcdPeerPrivateKeys[i]})
	}
	errs := make([]error, len(orders))
	var wg sync.WaitGroup
	for i, o := range orders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got, err := is.issue(o.cn, o.org, o.usage, o.dns, o.ip)
			*o.cert, *o.key, errs[i] = got.cert, got.key, err
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	props.CertificateProfile = c
	return nil
}

// masterIPs are the static addresses of the control plane's machines.
func masterIPs(props *Properties) []string {
	first := net.ParseIP(props.MasterProfile.FirstConsecutiveStaticIP).To4()
	if first == nil {
		first = net.ParseIP(firstMaster).To4()
	}
	var out []string
	for i := range props.MasterProfile.Count {
		out = append(out, net.IPv4(first[0], first[1], first[2], first[3]+byte(i)).String())
	}
	return out
}

func (is *issuer) root() (pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, is.bits)
	if err != nil {
		return pair{}, err
	}
	t := certificateTemplate("ca", "")
	t.IsCA = true
	t.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return pair{}, err
	}
	if is.cert, err = x509.ParseCertificate(der); err != nil {
		return pair{}, err
	}
	is.key = key
	return encode(der, key), nil
}

func certificateTemplate(cn, org string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if org != "" {
		t.Subject.Organization = []string{org}
	}
	return t
}

func (is *issuer) issue(cn, org string, usage []x509.ExtKeyUsage, names, ips []string) (pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, is.bits)
	if err != nil {
		return pair{}, err
	}
	t := certificateTemplate(cn, org)
	t.ExtKeyUsage, t.DNSNames = usage, names
	for _, ip := range ips {
		parsed := net.ParseIP(ip)
		if parsed == nil {
			return pair{}, fmt.Errorf("%q is no IP address", ip)
		}
		t.IPAddresses = append(t.IPAddresses, parsed)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, is.cert, &key.PublicKey, is.key)
	if err != nil {
		return pair{}, err
	}
	return encode(der, key), nil
}

func encode(der []byte, key *rsa.PrivateKey) pair {
	return pair{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}
}
