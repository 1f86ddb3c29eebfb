package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

const (
	frameSize = 512 << 10 // most bytes of output in one frame
	beatNaps  = 25        // naps of 0.2 s between two signs of life

	// silence is after how long without a frame a connection is given up. It
	// is a few beats, also where a nap takes a second.
	silence = 60 * time.Second
)

// frame is a piece of a job's output with how the job stood just before.
type frame struct {
	JobStatus
	data []byte // valid until the next frame
}

// follow streams a job's output from offset on and hands each frame to take.
// It returns nil after the frame that has the last byte of a job that does not
// run any more.
func (h *Host) follow(ctx context.Context, id string, offset int64, take func(frame) error) error {
	if err := checkJobID(id); err != nil {
		return err
	}
	args := []string{id, strconv.FormatInt(offset, 10), strconv.Itoa(frameSize), strconv.Itoa(beatNaps)}
	p, err := h.start(ctx, compact(jobLib+followScript), args, nil)
	if err != nil {
		return err
	}
	takeErr := h.frames(p, take)
	if takeErr != nil {
		p.abandon()
	}
	code, err := p.wait()
	switch {
	case takeErr != nil && !errors.Is(takeErr, errStream):
		return takeErr
	case err != nil:
		return err
	case takeErr != nil || code != 0:
		return h.sessionProblem(ctx, fmt.Errorf("the stream of output broke off (exit code %d): %s", code, p.stderr.String()))
	}
	return nil
}

// errStream says that the stream ended in the middle or made no sense.
var errStream = errors.New("the stream of output broke off")

func (h *Host) frames(p *process, take func(frame) error) error {
	r := bufio.NewReaderSize(p.stdout, 64<<10)
	watchdog := time.AfterFunc(silence, func() { h.client.Close() })
	defer watchdog.Stop()
	buf := make([]byte, frameSize)
	for {
		header, err := r.ReadString('\n')
		if err == io.EOF && header == "" {
			return nil
		}
		var f frame
		var n int
		if scanned, _ := fmt.Sscanf(header, "%s %d %d %d", &f.State, &f.ExitCode, &f.OutputSize, &n); scanned != 4 || n < 0 || n > len(buf) {
			return errStream
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return errStream
		}
		// Storing may take its time; that is not the connection's silence.
		watchdog.Stop()
		f.data = buf[:n]
		if err := take(f); err != nil {
			return err
		}
		watchdog.Reset(silence)
	}
}
