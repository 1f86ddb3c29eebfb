package controlplane_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// built builds the control plane once for all tests, or finds the one that an earlier run built.
var built = sync.OnceValues(func() (string, error) {
	return controlplane.Build(context.Background(), "", func(line string) { fmt.Fprintln(os.Stderr, line) })
})

func buildBinary(context.Context) (string, error) { return built() }

// address gives each cluster of this test process a 127.x address of its own.
func address(n int) string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>16&63, pid>>8&255, 1+(pid&63)*4%250+n)
}

func newManager(t *testing.T, dir string, change func(*controlplane.Options)) *controlplane.Manager {
	t.Helper()
	opts := controlplane.Options{Dir: dir, Binary: buildBinary, Log: func(line string) { t.Log(line) }, Speed: 100}
	if change != nil {
		change(&opts)
	}
	m, err := controlplane.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// newSpec is a cluster as AKS Engine would order it, with a PKI of its profile but smaller keys.
func newSpec(t *testing.T, id, version, ip string) controlplane.Spec {
	t.Helper()
	fqdn := id + ".seattle.cloudapp.azurestack.test"
	pki, err := makePKI(fqdn)
	if err != nil {
		t.Fatal(err)
	}
	return controlplane.Spec{ID: id, Version: version, FQDN: fqdn, IP: ip, ResourceGroup: "rg-" + id, PKI: pki}
}

func makePKI(fqdn string) (controlplane.PKI, error) {
	caKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return controlplane.PKI{}, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(30, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	var pki controlplane.PKI
	serial := int64(1)
	issue := func(cert, key *[]byte, template *x509.Certificate) {
		if err != nil {
			return
		}
		serial++
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(serial), ca.NotBefore, ca.NotAfter
		template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		var private *rsa.PrivateKey
		if private, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return
		}
		var der []byte
		der, err = x509.CreateCertificate(rand.Reader, template, ca, &private.PublicKey, caKey)
		*cert, *key = certPEM(der), keyPEM(private)
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	pki.CA, pki.CAKey = certPEM(der), keyPEM(caKey)

	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	localhost := net.IPv4(127, 0, 0, 1)
	issue(&pki.APIServer, &pki.APIServerKey, &x509.Certificate{
		Subject: pkix.Name{CommonName: "apiserver"}, ExtKeyUsage: []x509.ExtKeyUsage{server},
		DNSNames:    []string{fqdn, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(10, 240, 255, 5), localhost, net.IPv4(10, 240, 255, 15), net.IPv4(10, 0, 0, 1)},
	})
	issue(&pki.Client, &pki.ClientKey, &x509.Certificate{
		Subject: pkix.Name{CommonName: "client", Organization: []string{"system:masters"}}, ExtKeyUsage: []x509.ExtKeyUsage{client},
	})
	issue(&pki.EtcdServer, &pki.EtcdServerKey, &x509.Certificate{
		Subject: pkix.Name{CommonName: "etcdserver"}, ExtKeyUsage: []x509.ExtKeyUsage{server, client},
		IPAddresses: []net.IP{localhost, net.IPv4(10, 240, 255, 5)},
	})
	issue(&pki.EtcdClient, &pki.EtcdClientKey, &x509.Certificate{
		Subject: pkix.Name{CommonName: "etcdclient"}, ExtKeyUsage: []x509.ExtKeyUsage{server, client},
	})
	return pki, err
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// client is what a person's kubectl is: it knows the public name, and is led to the cluster by something else.
func client(t *testing.T, m *controlplane.Manager, spec controlplane.Spec) *kubernetes.Clientset {
	t.Helper()
	c, err := newClient(m.Endpoint(spec.ID), spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newClient(endpoint string, spec controlplane.Spec) (*kubernetes.Clientset, error) {
	return kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + spec.FQDN,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, endpoint)
		},
		TLSClientConfig: rest.TLSClientConfig{CAData: spec.PKI.CA, CertData: spec.PKI.Client, KeyData: spec.PKI.ClientKey},
		QPS:             -1,
	})
}

func master(n int, version string) controlplane.Node {
	return controlplane.Node{
		Name: fmt.Sprintf("k8s-master-35064155-%d", n), Pool: "master", Version: version, VMSize: "Standard_D2_v2",
		Subscription: "a1b2", ResourceGroup: "rg-one", IP: fmt.Sprintf("10.240.255.%d", 5+n),
	}
}

func agent(n int, version string) controlplane.Node {
	return controlplane.Node{
		Name: fmt.Sprintf("k8s-linuxpool-35064155-%d", n), Pool: "linuxpool", Version: version, VMSize: "Standard_D4_v2", CPUs: 8, MemoryMiB: 28672,
		Subscription: "a1b2", ResourceGroup: "rg-one", IP: fmt.Sprintf("10.240.0.%d", 4+n), Taints: []string{"team=red:PreferNoSchedule"},
		Labels: map[string]string{"tier": "web"},
	}
}

// eventually polls until ok stops returning an error.
func eventually(t *testing.T, within time.Duration, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(within); ; {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", within, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
