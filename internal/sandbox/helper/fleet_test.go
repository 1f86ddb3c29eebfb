package helper

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

func TestCommands(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial(t)
	if got := string(c.ServerVersion()); got != "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.13" {
		t.Errorf("banner %q", got)
	}
	vm := w.vmDir()
	for _, tc := range []struct {
		command, stdin, stdout, stderr string
		code                           int
	}{
		{command: "echo out; echo err >&2; exit 7", stdout: "out\n", stderr: "err\n", code: 7},
		{command: "cat", stdin: "through", stdout: "through"},
		{command: "pwd; echo $HOME", stdout: vm + "/home/azureuser\n" + vm + "/home/azureuser\n"},
		{command: "echo $TMPDIR", stdout: vm + "/tmp\n"},
		{command: "echo $HTTPS_PROXY $http_proxy", stdout: "http://127.0.0.1:18080 http://127.0.0.1:18080\n"},
		{command: "cat $SSL_CERT_FILE; cat /etc/ssl/certs/ca-certificates.crt", stdout: publicCA + publicCA},
		{command: "cat /var/lib/waagent/Certificates.pem", stdout: hubCA},
		{command: ". /etc/os-release; echo $ID $VERSION_ID", stdout: "ubuntu 22.04\n"},
		{command: "uname -a", stdout: "Linux helper-0 5.15.0-1089-azure #98-Ubuntu SMP Wed May 7 02:05:30 UTC 2025 x86_64 x86_64 x86_64 GNU/Linux\n"},
		{command: "uname -s -m; uname", stdout: "Linux x86_64\nLinux\n"},
		{command: "hostname; whoami; id -u; sudo -n id -u", stdout: "helper-0\nazureuser\n1000\n0\n"},
		{command: "sudo -n true && echo yes", stdout: "yes\n"},
		{command: "sudo -nE true && echo yes", stdout: "yes\n"},
		{command: "sudo no-such-tool", stderr: "sudo: no-such-tool: command not found\n", code: 1},
		{command: "no-such-tool", stderr: "/bin/sh: 1: no-such-tool: not found\n", code: 127},
		{command: "systemctl status", stderr: "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down\n", code: 1},
		{command: "sudo /sbin/reboot", stderr: "sudo: /sbin/reboot: command not found\n", code: 1},
		{command: "sudo reboot", stderr: "reboot: not available on a sandbox VM\n", code: 1},
		{command: "", stdin: "echo from stdin\nhead -n 1 /etc/os-release\n", stdout: "from stdin\nPRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\n"},
		{command: "sh -s a b", stdin: "echo $2 $1\nexit 4\n", stdout: "b a\n", code: 4},
		{command: "sh -ec 'false; echo never'", code: 1},
		{command: "bash -euo pipefail -c 'echo $0 $1' zero one", stdout: "zero one\n"},
		{command: "cp /etc/os-release /usr/local/x", stderr: "cp: cannot write '/usr/local/x': Permission denied\n", code: 1},
		{command: "sudo apt-get install -y tar", stdout: "Reading package lists... Done\ntar is already the newest version.\n"},
		{command: "sudo apt-get install -y no-such", stdout: "Reading package lists... Done\n", stderr: "E: Unable to locate package no-such\n", code: 100},
	} {
		stdout, stderr, code := run(t, c, tc.command, tc.stdin)
		if tc.command == "sudo /sbin/reboot" && strings.Contains(stderr, "not available") {
			continue // hosts where /sbin/reboot exists
		}
		if stdout != tc.stdout || stderr != tc.stderr || code != tc.code {
			t.Errorf("%q: got (%q, %q, %d), want (%q, %q, %d)", tc.command, stdout, stderr, code, tc.stdout, tc.stderr, tc.code)
		}
	}
}

func TestEnvironmentIsTheVMsOwn(t *testing.T) {
	t.Setenv("SANDBOX_TEST_LEAK", "leaked")
	w := newWorld(t, nil)
	out, _, _ := run(t, w.dial(t), "env", "")
	if strings.Contains(out, "leaked") {
		t.Errorf("the sandbox's environment leaks into the VM:\n%s", out)
	}
	if !strings.Contains(out, "PATH="+w.vmDir()+"/bin:"+w.vmDir()+"/rootfs/usr/local/bin:/usr/bin:/bin\n") {
		t.Errorf("PATH is wrong:\n%s", out)
	}
}

func TestSignals(t *testing.T) {
	w := newWorld(t, nil)
	s, err := w.dial(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("echo ready; exec sleep 600"); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(gossh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = s.Wait()
	exit, ok := err.(*gossh.ExitError)
	if !ok || exit.Signal() != "TERM" {
		t.Errorf("got %v, want an end by SIGTERM", err)
	}
}

func TestWhoMayLogIn(t *testing.T) {
	w := newWorld(t, nil)
	stranger := &world{}
	stranger.makeKey(t)
	for _, tc := range []struct {
		name, user string
		signer     gossh.Signer
		ok         bool
	}{
		{"admin", "azureuser", w.signer, true},
		{"unknown user", "root", w.signer, false},
		{"unknown key", "azureuser", stranger.signer, false},
	} {
		c, err := gossh.Dial("tcp", w.addr, &gossh.ClientConfig{User: tc.user,
			Auth: []gossh.AuthMethod{gossh.PublicKeys(tc.signer)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()})
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err == nil {
			c.Close()
		}
	}
	// A key that is added on the VM counts at once.
	run(t, w.dial(t), "cat >> ~/.ssh/authorized_keys", stranger.pubKey+"\n")
	stranger.addr = w.addr
	stranger.dial(t)
}

func TestDetachedJobsOutliveTheConnection(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial(t)
	out, _, code := run(t, c, "setsid sh -c 'echo $$ >job.pid; while [ ! -e stop ]; do sleep 0.05; done; echo done >result' >/dev/null 2>&1 </dev/null & echo started", "")
	if out != "started\n" || code != 0 {
		t.Fatalf("got %q, %d", out, code)
	}
	foreground, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := foreground.Start("sleep 600"); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(w.vmDir(), "home/azureuser")
	eventually(t, "the job runs", func() bool { _, err := os.Stat(home + "/job.pid"); return err == nil })

	if n := w.fleet.CutConnections("helper-0"); n != 1 {
		t.Errorf("%d connections cut, want 1", n)
	}
	if err := foreground.Wait(); err == nil {
		t.Error("the session in the cut connection ended well")
	}
	run(t, w.dial(t), "touch stop", "")
	eventually(t, "the detached job finishes", func() bool {
		text, _ := os.ReadFile(home + "/result")
		return string(text) == "done\n"
	})
}

func TestCloseLeavesNoProcess(t *testing.T) {
	w := newWorld(t, nil)
	run(t, w.dial(t), "setsid sleep 600 >/dev/null 2>&1 </dev/null & echo", "")
	eventually(t, "the sleeper runs", func() bool { return len(processesOf(w.vmDir())) > 0 })
	w.fleet.Close()
	if left := processesOf(w.vmDir()); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := w.fleet.Add(t.Context(), VM{Name: "x", Address: "127.0.0.1"}); err != ErrClosed {
		t.Errorf("Add after Close: %v", err)
	}
}

func TestRefuseFor(t *testing.T) {
	w := newWorld(t, nil)
	w.fleet.RefuseFor("helper-0", 2)
	config := &gossh.ClientConfig{User: "azureuser", Auth: []gossh.AuthMethod{gossh.PublicKeys(w.signer)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()}
	for range 2 {
		if c, err := gossh.Dial("tcp", w.addr, config); err == nil {
			c.Close()
			t.Error("connected, though refusal was ordered")
		}
	}
	w.dial(t)
}

func TestFolderIsUsedAgain(t *testing.T) {
	w := newWorld(t, nil)
	var first, second gossh.PublicKey
	keep := func(to *gossh.PublicKey) gossh.HostKeyCallback {
		return func(_ string, _ net.Addr, key gossh.PublicKey) error { *to = key; return nil }
	}
	connect := func(to *gossh.PublicKey) *gossh.Client {
		c, err := gossh.Dial("tcp", w.addr, &gossh.ClientConfig{User: "azureuser", Auth: []gossh.AuthMethod{gossh.PublicKeys(w.signer)}, HostKeyCallback: keep(to)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	run(t, connect(&first), "echo kept >file", "")
	before := w.addr
	w.fleet.Close()
	w.fleet = New(Options{Dir: w.dir})
	var err error
	if w.addr, err = w.fleet.Add(t.Context(), VM{Name: "helper-0", Address: "127.0.0.1", AdminUser: "azureuser"}); err != nil {
		t.Fatal(err)
	}
	if w.addr != before {
		t.Errorf("address was %s and is %s", before, w.addr)
	}
	if out, _, _ := run(t, connect(&second), "cat file", ""); out != "kept\n" {
		t.Errorf("file is %q", out)
	}
	if !bytes.Equal(first.Marshal(), second.Marshal()) {
		t.Error("the host key changed")
	}
	if err := w.fleet.Remove("helper-0"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.vmDir()); !os.IsNotExist(err) {
		t.Errorf("the folder of a removed VM: %v", err)
	}
}

func TestAddRefuses(t *testing.T) {
	f := New(Options{Dir: t.TempDir()})
	defer f.Close()
	for _, vm := range []VM{
		{Name: "../x", Address: "127.0.0.1"},
		{Name: "", Address: "127.0.0.1"},
		{Name: "a", Address: "0.0.0.0"},
		{Name: "a", Address: "192.0.2.1:22"},
		{Name: "a", Address: "127.0.0.1", AuthorizedKeys: []string{"no key"}},
	} {
		if _, err := f.Add(context.Background(), vm); err == nil {
			t.Errorf("%+v was added", vm)
		}
	}
}

func TestWindowsHost(t *testing.T) {
	w := newWorld(t, func(_ *Options, vm *VM) { vm.Windows = true })
	c := w.dial(t)
	if got := string(c.ServerVersion()); got != "SSH-2.0-OpenSSH_for_Windows_8.6" {
		t.Errorf("banner %q", got)
	}
	_, stderr, code := run(t, c, "uname -s", "")
	if want := "'uname' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"; stderr != want || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
	if out, _, _ := run(t, c, "ver", ""); !strings.Contains(out, "Microsoft Windows [Version") {
		t.Errorf("ver says %q", out)
	}
}

func TestExistingHostAsksForAPassword(t *testing.T) {
	w := newWorld(t, func(_ *Options, vm *VM) { vm.Existing, vm.HubCA = true, nil })
	_, stderr, code := run(t, w.dial(t), "sudo -n true", "")
	if stderr != "sudo: a password is required\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
	if _, _, code := run(t, w.dial(t), "test -e /var/lib/waagent/Certificates.pem", ""); code == 0 {
		t.Error("a host that Azure did not make has the Azure agent's certificates")
	}
}

func TestPortForwarding(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "hello\n")
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	w := newWorld(t, func(o *Options, _ *VM) {
		o.Resolve = func(_, host string, at int) (string, bool) {
			switch host {
			case "k1.seattle.cloudapp.azurestack.test":
				return l.Addr().String(), at == 443
			case "outside.test":
				return "192.0.2.1:443", true
			}
			return "", false
		}
	})
	c := w.dial(t)
	for to, ok := range map[string]bool{
		fmt.Sprintf("127.0.0.1:%d", port):         true,
		fmt.Sprintf("localhost:%d", port):         true,
		"k1.seattle.cloudapp.azurestack.test:443": true,
		"k1.seattle.cloudapp.azurestack.test:22":  false,
		"example.com:443":                         false,
		"192.0.2.1:443":                           false,
		"outside.test:443":                        false,
	} {
		conn, err := c.Dial("tcp", to)
		if (err == nil) != ok {
			t.Errorf("forwarding to %s: %v", to, err)
		}
		if err != nil {
			continue
		}
		line := make([]byte, 6)
		if _, err := conn.Read(line); err != nil || string(line) != "hello\n" {
			t.Errorf("through %s came %q, %v", to, line, err)
		}
		conn.Close()
	}
}

func TestOpenSSHClient(t *testing.T) {
	for _, program := range []string{"ssh", "scp", "sftp"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("this test needs OpenSSH's clients (package openssh-client): %v", err)
		}
	}
	w := newWorld(t, nil)
	// The first connection notes the host key.
	if out, err := openSSH(t, w, "ssh", "HOST", "exit 9"); err == nil || err.(*exec.ExitError).ExitCode() != 9 {
		t.Fatalf("ssh: %v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "up")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789abcdef"), 20000), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"-p"}, {"-O", "-p"}} {
		down := filepath.Join(t.TempDir(), "down")
		if out, err := openSSH(t, w, "scp", append(flags, file, "HOST:dir-up")...); err != nil {
			t.Fatalf("scp %v: %v\n%s", flags, err, out)
		}
		if out, err := openSSH(t, w, "scp", append(flags, "HOST:dir-up", down)...); err != nil {
			t.Fatalf("scp %v: %v\n%s", flags, err, out)
		}
		a, _ := os.ReadFile(file)
		b, _ := os.ReadFile(down)
		if !bytes.Equal(a, b) {
			t.Errorf("scp %v: %d bytes went up and %d came back", flags, len(a), len(b))
		}
		info, err := os.Stat(filepath.Join(w.vmDir(), "home/azureuser/dir-up"))
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("scp %v: %v, %v", flags, info, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	l.Close()
	_, sshPort, _ := net.SplitHostPort(w.addr)
	out, err := openSSH(t, w, "ssh", "-o", "ExitOnForwardFailure=yes", "-L", free+":127.0.0.1:"+sshPort, "HOST",
		"true; sleep 0.1; echo tunnel")
	if err != nil || !strings.Contains(out, "tunnel") {
		t.Errorf("ssh -L: %v\n%s", err, out)
	}
}
