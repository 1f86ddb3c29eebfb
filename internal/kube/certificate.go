package kube

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"hubwright/workflows"
)

const (
	certificateLife = 2 * 365 * 24 * time.Hour
	certificateSoon = 30 * 24 * time.Hour // before its end it is made anew
)

// EnsureCertificate makes a Secret with a certificate for a host that signs
// itself, and its namespace, and says whether it changed something. One that is
// for the host and good for another month stays; a Secret of somebody else is
// an error.
func (c *Cluster) EnsureCertificate(ctx context.Context, namespace, name, host string) (bool, error) {
	const doing = "Making the certificate"
	if err := c.EnsureNamespace(ctx, namespace); err != nil {
		return false, err
	}
	secrets := c.client.CoreV1().Secrets(namespace)
	have, err := secrets.Get(ctx, name, metav1.GetOptions{})
	there := err == nil
	if err != nil && !apierrors.IsNotFound(err) {
		return false, explain(doing, err)
	}
	if there && !isOurs(have) {
		return false, &workflows.Problem{
			Code: workflows.CertificateTaken, What: "The Secret " + name + " in namespace " + namespace + " is somebody else's", Why: "Hubwright did not make it, and leaves it as it is",
			Fix: "Choose it as the certificate in a Secret, or give the release another name.",
		}
	}
	if there && fits(have.Data[corev1.TLSCertKey], host) {
		return false, nil
	}
	data, err := selfSigned(host)
	if err != nil {
		return false, err
	}
	want := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: ours()}, Type: corev1.SecretTypeTLS, Data: data}
	if !there {
		_, err = secrets.Create(ctx, want, metav1.CreateOptions{})
	} else {
		have.Data = data
		_, err = secrets.Update(ctx, have, metav1.UpdateOptions{})
	}
	return err == nil, explain(doing, err)
}

func fits(text []byte, host string) bool {
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	return err == nil && len(cert.DNSNames) == 1 && cert.DNSNames[0] == host && time.Until(cert.NotAfter) > certificateSoon
}

func selfSigned(host string) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

// DeleteCertificates takes the Secrets away that EnsureCertificate made in a
// namespace, and names them.
func (c *Cluster) DeleteCertificates(ctx context.Context, namespace string) ([]string, error) {
	secrets := c.client.CoreV1().Secrets(namespace)
	list, err := secrets.List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(ours()).String(), FieldSelector: "type=" + string(corev1.SecretTypeTLS)})
	if err != nil {
		return nil, explain("Listing the certificates", err)
	}
	var gone []string
	for _, s := range list.Items {
		if err := secrets.Delete(ctx, s.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return gone, explain("Removing the certificate "+s.Name, err)
		}
		gone = append(gone, s.Name)
	}
	return gone, nil
}
