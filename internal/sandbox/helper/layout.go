package helper

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

const osRelease = `PRETTY_NAME="Ubuntu 22.04.5 LTS"
NAME="Ubuntu"
VERSION_ID="22.04"
VERSION="22.04.5 LTS (Jammy Jellyfish)"
VERSION_CODENAME=jammy
ID=ubuntu
ID_LIKE=debian
HOME_URL="https://www.ubuntu.com/"
SUPPORT_URL="https://help.ubuntu.com/"
BUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"
PRIVACY_POLICY_URL="https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"
UBUNTU_CODENAME=jammy
`

const lsbRelease = `DISTRIB_ID=Ubuntu
DISTRIB_RELEASE=22.04
DISTRIB_CODENAME=jammy
DISTRIB_DESCRIPTION="Ubuntu 22.04.5 LTS"
`

// Where the VM keeps certificates, below its root.
const (
	publicCAFile = "usr/share/ca-certificates/public.crt"
	bundleFile   = "etc/ssl/certs/ca-certificates.crt"
	localCADir   = "usr/local/share/ca-certificates"
	hubCAFile    = "var/lib/waagent/Certificates.pem"
)

// layOut makes what is missing of the VM's folder. It leaves alone what commands on the VM may have changed.
func (m *machine) layOut() error {
	if m.Windows {
		return os.MkdirAll(m.home(), 0o700)
	}
	root := m.paths.Root()
	for _, dir := range []string{m.home(), filepath.Join(m.paths.VM, "bin"), filepath.Join(m.paths.VM, "tmp"),
		filepath.Join(root, "root"), filepath.Join(root, "opt"), filepath.Join(root, "var/log"),
		filepath.Join(root, "usr/local/bin"), filepath.Join(root, localCADir),
		filepath.Join(root, "usr/share/ca-certificates"), filepath.Join(root, "etc/ssl/certs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	files := map[string]string{
		"etc/os-release":  osRelease,
		"etc/lsb-release": lsbRelease,
		"etc/hostname":    m.hostname() + "\n",
		"etc/hosts":       "127.0.0.1 localhost\n127.0.1.1 " + m.hostname() + "\n",
		"etc/passwd":      fmt.Sprintf("root:x:0:0:root:/root:/bin/bash\n%s:x:1000:1000:Ubuntu:/home/%s:/bin/bash\n", m.user(), m.user()),
		"etc/group":       fmt.Sprintf("root:x:0:\nsudo:x:27:%s\n%s:x:1000:\n", m.user(), m.user()),
	}
	for name, text := range files {
		if err := writeNew(filepath.Join(root, name), text); err != nil {
			return err
		}
	}
	if len(m.HubCA) > 0 {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(hubCAFile)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, hubCAFile), m.HubCA, 0o644); err != nil {
			return err
		}
	}
	for name, content := range m.Files {
		if err := m.writeFile(name, content); err != nil {
			return err
		}
	}
	if err := m.trustPublicCA(); err != nil {
		return err
	}
	return m.writeTools()
}

// trustPublicCA fills the VM's certificate store from the file that the sandbox names with SSL_CERT_FILE. Certificates
// that were installed on the VM stay trusted when that file changes.
func (m *machine) trustPublicCA() error {
	root := m.paths.Root()
	var public []byte
	for _, kv := range m.opts.Env(m.Name) {
		if file, ok := strings.CutPrefix(kv, "SSL_CERT_FILE="); ok && !strings.HasPrefix(file, m.paths.VM+"/") {
			var err error
			if public, err = os.ReadFile(file); err != nil {
				return err
			}
		}
	}
	before, err := os.ReadFile(filepath.Join(root, publicCAFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bundle, err := os.ReadFile(filepath.Join(root, bundleFile))
	if err == nil && bytes.Equal(before, public) {
		return nil
	}
	installed := bytes.TrimPrefix(bundle, before)
	if err := os.WriteFile(filepath.Join(root, publicCAFile), public, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, bundleFile), slices.Concat(public, installed), 0o644)
}

// writeFile puts one of Files on the disk, unless the VM has a file of that name.
func (m *machine) writeFile(name string, content []byte) error {
	file := m.paths.Map(name)
	if !within(file, m.paths.VM) {
		return fmt.Errorf("%s is not on the VM's own disk", name)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := writeNew(file, string(content)); err != nil || !strings.HasSuffix(name, ".sh") {
		return err
	}
	return os.Chmod(file, 0o755)
}

func (m *machine) hostname() string { return cmp.Or(m.Hostname, m.Name) }

// user is who logs in when any user may.
func (m *machine) user() string {
	if m.AdminUser != "" {
		return m.AdminUser
	}
	return "azureuser"
}

func (m *machine) home() string { return m.homeOf(m.user()) }

func (m *machine) homeOf(user string) string {
	if m.AdminUser == "" && nameFormat.MatchString(user) {
		return filepath.Join(m.paths.VM, "home", user)
	}
	return filepath.Join(m.paths.VM, "home", m.user())
}

func (m *machine) authorizedKeysFile() string {
	return filepath.Join(m.home(), ".ssh", "authorized_keys")
}

// authorize adds keys to the user's authorized_keys.
func (m *machine) authorize(keys []string) error {
	file := m.authorizedKeysFile()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	have, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(have)), "\n")
	for _, key := range keys {
		key = strings.TrimSpace(key)
		if _, _, _, _, err := gossh.ParseAuthorizedKey([]byte(key)); err != nil {
			return fmt.Errorf("authorized key %.20q: %w", key, err)
		}
		if !slices.Contains(lines, key) {
			lines = append(lines, key)
		}
	}
	text := strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
	return os.WriteFile(file, []byte(text), 0o600)
}

// hostKey reads the key in file, or makes one.
func hostKey(file string) (gossh.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newHostKey(file)
	}
	if err != nil {
		return nil, err
	}
	return gossh.ParsePrivateKey(text)
}

// strangeKey is a host key that is kept nowhere.
func strangeKey() (gossh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return gossh.NewSignerFromKey(key)
}

func newHostKey(file string) ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := gossh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	return text, os.WriteFile(file, text, 0o600)
}

// writeNew writes a file unless there is one.
func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
