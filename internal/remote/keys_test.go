package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestNewKeyPair(t *testing.T) {
	private, public, err := NewKeyPair("hubwright@seattle")
	if err != nil {
		t.Fatal(err)
	}
	info, err := ParseAuthorizedKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != "ssh-rsa" || info.Bits != 3072 || info.Comment != "hubwright@seattle" || !strings.HasPrefix(info.Fingerprint, "SHA256:") {
		t.Errorf("got %+v", info)
	}
	if !strings.Contains(string(private), "BEGIN OPENSSH PRIVATE KEY") {
		t.Error("the private key is not in OpenSSH's form")
	}
	again, err := ParsePrivateKey(private)
	if err != nil || again+" hubwright@seattle" != public {
		t.Errorf("public key of the private key is %q, %v; want %q", again, err, public)
	}
}

func TestParseAuthorizedKey(t *testing.T) {
	_, ed := testKey(t)
	private, _ := testKey(t)
	info, err := ParseAuthorizedKey("\n " + ed + " ana@laptop\r\n")
	if err != nil || info.Type != "ssh-ed25519" || info.Bits != 256 || info.Comment != "ana@laptop" {
		t.Errorf("got %+v, %v", info, err)
	}
	for name, s := range map[string]string{
		"empty": "", "words": "not a key", "private key": string(private), "options": `command="rm" ` + ed, "two keys": ed + "\n" + ed,
		"cut": ed[:len(ed)-10], "certificate file": "-----BEGIN CERTIFICATE-----",
	} {
		_, err := ParseAuthorizedKey(s)
		if err == nil {
			t.Errorf("%s was taken for a key", name)
			continue
		}
		wantProblem(t, err, "ssh.key")
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	_, public := testKey(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open-sesame"))
	if err != nil {
		t.Fatal(err)
	}
	locked := string(pem.EncodeToMemory(block))
	for name, tt := range map[string]struct{ pem, what string }{
		"empty":      {"", "This is not an SSH private key"},
		"public key": {public, "This is not an SSH private key"},
		"passphrase": {locked, "The private key is protected by a passphrase"},
	} {
		_, err := ParsePrivateKey([]byte(tt.pem))
		wantProblem(t, err, "ssh.key")
		if got := err.Error(); got != tt.what {
			t.Errorf("%s: %q, want %q", name, got, tt.what)
		}
	}
}
