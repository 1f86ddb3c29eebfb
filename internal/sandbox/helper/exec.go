package helper

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// exec runs the command of a session, or a shell that reads its commands from standard input.
func (m *machine) exec(s ssh.Session) {
	cmd, err := m.command(s)
	if err != nil {
		fmt.Fprintln(s.Stderr(), err)
		s.Exit(255)
		return
	}
	m.opts.Log("helper VM %s: %s runs %s", m.Name, s.User(), summary(s.RawCommand()))
	out, err := m.run(s, cmd)
	if err != nil {
		fmt.Fprintln(s.Stderr(), err)
		s.Exit(127)
		return
	}
	state := cmd.ProcessState
	// As in OpenSSH the channel stays open while any process, a background one too, holds the command's output.
	out.wait(s.Context().Done())
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		sendExitSignal(s, status.Signal())
		return
	}
	s.Exit(state.ExitCode())
}

func (m *machine) command(s ssh.Session) (*exec.Cmd, error) {
	home := m.homeOf(s.User())
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	shell := []string{"/bin/sh", "-c", m.fullDisk() + m.paths.MapText(s.RawCommand())}
	if s.RawCommand() == "" {
		shell = []string{filepath.Join(m.paths.VM, "bin", "sh"), "-s"}
	}
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Dir = home
	cmd.Env = m.environment(s, home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

// fullDisk begins a command on a VM whose disk is full: no file can grow, and df says that nothing is free.
func (m *machine) fullDisk() string {
	if !m.opts.Full(m.Name) {
		return ""
	}
	const fileTooLarge = "25" // SIGXFSZ, whose name not every shell knows
	return "trap '' " + fileTooLarge + "; ulimit -f 0; export " + fullVariable + "=1\n"
}

// environment is the whole environment of a command. Nothing of the sandbox's own gets into it.
func (m *machine) environment(s ssh.Session, home string) []string {
	vm := m.paths.VM
	env := []string{
		vmVariable + "=" + vm,
		"HOME=" + home, "PWD=" + home, "USER=" + s.User(), "LOGNAME=" + s.User(),
		"SHELL=/bin/bash", "LANG=C.UTF-8", "SHLVL=1", // else bash takes itself for sshd's child and reads the host's /etc/bash.bashrc
		"TMPDIR=" + filepath.Join(vm, "tmp"),
		"PATH=" + strings.Join([]string{vm + "/bin", m.paths.Map("/usr/local/bin"), "/usr/bin", "/bin"}, ":"),
	}
	if from, to := hostPort(s.RemoteAddr()), hostPort(s.LocalAddr()); from != nil && to != nil {
		env = append(env, "SSH_CLIENT="+from[0]+" "+from[1]+" "+to[1],
			"SSH_CONNECTION="+from[0]+" "+from[1]+" "+to[0]+" "+to[1])
	}
	for _, kv := range s.Environ() {
		if strings.HasPrefix(kv, "LANG=") || strings.HasPrefix(kv, "LC_") {
			env = append(env, kv)
		}
	}
	for _, kv := range m.opts.Env(m.Name) {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "SSL_CERT_FILE", "CURL_CA_BUNDLE":
			value = filepath.Join(m.paths.Root(), bundleFile)
		case "HTTPS_PROXY":
			// Plain HTTP must not leave the sandbox either.
			env = append(env, "https_proxy="+value, "http_proxy="+value)
		}
		env = append(env, name+"="+value)
	}
	return env
}

// run starts cmd with the session as its standard streams, and waits for its end, though not for that of its children.
func (m *machine) run(s ssh.Session, cmd *exec.Cmd) (*output, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out := &output{}
	if cmd.Stdout, err = out.pipe(s); err == nil {
		cmd.Stderr, err = out.pipe(s.Stderr())
	}
	if err == nil {
		err = cmd.Start()
	}
	out.closeWriters()
	if err != nil {
		out.closeReaders()
		return nil, err
	}
	go func() {
		io.Copy(stdin, s)
		stdin.Close()
	}()
	done := make(chan struct{})
	go relaySignals(s, cmd.Process.Pid, done)
	waitErr := cmd.Wait()
	close(done)
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		m.opts.Log("helper VM %s: %v", m.Name, waitErr)
	}
	return out, nil
}

// output copies what a command prints to the session. It uses pipes of its own, so that the end of the command and
// the end of its output are two events.
type output struct {
	readers, writers []*os.File
	copying          sync.WaitGroup
}

func (o *output) pipe(to io.Writer) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.readers, o.writers = append(o.readers, r), append(o.writers, w)
	o.copying.Go(func() {
		io.Copy(to, r)
		r.Close() // a command whose reader is gone gets SIGPIPE, as behind OpenSSH
	})
	return w, nil
}

func (o *output) closeWriters() {
	for _, w := range o.writers {
		w.Close()
	}
}

func (o *output) closeReaders() {
	for _, r := range o.readers {
		r.Close()
	}
	o.copying.Wait()
}

// wait returns when all output is copied, or when the connection is gone.
func (o *output) wait(gone <-chan struct{}) {
	copied := make(chan struct{})
	go func() {
		o.copying.Wait()
		close(copied)
	}()
	select {
	case <-copied:
	case <-gone:
	}
	o.closeReaders()
}

// relaySignals hands a client's signals to the command until the connection
// ends. The channel is never taken back from the session, which reads it
// without its lock while it hands on what came early.
func relaySignals(s ssh.Session, pid int, done <-chan struct{}) {
	signals := make(chan ssh.Signal, 1)
	s.Signals(signals)
	for {
		select {
		case <-s.Context().Done():
			return
		case name := <-signals:
			select {
			case <-done:
				continue // it has ended; its number may be another's by now
			default:
			}
			if sig, ok := signalNumbers[name]; ok {
				syscall.Kill(-pid, sig)
			}
		}
	}
}

var signalNumbers = map[ssh.Signal]syscall.Signal{
	ssh.SIGHUP: syscall.SIGHUP, ssh.SIGINT: syscall.SIGINT, ssh.SIGKILL: syscall.SIGKILL, ssh.SIGQUIT: syscall.SIGQUIT,
	ssh.SIGTERM: syscall.SIGTERM, ssh.SIGUSR1: syscall.SIGUSR1, ssh.SIGUSR2: syscall.SIGUSR2, ssh.SIGABRT: syscall.SIGABRT,
	ssh.SIGPIPE: syscall.SIGPIPE, ssh.SIGALRM: syscall.SIGALRM, ssh.SIGSEGV: syscall.SIGSEGV,
}

// sendExitSignal tells the client which signal ended the command.
func sendExitSignal(s ssh.Session, sig syscall.Signal) {
	for name, number := range signalNumbers {
		if number != sig {
			continue
		}
		s.SendRequest("exit-signal", false, gossh.Marshal(struct {
			Signal     string
			CoreDumped bool
			Message    string
			Language   string
		}{Signal: string(name)}))
		s.Close()
		return
	}
	s.Exit(128 + int(sig))
}

func hostPort(addr net.Addr) []string {
	if addr == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil
	}
	return []string{host, port}
}

// summary is the name of the program that a command starts. The rest may be secret.
func summary(command string) string {
	word, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
	switch {
	case word == "":
		return "a shell"
	case rest == "":
		return word
	}
	return fmt.Sprintf("%.60s … (%d bytes)", word, len(command))
}
