package standin

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// jumpHost takes SSH connections, and those that lead on to nodes, and notes what is run where.
type jumpHost struct {
	config *ssh.ServerConfig
	mu     sync.Mutex
	ran    []string // node, command
	files  map[string]string
}

func newJumpHost(t *testing.T) (*jumpHost, func(context.Context, string, string) (net.Conn, error)) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("key.pem", pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &jumpHost{config: &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}, files: map[string]string{}}
	h.config.AddHostKey(signer)
	return h, func(_ context.Context, _, address string) (net.Conn, error) {
		if address != "jump.test:22" {
			return nil, io.ErrUnexpectedEOF
		}
		l, err := net.Listen("tcp", "127.0.0.1:0") // both ends of SSH write first: a pipe would not do
		if err != nil {
			return nil, err
		}
		defer l.Close()
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		far, err := l.Accept()
		if err == nil {
			go h.serve(far, "")
		}
		return near, err
	}
}

// channelConn is a way through the jump host.
type channelConn struct {
	ssh.Channel
	net.Conn // for what a channel lacks
}

func (c channelConn) Read(b []byte) (int, error)  { return c.Channel.Read(b) }
func (c channelConn) Write(b []byte) (int, error) { return c.Channel.Write(b) }
func (c channelConn) Close() error                { return c.Channel.Close() }

// serve answers one connection: to the host itself, or to a node.
func (h *jumpHost) serve(conn net.Conn, node string) {
	_, channels, requests, err := ssh.NewServerConn(conn, h.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offer := range channels {
		channel, requests, err := offer.Accept()
		if err != nil {
			return
		}
		if offer.ChannelType() == "direct-tcpip" {
			var to struct {
				Host     string
				Port     uint32
				From     string
				FromPort uint32
			}
			ssh.Unmarshal(offer.ExtraData(), &to)
			go ssh.DiscardRequests(requests)
			go h.serve(channelConn{channel, conn}, to.Host)
			continue
		}
		go h.session(channel, requests, node)
	}
}

func (h *jumpHost) session(channel ssh.Channel, requests <-chan *ssh.Request, node string) {
	for r := range requests {
		if r.Type != "exec" {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		var command struct{ Text string }
		ssh.Unmarshal(r.Payload, &command)
		text, _ := io.ReadAll(channel)
		if strings.Contains(command.Text, "logs.zip >") {
			io.WriteString(channel, "zip of "+node)
		}
		h.mu.Lock()
		if _, name, ok := strings.Cut(command.Text, "cat /dev/stdin > "); ok {
			name, _, _ = strings.Cut(name, ";")
			h.files[node+":"+name] = string(text)
			command.Text = "upload"
		}
		h.ran = append(h.ran, node+": "+command.Text)
		h.mu.Unlock()
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{0}))
		channel.Close()
	}
}

// over is a run whose SSH goes to the jump host.
func (r *run) over(dial func(context.Context, string, string) (net.Conn, error), h *hub, args ...string) *run {
	var out, errOut strings.Builder
	p := newProcess(h.env(r.dir), &out, &errOut)
	p.hasten, p.dial = 2000, dial
	r.code = p.main(args)
	r.stdout, r.stderr = out.String(), errOut.String()
	return r
}

func (r *run) infos() (list []string) {
	for line := range strings.Lines(r.plain(r.stdout)) {
		if _, text, ok := strings.Cut(line, "INFO\x1b[0m[0000] "); ok {
			list = append(list, strings.TrimSpace(text))
		}
	}
	return list
}

func TestGetLogs(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	h, dial := newJumpHost(t)
	args := []string{"get-logs", "-l", region, "-m", "out/apimodel.json", "--ssh-host", "jump.test", "--linux-ssh-private-key", "key.pem"}
	r.over(dial, w.hub, args...)
	if r.code != 0 || !strings.Contains(r.stdout, "Permanently added 'jump.test' (ssh-ed25519) to the list of known hosts (") {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	same(t, "lines", []string{"Writing cloud profile to: DIR/azurestackcloud.jsonN", "Processing node: k8s-linuxpool-28578941-0", "Processing node: k8s-master-28578941-0",
		"Logs downloaded to out/_logs"}, r.infos())
	if text, err := os.ReadFile("out/_logs/k8s-master-28578941-0.zip"); err != nil || string(text) != "zip of k8s-master-28578941-0" {
		t.Errorf("%q, %v", text, err)
	}
	same(t, "run", []string{`k8s-linuxpool-28578941-0: sudo -E bash -c "AZURE_ENV=AzureStackCloud /opt/azure/containers/collect-logs.sh"`,
		`k8s-linuxpool-28578941-0: bash -c "cat /tmp/logs.zip > /dev/stdout"`}, h.ran[:2])
	for _, tc := range []struct {
		args    []string
		message string
		usages  int
	}{
		{[]string{"get-logs", "-l", region}, `required flag(s) "api-model", "linux-ssh-private-key", "ssh-host" not set`, 1},
		{append(slices.Clone(args), "--linux-script", "no"), "validating get-logs args: specified --linux-script does not exist (no)", 1},
		{append(slices.Clone(args), "--ssh-host", "other"), ": creating SSH client: dialing jumpbox (other): unexpected EOF", 0},
	} {
		if r.over(dial, w.hub, tc.args...); r.code != 1 || r.failed() != tc.message || strings.Count(r.stderr, "Usage:") != tc.usages {
			t.Errorf("exit %d, %s", r.code, r.stderr)
		}
	}
}

func TestRotateCertificates(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	for _, part := range []string{"kube-addon-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		w.system = append(w.system, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: part + "-k8s-master-28578941-0"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}})
	}
	before, _ := certificate(t, "out", "ca")
	h, dial := newJumpHost(t)
	r.over(dial, w.hub, r.on("rotate-certs", "--ssh-host", "jump.test", "--linux-ssh-private-key", "key.pem")...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	const masters, agents = "Waiting for cluster nodes readiness: [k8s-master-28578941-0]", "Waiting for cluster nodes readiness: [k8s-linuxpool-28578941-0]"
	same(t, "lines", []string{"Writing cloud profile to: DIR/azurestackcloud.jsonN", "Backing up artifacts to directory DIR/out/_rotate_certs_backup", "Generating new certificates",
		"Writing artifacts to output directory DIR/out/_rotate_certs_output", masters, "Checking health of control plane components", "Distributing control plane certificates",
		"Backing up node certificates", "Rotating control plane certificates", "Rebooting control plane nodes", masters, "Rotating front-proxy certificates",
		"Deleting temporary artifacts from control plane nodes", masters, "Checking health of control plane components", "Distributing agent certificates",
		"Backing up node certificates", "Rotating agents certificates", "Deleting temporary artifacts from agent nodes", agents, "Recreating service account tokens",
		"Checking health of all kube-system pods", "Generating new artifacts", "Certificate rotation completed"}, r.infos())
	after, _ := certificate(t, "out", "ca")
	old, _ := certificate(t, "out/_rotate_certs_backup", "ca")
	if after.Equal(before) || !old.Equal(before) || kept(t).CertificateProfile.CACertificate != h.files["k8s-linuxpool-28578941-0:/etc/kubernetes/rotate-certs/certs/ca.crt"] {
		t.Error("the authority is not a new one, or not everywhere")
	}
	if h.files["k8s-linuxpool-28578941-0:/etc/kubernetes/rotate-certs/certs/ca.key"] != "" || h.files["k8s-master-28578941-0:/etc/kubernetes/rotate-certs/certs/ca.key"] == "" {
		t.Error("the authority's key belongs on masters, and there only")
	}
	steps := slices.DeleteFunc(h.ran, func(s string) bool { return strings.HasSuffix(s, "upload") })
	for i, want := range []string{"backup", "cp_certs", "cp_proxy", "cleanup", "backup", "agent_certs", "cleanup"} {
		if i >= len(steps) || !strings.HasSuffix(steps[i], want+`"`) {
			t.Fatalf("nodes ran %q", steps)
		}
	}
	if !strings.Contains(strings.Join(w.seen(), "\n"), "POST "+onSub+"/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/k8s-master-28578941-0/restart?api-version=2020-06-01") {
		t.Error("the master was not restarted")
	}
	// A second time needs --force.
	r.over(dial, w.hub, r.on("rotate-certs", "--ssh-host", "jump.test", "--linux-ssh-private-key", "key.pem")...)
	if r.code != 1 || strings.Contains(r.stderr, "Usage:") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
