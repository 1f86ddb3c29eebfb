package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/loopback"
)

const worldCommand = "world"

// worldMain runs a world until it is told to end. Options are JSON; the seed
// goes to standard output.
func worldMain(options string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var o sandbox.Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o.ControlPlane = func(context.Context) (string, error) { return built() }
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w, err := sandbox.Start(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(w.Seed()); err != nil {
		return 1
	}
	<-ctx.Done()
	if err := w.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// worldProcess is a world in a process of its own.
type worldProcess struct {
	t    *testing.T
	cmd  *exec.Cmd
	seed sandbox.Seed
}

func spawnWorld(t *testing.T, o sandbox.Options, tmp string) *worldProcess {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"Dir": o.Dir, "ProxyAddr": o.ProxyAddr, "Speed": o.Speed, "Block": o.Block})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &worldProcess{t: t, cmd: exec.Command(self, worldCommand, string(raw))}
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), "TMPDIR="+tmp), t.Output()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &p.seed) != nil {
		t.Fatalf("the world did not start: %v %.100q", err, line)
	}
	return p
}

// end signals the process and answers its exit code.
func (p *worldProcess) end(sig os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// onJump runs a command on the Linux machine beside the Hubs.
func (p *worldProcess) onJump(command string) string {
	p.t.Helper()
	h := p.seed.Stacks[1].Hosts[0]
	key, err := ssh.ParsePrivateKey([]byte(h.PrivateKey))
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := loopback.Dial(p.t.Context(), "tcp", net.JoinHostPort(h.Address, strconv.Itoa(h.Port)))
	if err != nil {
		p.t.Fatal(err)
	}
	return run(p.t, c, key, command)
}

// A world that was killed in the middle of its work is whole again after the
// next start; one that was ended leaves its state folder and nothing else.
func TestAKilledWorldComesBack(t *testing.T) {
	o := options(t)
	o.ProxyAddr = freeAddr(t)
	tmp := t.TempDir()
	p := spawnWorld(t, o, tmp)
	stack := p.seed.Stacks[0]
	e, u := newEngineFor(t, p.seed, stack), newUser(t, p.seed, stack, false)
	config, _, err := e.deploy(e.model("k111", 1, 2), "k8s", "out")
	if err != nil {
		t.Fatal(err)
	}
	client := kubeBehind(t, p.seed.Proxy, config)
	p.onJump("echo kept > note; nohup sleep 1000 >/dev/null 2>&1 & true")
	if code, out := u.call("DELETE", vmsPath+"k8s-linuxpool-28578941-1", "2020-06-01", nil); code != 202 {
		t.Fatalf("deleting an agent: %d %v", code, out)
	}
	p.end(syscall.SIGKILL)

	p = spawnWorld(t, o, tmp)
	until(t, "the cluster without the agent that was being deleted", func() bool {
		list, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 2 && len(ready(client)) == 2
	})
	if got := p.onJump("cat note; pgrep -fc '[s]leep 1000' || true"); !strings.HasPrefix(got, "kept\n") {
		t.Errorf("the machine beside the Hub has %q", got)
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := processesAbout(t, o.Dir); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left in the folder for temporary files: %q", left)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
