package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hubwright/workflows"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const patience = 30 * time.Second

// outbox is an Outbox in memory.
type outbox struct {
	mu       sync.Mutex
	now      time.Time
	channels map[string]Channel
	mail     *MailServer
	rows     []Delivery
}

func (o *outbox) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *outbox) later(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func (o *outbox) Channel(_ context.Context, id string) (Channel, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := o.channels[id]
	if !ok {
		return c, workflows.ErrNotFound
	}
	return c, nil
}

func (o *outbox) MailServer(context.Context) (MailServer, error) {
	if o.mail == nil {
		return MailServer{}, workflows.ErrNotFound
	}
	return *o.mail, nil
}

func (o *outbox) DueDeliveries(_ context.Context, limit int) ([]Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []Delivery
	for _, d := range o.rows {
		if !d.NextAt.IsZero() && !d.NextAt.After(o.now) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (o *outbox) SaveDelivery(_ context.Context, d Delivery) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.rows {
		if o.rows[i].ID == d.ID {
			o.rows[i] = d
		}
	}
	return nil
}

func (o *outbox) PruneDeliveries(context.Context) error { return nil }

func (o *outbox) post(channel string, e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows = append(o.rows, Delivery{ID: int64(len(o.rows) + 1), ChannelID: channel, Event: e, CreatedAt: o.now, NextAt: o.now})
}

func (o *outbox) all() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.rows)
}

// plain is a vault whose references are what they stand for.
type plain struct{}

func (plain) Open(_ context.Context, ref workflows.SecretRef) ([]byte, error) {
	if ref == "" {
		return nil, errors.New("nothing sealed")
	}
	return []byte(ref), nil
}

func newOutbox(channels ...Channel) *outbox {
	o := &outbox{now: noon, channels: map[string]Channel{}}
	for _, c := range channels {
		o.channels[c.ID] = c
	}
	return o
}

func newSender(o *outbox) *Sender {
	s := NewSender(o, plain{}, o.clock, slog.New(slog.DiscardHandler))
	s.pulse = 5 * time.Millisecond
	return s
}

// start runs a Sender until the test ends.
func start(t *testing.T, o *outbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s := newSender(o)
	go func() { defer close(ended); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("waited in vain until " + what)
		}
	}
}

// mailbox is a mail server on loopback.
type mailbox struct {
	host     string
	port     int
	ca       string
	mu       sync.Mutex
	mails    []string // with their envelope
	startTLS bool
	auth     string // what it offers
	refuse   string // a recipient that it doesn't know
	seen     []string
}

func newMailbox(t *testing.T, change func(*mailbox)) *mailbox {
	t.Helper()
	web := httptest.NewTLSServer(nil) // lends its certificate, which is for 127.0.0.1
	t.Cleanup(web.Close)
	m := &mailbox{startTLS: true, auth: "PLAIN LOGIN"}
	m.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	if change != nil {
		change(m)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.host, m.port = "127.0.0.1", l.Addr().(*net.TCPAddr).Port
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { m.serve(conn, web.TLS) })
		}
	})
	return m
}

func (m *mailbox) note(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, line)
}

func (m *mailbox) got() (mails, seen []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails), slices.Clone(m.seen)
}

func (m *mailbox) serve(conn net.Conn, conf *tls.Config) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(s string) { fmt.Fprintf(conn, "%s\r\n", s) }
	read := func() string { s, _ := r.ReadString('\n'); return strings.TrimRight(s, "\r\n") }
	say("220 mailbox")
	var envelope, secure = "", ""
	for {
		line := read()
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "":
			return
		case "EHLO":
			say("250-mailbox")
			if m.startTLS && secure == "" {
				say("250-STARTTLS")
			}
			say("250-AUTH " + m.auth)
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			up := tls.Server(conn, conf)
			conn, r, secure = up, bufio.NewReader(up), "encrypted "
		case "AUTH":
			m.note(secure + m.login(rest, say, read))
		case "MAIL", "RCPT":
			if m.refuse != "" && strings.Contains(line, m.refuse) {
				say("550 5.1.1 no such person")
				continue
			}
			envelope += line + "\n"
			say("250 fine")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				l := read()
				if l == "." {
					break
				}
				b.WriteString(l + "\n")
			}
			m.mu.Lock()
			m.mails = append(m.mails, envelope+"\n"+b.String())
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what?")
		}
	}
}

func (m *mailbox) login(rest string, say func(string), read func() string) string {
	way, first, _ := strings.Cut(rest, " ")
	open := func(s string) string { b, _ := base64.StdEncoding.DecodeString(s); return string(b) }
	if way == "PLAIN" {
		say("235 welcome")
		return "PLAIN " + strings.ReplaceAll(open(first), "\x00", "|")
	}
	say("334 " + base64.StdEncoding.EncodeToString([]byte("Username:")))
	user := open(read())
	say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
	password := open(read())
	if password == "wrong" {
		say("535 no")
	} else {
		say("235 welcome")
	}
	return "LOGIN " + user + "|" + password
}
