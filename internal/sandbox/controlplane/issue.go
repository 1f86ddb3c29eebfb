package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// writeIssued writes the two certificates that a cluster needs beside those given, both of the given CA:
//
// The one that etcd serves with. AKS Engine's own names 127.0.0.1 and the masters, which is where its etcd listens; ours
// listens on the cluster's own 127.x address. Where the given certificate names that address, it is used.
//
// The one that kube-apiserver shows to aggregated APIs. AKS Engine makes that on the first master.
func writeIssued(dir string, s *Spec) error {
	cert, key := s.PKI.EtcdServer, s.PKI.EtcdServerKey
	given, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err
	}
	if given.Leaf.VerifyHostname(s.IP) != nil {
		cert, key, err = issue(&s.PKI, &x509.Certificate{
			Subject:     given.Leaf.Subject,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			IPAddresses: []net.IP{net.ParseIP(s.IP)},
		})
		if err != nil {
			return err
		}
	}
	proxyCert, proxyKey, err := issue(&s.PKI, &x509.Certificate{
		Subject:     pkix.Name{CommonName: aggregatorName},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"etcdserving.crt": cert, "etcdserving.key": key, "aggregator.crt": proxyCert, "aggregator.key": proxyKey,
	} {
		if err := os.WriteFile(filepath.Join(dir, "pki", name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// aggregatorName is whom aggregated APIs trust to name the user.
const aggregatorName = "aggregator"

// issue completes the template, signs it with the CA of the PKI and returns certificate and key in PEM.
func issue(pki *PKI, template *x509.Certificate) (cert, key []byte, err error) {
	ca, err := tls.X509KeyPair(pki.CA, pki.CAKey)
	if err != nil {
		return nil, nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), ca.Leaf.NotAfter
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Leaf, &private.PublicKey, ca.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pemBlock("CERTIFICATE", der), pemBlock("PRIVATE KEY", keyDER), nil
}
