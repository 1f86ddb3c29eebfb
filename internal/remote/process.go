package remote

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// process is a command that runs on the host, seen from here.
type process struct {
	host    *Host
	ctx     context.Context
	session *ssh.Session
	stdout  *io.PipeReader
	stderr  *capped
	fed     chan struct{} // stdin was read to its end, or nobody wants it any more
	ended   chan error    // how the session ended
	left    chan struct{} // closed when we stopped caring
	leaving sync.Once
	stop    func() bool
}

// start runs script with args as $1, $2 ... in sh. The login shell sees one
// quoted line, whatever it is. The caller must call wait.
func (h *Host) start(ctx context.Context, script string, args []string, stdin io.Reader) (*process, error) {
	select {
	case h.sessions <- struct{}{}:
	case <-ctx.Done():
		return nil, h.sessionProblem(ctx, ctx.Err())
	}
	line := "exec /bin/sh -c " + Quote(append([]string{script, "hubwright"}, args...)...)
	p := &process{host: h, ctx: ctx, stderr: &capped{max: maxStderr},
		fed: make(chan struct{}), ended: make(chan error, 1), left: make(chan struct{})}
	// Opening a session waits for the other side and knows no context.
	opened := make(chan error, 1)
	go func() { opened <- p.open(line, stdin) }()
	select {
	case err := <-opened:
		if err != nil {
			<-h.sessions
			return nil, h.sessionProblem(ctx, err)
		}
		p.stop = context.AfterFunc(ctx, p.abandon)
		return p, nil
	case <-ctx.Done():
		go func() {
			if <-opened == nil {
				p.abandon()
			}
			<-h.sessions
		}()
		return nil, h.sessionProblem(ctx, ctx.Err())
	}
}

func (p *process) open(line string, stdin io.Reader) error {
	s, err := p.host.newSession(p.ctx)
	if err != nil {
		return err
	}
	in, err := s.StdinPipe()
	if err != nil {
		s.Close()
		return err
	}
	stdout, sink := io.Pipe()
	p.session, p.stdout = s, stdout
	s.Stdout, s.Stderr = sink, p.stderr
	if err := s.Start(line); err != nil {
		s.Close()
		return err
	}
	go func() {
		defer close(p.fed)
		defer in.Close()
		if stdin != nil {
			io.Copy(in, stdin) // a command need not read its stdin
		}
	}()
	go func() {
		err := s.Wait()
		sink.Close()
		p.ended <- err
	}()
	return nil
}

// newSession tries again for a moment when the host has too many: one that
// just ended still counts there.
func (h *Host) newSession(ctx context.Context) (*ssh.Session, error) {
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		s, err := h.client.NewSession()
		var refused *ssh.OpenChannelError
		if err == nil || !errors.As(err, &refused) || pause > time.Second {
			return s, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// abandon asks the command to end and stops waiting for it. The host may not
// obey (sshd passes no signals on for root); nothing may hang for that.
func (p *process) abandon() {
	p.leaving.Do(func() {
		close(p.left)
		p.stdout.CloseWithError(errors.New("nobody listens any more"))
		go func() {
			p.session.Signal(ssh.SIGTERM)
			p.session.Close()
		}()
	})
}

// wait reads what is left of stdout to nowhere and gives the exit code.
func (p *process) wait() (int, error) {
	defer func() {
		p.stop()
		p.session.Close()
		<-p.host.sessions
	}()
	io.Copy(io.Discard, p.stdout)
	var err error
	select {
	case err = <-p.ended:
	case <-p.left:
		err = errors.New("given up")
	}
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	}
	return 0, p.host.sessionProblem(p.ctx, err)
}
