package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// spawner starts children from one thread that it keeps to itself. Linux kills a child with PR_SET_PDEATHSIG when the
// thread that started it ends, and Go ends threads as it likes, so an ordinary goroutine would take its children along
// at random moments.
type spawner struct {
	jobs chan func()
	quit chan struct{}
	once sync.Once
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func()), quit: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for {
			select {
			case job := <-s.jobs:
				job()
			case <-s.quit:
				return
			}
		}
	}()
	return s
}

var errClosed = errors.New("the control planes are closed")

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	select {
	case s.jobs <- func() { result <- cmd.Start() }:
		return <-result
	case <-s.quit:
		return errClosed
	}
}

// close ends the thread, and with it the last of the children.
func (s *spawner) close() { s.once.Do(func() { close(s.quit) }) }

// process is one supervised part of a control plane. It is started again when it ends unasked.
type process struct {
	name string // of the part, such as "etcd"
	dir  string // of the cluster; logs/<name>.log and run/<name>.pid are in it
	bin  string
	args []string
	env  []string
	log  func(format string, args ...any)

	spawner *spawner
	stop    chan struct{} // closed to end it
	ended   chan struct{} // closed when it has ended for good

	mu    sync.Mutex
	cmd   *exec.Cmd
	exits int
}

// maxLog is the size from which a log is put aside at the next start.
const maxLog = 4 << 20

// launch starts the part and its supervision.
func (p *process) launch() error {
	if info, err := os.Stat(p.logPath()); err == nil && info.Size() > maxLog {
		if err := os.Rename(p.logPath(), p.logPath()+".old"); err != nil {
			return err
		}
	}
	p.stop, p.ended = make(chan struct{}), make(chan struct{})
	exited, err := p.run()
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	go p.supervise(exited)
	return nil
}

// run starts the program once and returns a channel that gets its end.
func (p *process) run() (<-chan error, error) {
	out, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(p.bin, append([]string{p.name}, p.args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, out, out
	cmd.SysProcAttr = dieWithParent()
	if err := p.spawner.start(cmd); err != nil {
		return nil, err
	}
	if err := writePID(p.pidPath(), cmd.Process.Pid); err != nil {
		p.log("%s: %v", p.name, err)
	}
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return exited, nil
}

// supervise waits for the end of the part, asked for or not.
func (p *process) supervise(exited <-chan error) {
	defer close(p.ended)
	defer os.Remove(p.pidPath())
	wait := 500 * time.Millisecond
	for {
		began := time.Now()
		select {
		case <-p.stop:
			p.end(exited)
			return
		case err := <-exited:
			p.mu.Lock()
			p.exits++
			p.mu.Unlock()
			if time.Since(began) > time.Minute {
				wait = 500 * time.Millisecond
			}
			p.log("%s ended by itself (%v); starting it again in %s; its last words: %s", p.name, err, wait, p.lastWords())
		}
		for exited = nil; exited == nil; wait = min(2*wait, 10*time.Second) {
			select {
			case <-p.stop:
				return
			case <-time.After(wait):
			}
			var err error
			if exited, err = p.run(); err != nil {
				p.log("starting %s: %v", p.name, err)
			}
		}
	}
}

// end stops the running program. Only etcd has something to finish; kube-apiserver would take 30 s to go politely.
func (p *process) end(exited <-chan error) {
	if p.name == "etcd" {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
			return
		case <-time.After(3 * time.Second):
		}
	}
	_ = p.cmd.Process.Kill()
	<-exited
}

// halt ends the part and returns when it has ended.
func (p *process) halt() {
	close(p.stop)
	<-p.ended
}

// failed reports that the part has ended by itself since launch.
func (p *process) failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exits > 0
}

func (p *process) logPath() string { return filepath.Join(p.dir, "logs", p.name+".log") }
func (p *process) pidPath() string { return filepath.Join(p.dir, "run", p.name+".pid") }

// lastWords is the end of the part's log on one line.
func (p *process) lastWords() string {
	f, err := os.Open(p.logPath())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-600), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return strings.Join(strings.Fields(string(text)), " ")
}

// pidFile is what is remembered of a started process. Ids are used again, so its birth is part of it.
type pidFile struct {
	PID  int
	Born string
}

func writePID(path string, pid int) error {
	text, err := json.Marshal(pidFile{PID: pid, Born: bornAt(pid)})
	if err != nil {
		return err
	}
	return writeFile(path, text)
}

// killLeftovers kills the processes of a cluster's folder that a killed sandbox left running, and waits for their end.
func killLeftovers(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "run", "*.pid"))
	if err != nil {
		return err
	}
	for _, file := range files {
		var left pidFile
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if json.Unmarshal(text, &left) == nil && left.running(strings.TrimSuffix(filepath.Base(file), ".pid")) {
			if old, err := os.FindProcess(left.PID); err == nil {
				_ = old.Kill()
			}
			for bornAt(left.PID) == left.Born {
				select {
				case <-ctx.Done():
					return fmt.Errorf("process %d of an earlier sandbox does not end: %w", left.PID, ctx.Err())
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// running reports that the process still is the one that was started as this part.
func (f pidFile) running(part string) bool {
	args := commandLine(f.PID)
	return f.PID > 1 && f.Born != "" && bornAt(f.PID) == f.Born && len(args) > 1 && args[1] == part
}
