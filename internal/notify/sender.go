package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hubwright/workflows"
)

// Outbox is what the Sender reads and writes.
type Outbox interface {
	Channel(ctx context.Context, id string) (Channel, error)
	// MailServer is workflows.ErrNotFound when nobody named one.
	MailServer(ctx context.Context) (MailServer, error)
	DueDeliveries(ctx context.Context, limit int) ([]Delivery, error)
	SaveDelivery(ctx context.Context, d Delivery) error
	PruneDeliveries(ctx context.Context) error
}

// Secrets opens what is sealed.
type Secrets interface {
	Open(ctx context.Context, ref workflows.SecretRef) ([]byte, error)
}

// Sender empties the outbox. Each channel is served on its own: one that hangs
// delays only what is for itself.
type Sender struct {
	outbox  Outbox
	secrets Secrets
	clock   func() time.Time
	log     *slog.Logger
	wake    chan struct{}
	pulse   time.Duration

	mu   sync.Mutex
	busy map[string]bool // by channel
	wg   sync.WaitGroup
}

// NewSender makes a Sender.
func NewSender(o Outbox, s Secrets, clock func() time.Time, log *slog.Logger) *Sender {
	return &Sender{outbox: o, secrets: s, clock: clock, log: log, wake: make(chan struct{}, 1), pulse: 5 * time.Second, busy: map[string]bool{}}
}

const (
	tryLimit = 30 * time.Second
	batch    = 200
	pruning  = 6 * time.Hour
)

// backoff is how long a delivery waits after its n-th failure. After the last
// one it is given up: the page says so, and a person can let it be tried again.
var backoff = []time.Duration{15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

// Wake says that there is something in the outbox. It never blocks.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends until the context ends.
func (s *Sender) Run(ctx context.Context) {
	defer s.wg.Wait()
	beat := time.NewTicker(s.pulse)
	defer beat.Stop()
	var pruned time.Time
	for {
		s.round(ctx)
		if now := s.clock(); now.Sub(pruned) > pruning {
			pruned = now
			s.complain(ctx, "old deliveries could not be forgotten", s.outbox.PruneDeliveries(ctx))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-beat.C:
		}
	}
}

func (s *Sender) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.Error(what, "err", err)
	}
}

// round begins to serve every channel for which something is due.
func (s *Sender) round(ctx context.Context) {
	due, err := s.outbox.DueDeliveries(ctx, batch)
	s.complain(ctx, "the outbox could not be read", err)
	by := map[string][]Delivery{}
	for _, d := range due {
		by[d.ChannelID] = append(by[d.ChannelID], d)
	}
	for id, list := range by {
		if s.take(id) {
			s.wg.Go(func() {
				defer s.release(id)
				s.serve(ctx, id, list)
			})
		}
	}
}

func (s *Sender) take(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] {
		return false
	}
	s.busy[id] = true
	return true
}

func (s *Sender) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, id)
}

// serve sends in order until one fails: then all wait.
func (s *Sender) serve(ctx context.Context, id string, list []Delivery) {
	c, err := s.outbox.Channel(ctx, id)
	if err != nil {
		if !errors.Is(err, workflows.ErrNotFound) {
			s.complain(ctx, "a channel could not be read", err)
		}
		return
	}
	for _, d := range list {
		err := s.Send(ctx, c, d.Event)
		if ctx.Err() != nil {
			return // it is sent again after the start
		}
		d = after(d, err, s.clock())
		s.complain(ctx, "a delivery could not be saved", s.outbox.SaveDelivery(ctx, d))
		if err != nil {
			s.log.Warn("a notification was not sent", "channel", c.Name, "try", d.Tries, "why", d.Error)
			return
		}
	}
}

// after is the delivery after a try.
func after(d Delivery, err error, now time.Time) Delivery {
	d.Tries++
	d.NextAt, d.Error = time.Time{}, ""
	if err == nil {
		d.SentAt = now
		return d
	}
	d.Error = err.Error()
	if d.Tries <= len(backoff) {
		wait := backoff[d.Tries-1]
		var f *failure
		if errors.As(err, &f) {
			wait = max(wait, f.after)
		}
		d.NextAt = now.Add(wait)
	}
	return d
}

// Send sends an event to a channel now. Errors are words that a person may
// read: they hold no secret.
func (s *Sender) Send(ctx context.Context, c Channel, e Event) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	if c.Kind == Email {
		return s.sendMail(ctx, c, e)
	}
	target, err := s.open(ctx, c.URL)
	if err != nil {
		return err
	}
	var body []byte
	header := http.Header{}
	switch c.Kind {
	case Slack:
		body, err = slackBody(e)
	case Teams:
		body, err = teamsBody(e)
	default:
		if body, err = webhookBody(e); err == nil {
			err = s.sign(ctx, c, e, body, header)
		}
	}
	if err != nil {
		return err
	}
	return post(ctx, c, target, body, header)
}

func (s *Sender) sign(ctx context.Context, c Channel, e Event, body []byte, h http.Header) error {
	key, err := s.open(ctx, c.SigningKey)
	if err != nil {
		return err
	}
	now := s.clock()
	h.Set("X-Hubwright-Event", string(e.Kind))
	h.Set("X-Hubwright-Delivery", e.Key)
	h.Set("X-Hubwright-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("X-Hubwright-Signature", Sign([]byte(key), body, now))
	return nil
}

func (s *Sender) sendMail(ctx context.Context, c Channel, e Event) error {
	m, err := s.outbox.MailServer(ctx)
	if errors.Is(err, workflows.ErrNotFound) {
		return failed("no mail server is set up")
	}
	if err != nil {
		return failed("the mail server's settings could not be read")
	}
	password := ""
	if m.Password != "" {
		if password, err = s.open(ctx, m.Password); err != nil {
			return err
		}
	}
	to := c.Recipients()
	body, err := mailBody(e, m.From, to, s.clock())
	if err != nil {
		return err
	}
	return sendMail(ctx, m, password, to, body)
}

func (s *Sender) open(ctx context.Context, ref workflows.SecretRef) (string, error) {
	plain, err := s.secrets.Open(ctx, ref)
	if err != nil {
		return "", failed("the sealed address or password could not be opened: enter it again")
	}
	return string(plain), nil
}
