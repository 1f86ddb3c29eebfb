package clustertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"hubwright/internal/sandbox/controlplane"
)

// Life is how long the certificates are good.
const Life = 30 * 365 * 24 * time.Hour

type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newPKI makes certificates with the names of AKS Engine's, and with short keys: tests do not wait for RSA.
func newPKI() (controlplane.PKI, error) {
	var pki controlplane.PKI
	var ca issuer
	var err error
	issue := func(cert, key *[]byte, t *x509.Certificate) {
		if err == nil {
			*cert, *key, err = ca.issue(t)
		}
	}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	here := net.IPv4(127, 0, 0, 1)
	issue(&pki.CA, &pki.CAKey, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	issue(&pki.APIServer, &pki.APIServerKey, &x509.Certificate{Subject: pkix.Name{CommonName: "apiserver"}, ExtKeyUsage: both[:1],
		DNSNames: []string{FQDN, "localhost", "kubernetes.default.svc"}, IPAddresses: []net.IP{here, net.IPv4(10, 0, 0, 1)}})
	issue(&pki.Client, &pki.ClientKey, &x509.Certificate{Subject: pkix.Name{CommonName: "client", Organization: []string{"system:masters"}}, ExtKeyUsage: both[1:]})
	issue(&pki.EtcdServer, &pki.EtcdServerKey, &x509.Certificate{Subject: pkix.Name{CommonName: "etcdserver"}, ExtKeyUsage: both, IPAddresses: []net.IP{here}})
	issue(&pki.EtcdClient, &pki.EtcdClientKey, &x509.Certificate{Subject: pkix.Name{CommonName: "etcdclient"}, ExtKeyUsage: both})
	return pki, err
}

// issue signs the first certificate with its own key, and that signs the rest.
func (ca *issuer) issue(t *x509.Certificate) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t.SerialNumber = big.NewInt(time.Now().UnixNano())
	t.NotBefore, t.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(Life)
	t.KeyUsage |= x509.KeyUsageDigitalSignature
	if ca.cert == nil {
		ca.cert, ca.key = t, k
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, &k.PublicKey, ca.key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalECPrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), err
}
