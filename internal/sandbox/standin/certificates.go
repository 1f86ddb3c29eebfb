package standin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	usualBits     = 4096
	leastBits     = 2048
	validity      = 30 * 365 * 24 * time.Hour
	balancerAfter = 10 // the internal load balancer's address, counted from the first master's
)

// bits is the size of the RSA keys.
func (p *process) bits() int {
	n, err := strconv.Atoi(p.getenv(BitsVariable))
	if err != nil || n < leastBits {
		return usualBits
	}
	return n
}

// certificateFile is a certificate of the PKI with its key: where they are in the model, and what they are called elsewhere.
type certificateFile struct {
	file      string // in the output folder
	parameter string // of the template
	peer      int    // the number of an etcd peer, -1 for others
	cert, key *string
}

func (c *CertificateProfile) files() []certificateFile {
	list := []certificateFile{
		{"ca", "ca", -1, &c.CACertificate, &c.CAPrivateKey},
		{"apiserver", "apiServer", -1, &c.APIServerCertificate, &c.APIServerPrivateKey},
		{"client", "client", -1, &c.ClientCertificate, &c.ClientPrivateKey},
		{"kubectlClient", "kubeConfig", -1, &c.KubeConfigCertificate, &c.KubeConfigPrivateKey},
		{"etcdserver", "etcdServer", -1, &c.EtcdServerCertificate, &c.EtcdServerPrivateKey},
		{"etcdclient", "etcdClient", -1, &c.EtcdClientCertificate, &c.EtcdClientPrivateKey},
	}
	for i := range c.EtcdPeerCertificates {
		list = append(list, certificateFile{"etcdpeer" + strconv.Itoa(i), "etcdPeer", i, &c.EtcdPeerCertificates[i], &c.EtcdPeerPrivateKeys[i]})
	}
	return list
}

// hasAll says whether a model brings a whole PKI for its control plane.
func (c *CertificateProfile) hasAll(masters int) bool {
	if c == nil || len(c.EtcdPeerCertificates) != masters || len(c.EtcdPeerPrivateKeys) != masters {
		return false
	}
	for _, f := range c.files() {
		if *f.cert == "" || *f.key == "" {
			return false
		}
	}
	return true
}

// addresses are those that the certificates are good for: the first master, loopback, the internal load balancer, the
// other masters, the API server's service.
func addresses(props *Properties) ([]net.IP, error) {
	first := net.ParseIP(props.MasterProfile.FirstConsecutiveStaticIP).To4()
	if first == nil {
		return nil, fmt.Errorf("MasterProfile.FirstConsecutiveStaticIP '%s' is an invalid IP address", props.MasterProfile.FirstConsecutiveStaticIP)
	}
	_, services, err := net.ParseCIDR(props.OrchestratorProfile.KubernetesConfig.ServiceCIDR)
	if err != nil {
		return nil, err
	}
	ips := []net.IP{first, net.IPv4(127, 0, 0, 1).To4(), after(first, balancerAfter)}
	for i := 1; i < props.MasterProfile.Count; i++ {
		ips = append(ips, after(first, i))
	}
	return append(ips, after(services.IP, 1)), nil
}

// after is the address n after ip.
func after(ip net.IP, n int) net.IP {
	sum := new(big.Int).Add(new(big.Int).SetBytes(ip.To4()), big.NewInt(int64(n)))
	return net.IP(sum.FillBytes(make([]byte, 4)))
}

// pair is a certificate with its key, in PEM.
type pair struct{ cert, key string }

// authority signs certificates.
type authority struct {
	bits int
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// makeCertificates fills in the PKI of a cluster. A certificate authority that the model brings is used.
func (p *process) makeCertificates(j *job) error {
	ips, err := addresses(j.props)
	if err != nil {
		return err
	}
	if j.props.CertificateProfile == nil {
		j.props.CertificateProfile = &CertificateProfile{}
	}
	c, masters := j.props.CertificateProfile, j.props.MasterProfile.Count
	ca := &authority{bits: p.bits()}
	if c.CACertificate != "" && c.CAPrivateKey != "" {
		err = ca.read(pair{c.CACertificate, c.CAPrivateKey})
	} else {
		var made pair
		made, err = ca.make()
		c.CACertificate, c.CAPrivateKey = made.cert, made.key
	}
	if err != nil {
		return err
	}
	names := append([]string{j.fqdn()}, j.props.MasterProfile.SubjectAltNames...)
	names = append(names, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"kubernetes.kube-system", "kubernetes.kube-system.svc", "kubernetes.kube-system.svc.cluster.local")
	c.EtcdPeerCertificates, c.EtcdPeerPrivateKeys = make([]string, masters), make([]string, masters)
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	var group errgroup.Group
	issue := func(cert, key *string, t x509.Certificate) {
		group.Go(func() error {
			made, err := ca.issue(t)
			*cert, *key = made.cert, made.key
			return err
		})
	}
	admin := x509.Certificate{Subject: pkix.Name{CommonName: "client", Organization: []string{"system:masters"}}, ExtKeyUsage: []x509.ExtKeyUsage{client}}
	etcd := func(name string) x509.Certificate {
		return x509.Certificate{Subject: pkix.Name{CommonName: name}, IPAddresses: ips, ExtKeyUsage: []x509.ExtKeyUsage{server, client}}
	}
	issue(&c.APIServerCertificate, &c.APIServerPrivateKey, x509.Certificate{Subject: pkix.Name{CommonName: "apiserver"}, DNSNames: names,
		IPAddresses: ips, ExtKeyUsage: []x509.ExtKeyUsage{server}})
	issue(&c.ClientCertificate, &c.ClientPrivateKey, admin)
	issue(&c.KubeConfigCertificate, &c.KubeConfigPrivateKey, admin)
	issue(&c.EtcdServerCertificate, &c.EtcdServerPrivateKey, etcd("etcdserver"))
	issue(&c.EtcdClientCertificate, &c.EtcdClientPrivateKey, etcd("etcdclient"))
	for i := range masters {
		issue(&c.EtcdPeerCertificates[i], &c.EtcdPeerPrivateKeys[i], etcd("etcdpeer"))
	}
	return group.Wait()
}

// make makes the authority itself.
func (a *authority) make() (pair, error) {
	t := x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	made, err := a.issue(t)
	if err != nil {
		return pair{}, err
	}
	return made, a.read(made)
}

func (a *authority) read(p pair) error {
	cert, _ := pem.Decode([]byte(p.cert))
	key, _ := pem.Decode([]byte(p.key))
	if cert == nil || key == nil {
		return errors.New("The raw pem is not a valid PEM formatted block")
	}
	var err error
	if a.cert, err = x509.ParseCertificate(cert.Bytes); err != nil {
		return err
	}
	a.key, err = x509.ParsePKCS1PrivateKey(key.Bytes)
	return err
}

// issue signs a certificate for a new key; before the authority has one of its own, with that key itself.
func (a *authority) issue(t x509.Certificate) (pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return pair{}, err
	}
	key, err := rsa.GenerateKey(rand.Reader, a.bits)
	if err != nil {
		return pair{}, err
	}
	now := time.Now()
	t.SerialNumber, t.NotBefore, t.NotAfter, t.BasicConstraintsValid = serial, now, now.Add(validity), true
	t.KeyUsage |= x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = &t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, parent, &key.PublicKey, signer)
	if err != nil {
		return pair{}, err
	}
	return pair{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}, nil
}
