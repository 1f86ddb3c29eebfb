package helper

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

var mapped = []struct{ text, want string }{
	{"cat /etc/os-release", "cat R/etc/os-release"},
	{"cat '/etc/os-release'", "cat 'R/etc/os-release'"},
	{`cat "/etc/os-release"`, `cat "R/etc/os-release"`},
	{`sh -c 'cat '\''/etc/os-release'\'''`, `sh -c 'cat '\''R/etc/os-release'\'''`},
	{"ls /usr/local", "ls R/usr/local"},
	{"ls /usr/local/", "ls R/usr/local/"},
	{"ls /usr/localx /usr/local-x /usr/local.d", "ls /usr/localx /usr/local-x /usr/local.d"},
	{"echo x>/usr/local/y;ls</etc/hosts", "echo x>R/usr/local/y;ls<R/etc/hosts"},
	{"install --target-directory=/usr/local/bin x", "install --target-directory=R/usr/local/bin x"},
	{"PATH=/opt/bin:/usr/local/bin:/usr/bin", "PATH=R/opt/bin:R/usr/local/bin:/usr/bin"},
	{"(cd /opt&&ls)|cat /var/log/azure/cluster-provision.log", "(cd R/opt&&ls)|cat R/var/log/azure/cluster-provision.log"},
	{"cat /var/lib/waagent/Certificates.pem", "cat R/var/lib/waagent/Certificates.pem"},
	{"cat /var/lib/dpkg/status", "cat /var/lib/dpkg/status"},
	{"/usr/bin/env sh", "/usr/bin/env sh"},
	{"curl https://example.test/etc/x", "curl https://example.test/etc/x"},
	{"curl file:///etc/x", "curl file:///etc/x"},
	{`"$prefix"/usr/local/x ${p}/etc/x $p/etc/x`, `"$prefix"/usr/local/x ${p}/etc/x $p/etc/x`},
	{"./etc/x ../opt ~/tmp a/tmp", "./etc/x ../opt ~/tmp a/tmp"},
	{"/etc /etc /etc /etc", "R/etc R/etc R/etc R/etc"},
	{"a\n/etc/x\n/opt", "a\nR/etc/x\nR/opt"},
	{"ls /tmp/x /home/azureuser/y /home/azureuserx", "ls V/tmp/x V/home/azureuser/y /home/azureuserx"},
	{"cat V/home/azureuser/.hubwright/x V/rootfs/etc/hosts", "cat V/home/azureuser/.hubwright/x V/rootfs/etc/hosts"},
	{"`/etc/x`", "`R/etc/x`"},
}

func TestMapText(t *testing.T) {
	// The VM's own folder may lie in a directory that is mapped.
	for _, vm := range []string{"/var/lib/box/vm-1", "/tmp/a.b/vm", "/opt/box/vm", "/home/azureuser/vm"} {
		p := Paths{VM: vm, User: "azureuser"}
		fill := strings.NewReplacer("R/", vm+"/rootfs/", "V/", vm+"/").Replace
		for _, tc := range mapped {
			in, want := fill(tc.text), fill(tc.want)
			if got := p.MapText(in); got != want {
				t.Errorf("%s: %q\n got %q\nwant %q", vm, in, got, want)
			}
			if got := p.MapText(want); got != want {
				t.Errorf("%s: mapped twice, %q becomes %q", vm, want, got)
			}
			sed := exec.Command("sed", "-E", p.sedScript())
			sed.Stdin = strings.NewReader(in)
			got, err := sed.CombinedOutput()
			if err != nil || string(got) != want {
				t.Errorf("%s: sed: %q\n got %q, %v\nwant %q", vm, in, got, err, want)
			}
		}
	}
}

func TestMap(t *testing.T) {
	p := Paths{VM: "/box/vm", User: "azureuser"}
	for in, want := range map[string]string{
		"/usr/local/bin/x":    "/box/vm/rootfs/usr/local/bin/x",
		"/usr/bin/x":          "/usr/bin/x",
		"/etc/../usr/local":   "/box/vm/rootfs/usr/local",
		"/usr/local/../bin/x": "/usr/bin/x",
		"/home/azureuser/x":   "/box/vm/home/azureuser/x",
		"/tmp":                "/box/vm/tmp",
		"/box/vm/home/x":      "/box/vm/home/x",
		"/home/other/x":       "/home/other/x",
	} {
		if got := p.Map(in); got != want {
			t.Errorf("Map(%q) = %q, want %q", in, got, want)
		}
	}
}

// The real machine's directories must look the same before and after an installation on a VM.
func TestHostIsNotTouched(t *testing.T) {
	state := func() string {
		out, err := exec.Command("find", "/usr/local", "/etc", "/opt", "-xdev", "-newermt", "-20 seconds", "-not", "-name", "mtab").CombinedOutput()
		if err != nil {
			t.Logf("find: %v", err)
		}
		return string(out)
	}
	marker := "hubwright-sandbox-test.crt"
	w := newWorld(t, nil)
	c := w.dial(t)
	script := `set -e
sudo -n install -m 0644 -o root -g root "$HOME/ca.pem" /usr/local/share/ca-certificates/` + marker + `
sudo -n update-ca-certificates
sudo -n mkdir -p /opt/hubwright-sandbox-test
echo x | sudo -n tee /etc/hubwright-sandbox-test >/dev/null
sudo -n sh -c 'echo y >/usr/local/hubwright-sandbox-test; cp /etc/os-release /opt/hubwright-sandbox-test/'
sudo -n tar -C /usr/local/bin -xzf "$HOME/tool.tar.gz"
sudo -n /bin/cp /etc/os-release /usr/local/copied
sandbox-test-tool
`
	run(t, c, "cat >ca.pem", hubCA)
	run(t, c, `mkdir t && printf '#!/bin/sh\necho installed tool\n' >t/sandbox-test-tool && chmod 755 t/sandbox-test-tool && tar -C t -czf tool.tar.gz sandbox-test-tool`, "")
	for _, way := range []struct{ command, stdin string }{
		{"cat >job.sh && sh job.sh", script},
		{"sh -s", script},
		{"sh -c " + quote(script), ""},
		{script, ""},
	} {
		out, stderr, code := run(t, c, way.command, way.stdin)
		if code != 0 || !strings.HasSuffix(out, "installed tool\n") {
			t.Fatalf("%.20q: exit %d\n%s%s", way.command, code, out, stderr)
		}
		for name, want := range map[string]string{
			"usr/local/share/ca-certificates/" + marker: hubCA,
			"etc/ssl/certs/ca-certificates.crt":         publicCA + hubCA,
			"etc/hubwright-sandbox-test":                "x\n",
			"usr/local/hubwright-sandbox-test":          "y\n",
			"opt/hubwright-sandbox-test/os-release":     osRelease,
			"usr/local/copied":                          osRelease,
		} {
			file := filepath.Join(w.vmDir(), "rootfs", name)
			got, err := os.ReadFile(file)
			if err != nil || string(got) != want {
				t.Errorf("%.20q: %s: %q, %v", way.command, name, got, err)
			}
			if _, err := os.Lstat("/" + name); err == nil && strings.Contains(name, "hubwright") {
				t.Errorf("%.20q: the host got /%s", way.command, name)
			}
			if strings.HasPrefix(name, "usr") || strings.HasPrefix(name, "opt") {
				os.Remove(file)
			}
		}
	}
	if s := state(); strings.Contains(s, "hubwright-sandbox-test") || strings.Contains(s, "sandbox-test-tool") {
		t.Errorf("the host's directories changed:\n%s", s)
	}
	out, _, _ := run(t, c, "command -v sandbox-test-tool", "")
	if out != w.vmDir()+"/rootfs/usr/local/bin/sandbox-test-tool\n" {
		t.Errorf("the tool is found at %q", out)
	}
}

func TestSFTP(t *testing.T) {
	w := newWorld(t, nil)
	c, err := sftp.NewClient(w.dial(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	home := w.vmDir() + "/home/azureuser"
	if wd, err := c.Getwd(); err != nil || wd != home {
		t.Errorf("working folder %q, %v", wd, err)
	}
	for name, real := range map[string]string{
		"relative":                  home + "/relative",
		"/home/azureuser/x":         home + "/x",
		home + "/y":                 home + "/y",
		"/usr/local/bin/z":          w.vmDir() + "/rootfs/usr/local/bin/z",
		"/hubwright-sandbox-test-r": w.vmDir() + "/rootfs/hubwright-sandbox-test-r",
		"/tmp/t":                    w.vmDir() + "/tmp/t",
	} {
		f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.Write([]byte(name))
		f.Close()
		if got, err := os.ReadFile(real); err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", real, got, err)
		}
	}
	if err := c.Rename("relative", "x"); err == nil {
		t.Error("a plain rename replaced a file")
	}
	if err := c.PosixRename("relative", "x"); err != nil {
		t.Error(err)
	}
	if err := c.Chmod("x", 0o600); err != nil {
		t.Error(err)
	}
	if info, err := c.Stat("x"); err != nil || info.Mode().Perm() != 0o600 || info.Size() != int64(len("relative")) {
		t.Errorf("stat: %v, %v", info, err)
	}
	if err := c.MkdirAll("a/b/c"); err != nil {
		t.Error(err)
	}
	if err := c.Symlink("x", "link"); err != nil {
		t.Error(err)
	}
	if to, err := c.ReadLink("link"); err != nil || to != "x" {
		t.Errorf("link leads to %q, %v", to, err)
	}
	if info, err := c.Lstat("link"); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("lstat: %v, %v", info, err)
	}
	entries, err := c.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names bytes.Buffer
	for _, e := range entries {
		names.WriteString(e.Name() + " ")
	}
	if names.String() != ".ssh a link x y " {
		t.Errorf("the folder has %s", names.String())
	}
	if err := c.Remove("x"); err != nil {
		t.Error(err)
	}
	if _, err := c.Stat("x"); !os.IsNotExist(err) {
		t.Errorf("after removal: %v", err)
	}
	if _, err := c.Open("no/such"); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
}
