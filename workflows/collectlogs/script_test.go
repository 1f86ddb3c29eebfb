package collectlogs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// node is a folder that stands for a node's disk, with tools of its own.
type node struct {
	t                *testing.T
	root, tools, out string
}

func newNode(t *testing.T) *node {
	dir := t.TempDir()
	n := &node{t: t, root: dir + "/root", tools: dir + "/tools", out: dir + "/logs.zip"}
	for name, text := range map[string]string{
		"/var/log/azure/cluster-provision.log":                                 "provisioned\n",
		"/var/log/azure/custom-script/handler.log":                             "handled\n",
		"/var/log/azure/notes.txt":                                             "not a log\n",
		"/var/log/azure/with a space.log":                                      "spaced\n",
		"/var/log/cloud-init-output.log":                                       "booted\n",
		"/var/log/syslog":                                                      strings.Repeat("old\n", 1000) + "the end\n",
		"/var/log/auth.log":                                                    "who logged in is nobody's business\n",
		"/var/log/pods/kube-system_coredns/0.log":                              "dns\n",
		"/etc/kubernetes/manifests/kube-apiserver.yaml":                        "kind: Pod\n",
		"/etc/kubernetes/certs/apiserver.key":                                  "a private key\n",
		"/etc/kubernetes/azure.json":                                           "the principal's secret\n",
		"/var/log/containers/app-1_default_app-0123.log":                       "somebody's application\n",
		"/var/log/containers/kube-apiserver-0_kube-system_apiserver-01234.log": "served\n",
	} {
		n.write(n.root+name, text, 0o644)
	}
	if err := os.Symlink(n.root+"/var/log/pods/kube-system_coredns/0.log", n.root+"/var/log/containers/coredns-1_kube-system_coredns-0123.log"); err != nil {
		t.Fatal(err)
	}
	n.write(n.tools+"/hostname", "#!/bin/sh\necho k8s-master-12345678-0\n", 0o755)
	n.write(n.tools+"/journalctl", "#!/bin/sh\ncase \"$*\" in *kubelet*) echo \"journal of $*\" ;; esac\n", 0o755)
	// What a shell and its script need, of this machine; no zip and no Python.
	for _, name := range []string{"sh", "dirname", "mktemp", "mkdir", "tail", "find", "rm", "mv", "chmod", "date", "timeout", "tar", "gzip"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		n.write(n.tools+"/"+name, "#!/bin/sh\nexec "+real+" \"$@\"\n", 0o755)
	}
	for _, name := range []string{"systemctl", "ip", "ps", "df", "free", "crictl", "timedatectl"} {
		n.write(n.tools+"/"+name, "#!/bin/sh\nexit 1\n", 0o755)
	}
	return n
}

func (n *node) write(name, text string, mode os.FileMode) {
	n.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) collect(env ...string) {
	n.t.Helper()
	n.write(n.tools+"/collect-logs.sh", string(script), 0o755)
	cmd := exec.Command("/bin/sh", n.tools+"/collect-logs.sh")
	cmd.Env = append([]string{"PATH=" + n.tools, "LOGS_ROOT=" + n.root, "LOGS_OUT=" + n.out, "LOGS_MOST=100", "TMPDIR=" + n.t.TempDir()}, env...)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		n.t.Fatalf("%v: %s", err, out)
	}
}

// packed is what the archive holds, without the node's folder.
func (n *node) packed() map[string]string {
	n.t.Helper()
	doc, err := os.ReadFile(n.out)
	if err != nil || ending(doc) != ".tar.gz" {
		n.t.Fatalf("%d bytes, %v", len(doc), err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(doc))
	if err != nil {
		n.t.Fatal(err)
	}
	got := map[string]string{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			n.t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			n.t.Fatal(err)
		}
		name, ok := strings.CutPrefix(h.Name, "k8s-master-12345678-0/")
		if !ok {
			n.t.Errorf("%s is not in the node's folder", h.Name)
		}
		got[name] = string(text)
	}
}

// TestScriptPacksLogs runs the script with a real shell: what belongs to the
// cluster's services is packed, the end of it, and nothing that holds keys.
func TestScriptPacksLogs(t *testing.T) {
	n := newNode(t)
	n.collect()
	got := n.packed()
	if got["collected.txt"] == "" {
		t.Error("it does not say when")
	}
	delete(got, "collected.txt")
	want := map[string]string{
		"var/log/azure/cluster-provision.log":                                 "provisioned\n",
		"var/log/azure/custom-script/handler.log":                             "handled\n",
		"var/log/azure/with a space.log":                                      "spaced\n",
		"var/log/cloud-init-output.log":                                       "booted\n",
		"var/log/syslog":                                                      strings.Repeat("old\n", 23) + "the end\n",
		"var/log/containers/coredns-1_kube-system_coredns-0123.log":           "dns\n",
		"var/log/containers/kube-apiserver-0_kube-system_apiserver-01234.log": "served\n",
		"etc/kubernetes/manifests/kube-apiserver.yaml":                        "kind: Pod\n",
		"journal/kubelet.log":                                                 "journal of --no-pager --output=short-iso --since=-2d --unit=kubelet.service\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packed (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(n.out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestScriptGivesTheArchiveAway: it runs as root, and the engine fetches the
// archive as the user who logged in.
func TestScriptGivesTheArchiveAway(t *testing.T) {
	n := newNode(t)
	n.write(n.tools+"/chown", "#!/bin/sh\necho \"$@\" >"+n.tools+"/given\n", 0o755)
	n.collect("SUDO_USER=azureuser")
	if given, err := os.ReadFile(n.tools + "/given"); err != nil || string(given) != "azureuser logs.zip\n" {
		t.Errorf("%q, %v", given, err)
	}
}

// TestScriptPrefersZip: what the engine takes the archive for.
func TestScriptPrefersZip(t *testing.T) {
	for tool, want := range map[string]string{"zip": "-q -r logs.zip k8s-master-12345678-0\n", "python3": "-m zipfile -c logs.zip k8s-master-12345678-0\n"} {
		t.Run(tool, func(t *testing.T) {
			n := newNode(t)
			n.write(n.tools+"/"+tool, "#!/bin/sh\necho \"$@\" >logs.zip\n", 0o755)
			n.collect()
			if doc, err := os.ReadFile(n.out); err != nil || string(doc) != want {
				t.Errorf("%q, %v", doc, err)
			}
		})
	}
}
