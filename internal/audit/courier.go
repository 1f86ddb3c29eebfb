package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	sendLimit  = 10 * time.Second // one checkpoint to one Sink
	retryFirst = 5 * time.Second  // after a failure, then twice as long each time
	retryMost  = 5 * time.Minute
	mostWait   = 1000 // checkpoints for one Sink; a newer one proves what an older one does
)

// Sink is a place away from this machine where checkpoints go.
type Sink interface {
	Name() string  // syslog, webhook
	Where() string // its address, without secrets
	Send(ctx context.Context, c Checkpoint) error
}

// SinkStatus is how sending to a Sink goes.
type SinkStatus struct {
	Name, Where string
	SentSeq     int64     // of the newest checkpoint that it took, 0 for none
	SentAt      time.Time // when it did, zero since this start for none
	Waiting     int       // checkpoints that it did not take yet
	FailingFrom time.Time // zero while all is well
	Err         error     // of the last try
}

// Courier sends checkpoints to Sinks, each at its own pace: one that fails is
// tried again until it takes them. It is safe for concurrent use.
type Courier struct {
	path  string // file of what was sent
	clock func() time.Time
	log   *slog.Logger
	lines []*sinkLine

	file sync.Mutex // held while the file is written
}

// sinkLine is what waits for one Sink.
type sinkLine struct {
	sink Sink
	wake chan struct{}

	sending sync.Mutex // held while one checkpoint is on its way

	mu    sync.Mutex
	queue []Checkpoint
	state SinkStatus
}

// NewCourier goes on where the last one ended: path is the file in which it
// notes what each Sink took, all are the checkpoints so far. A new Sink gets
// the newest of them.
func NewCourier(path string, all []Checkpoint, sinks []Sink, clock func() time.Time, log *slog.Logger) (*Courier, error) {
	sent := map[string]int64{}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading which checkpoints were sent: %w", err)
	}
	if err == nil && json.Unmarshal(raw, &sent) != nil {
		sent = map[string]int64{} // sending twice does no harm
	}
	c := &Courier{path: path, clock: clock, log: log}
	for _, s := range sinks {
		l := &sinkLine{sink: s, wake: make(chan struct{}, 1), state: SinkStatus{Name: s.Name(), Where: s.Where(), SentSeq: sent[s.Name()]}}
		c.lines = append(c.lines, l)
		for i, cp := range all {
			if _, known := sent[s.Name()]; cp.Seq > sent[s.Name()] && (known || i == len(all)-1) {
				l.add(cp)
			}
		}
	}
	return c, nil
}

func (l *sinkLine) add(cp Checkpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue = append(l.queue, cp); len(l.queue) > mostWait {
		l.queue = l.queue[1:]
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Add has a checkpoint sent to every Sink.
func (c *Courier) Add(cp Checkpoint) {
	for _, l := range c.lines {
		l.add(cp)
	}
}

// Status is how it goes, in the order of the Sinks.
func (c *Courier) Status() []SinkStatus {
	var out []SinkStatus
	for _, l := range c.lines {
		l.mu.Lock()
		s := l.state
		s.Waiting = len(l.queue)
		l.mu.Unlock()
		out = append(out, s)
	}
	return out
}

// Run sends until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	var work sync.WaitGroup
	for _, l := range c.lines {
		work.Go(func() {
			for pause := time.Duration(0); ; {
				if c.deliver(ctx, l) {
					pause = 0
				} else {
					pause = min(max(2*pause, retryFirst), retryMost)
				}
				if !l.rest(ctx, pause) {
					return
				}
			}
		})
	}
	work.Wait()
}

// rest waits for the next checkpoint, or after a failure until it is time to
// try again. It says whether to go on.
func (l *sinkLine) rest(ctx context.Context, pause time.Duration) bool {
	if pause == 0 {
		select {
		case <-l.wake:
			return true
		case <-ctx.Done():
			return false
		}
	}
	again := time.NewTimer(pause)
	defer again.Stop()
	select {
	case <-again.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Flush tries once more what waits, for as long as ctx lasts.
func (c *Courier) Flush(ctx context.Context) {
	var work sync.WaitGroup
	for _, l := range c.lines {
		work.Go(func() { c.deliver(ctx, l) })
	}
	work.Wait()
}

// deliver sends what waits, the oldest first, and says whether all went.
func (c *Courier) deliver(ctx context.Context, l *sinkLine) bool {
	l.sending.Lock()
	defer l.sending.Unlock()
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.mu.Unlock()
			return true
		}
		cp := l.queue[0]
		l.mu.Unlock()
		limited, cancel := context.WithTimeout(ctx, sendLimit)
		err := l.sink.Send(limited, cp)
		cancel()
		if ctx.Err() != nil && err != nil {
			return false
		}
		if l.note(cp, err, c.clock()); err != nil {
			c.log.Warn("a checkpoint of the audit was not taken; it is sent again", "sink", l.sink.Name(), "row", cp.Seq, "err", err)
			return false
		}
		c.remember()
	}
}

func (l *sinkLine) note(cp Checkpoint, err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Err = err; err != nil {
		if l.state.FailingFrom.IsZero() {
			l.state.FailingFrom = now
		}
		return
	}
	l.state.FailingFrom, l.state.SentSeq, l.state.SentAt = time.Time{}, cp.Seq, now
	if len(l.queue) > 0 && l.queue[0].Seq == cp.Seq { // it may have been dropped for newer ones
		l.queue = l.queue[1:]
	}
}

// remember writes what was sent beside the checkpoints. Without it the next
// start sends too much, which does no harm.
func (c *Courier) remember() {
	c.file.Lock()
	defer c.file.Unlock()
	sent := map[string]int64{}
	for _, s := range c.Status() {
		if s.SentSeq > 0 {
			sent[s.Name] = s.SentSeq
		}
	}
	if raw, err := json.Marshal(sent); err == nil {
		_ = os.WriteFile(c.path, raw, 0o600)
	}
}
