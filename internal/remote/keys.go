package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"hubwright/workflows"
)

const rsaBits = 3072

// NewKeyPair makes an RSA key pair of 3072 bits in OpenSSH's forms: Azure
// Stack Hub takes no other kind of key for a VM. The private key has no
// passphrase; it belongs into the vault.
func NewKeyPair(comment string) (privatePEM []byte, authorizedKey string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, "", err
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return nil, "", err
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, "", err
	}
	line := authorizedLine(pub)
	if comment != "" {
		line += " " + comment
	}
	return pem.EncodeToMemory(block), line, nil
}

// KeyInfo describes a public key.
type KeyInfo struct {
	Type        string // ssh-rsa, ssh-ed25519 ...
	Bits        int
	Fingerprint string // SHA256:...
	Comment     string
}

// ParseAuthorizedKey reads one line of an authorized_keys file without
// options. The error is a *workflows.Problem.
func ParseAuthorizedKey(s string) (KeyInfo, error) {
	if strings.Contains(s, "PRIVATE KEY") {
		return KeyInfo{}, keyProblem("This is a private key", "Give the public key: the content of the file that ends in .pub. Never hand out the private one.")
	}
	pub, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(s))
	if err != nil {
		return KeyInfo{}, keyProblem("This is not an SSH public key", "Give one line such as: ssh-rsa AAAAB3NzaC1yc2E… name@host")
	}
	if len(options) > 0 {
		return KeyInfo{}, keyProblem("The key has options in front of it", "Leave out everything before the key's type.")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return KeyInfo{}, keyProblem("There is more than one key", "Give one key, in one line.")
	}
	return KeyInfo{Type: pub.Type(), Bits: keyBits(pub), Fingerprint: ssh.FingerprintSHA256(pub), Comment: comment}, nil
}

// ParsePrivateKey reads a private key in PEM form and tells its public key in
// authorized_keys form. The error is a *workflows.Problem.
func ParsePrivateKey(pemBytes []byte) (authorizedKey string, err error) {
	signer, err := parseSigner(pemBytes)
	if err != nil {
		return "", err
	}
	return authorizedLine(signer.PublicKey()), nil
}

func parseSigner(pemBytes []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(pemBytes)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, keyProblem("The private key is protected by a passphrase",
			"Give a key without one (ssh-keygen -p -f KEY removes it from a copy). It is encrypted as soon as it arrives here.")
	case err != nil:
		return nil, keyProblem("This is not an SSH private key", "Give the whole file, from -----BEGIN to -----END.")
	}
	return signer, nil
}

func keyProblem(what, fix string) *workflows.Problem {
	return &workflows.Problem{Code: "ssh.key", What: what, Fix: fix}
}

func authorizedLine(pub ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
}

func keyBits(pub ssh.PublicKey) int {
	holder, ok := pub.(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	switch k := holder.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return 8 * len(k)
	}
	return 0
}
