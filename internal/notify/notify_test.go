package notify

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

var failedRun = Event{Key: "run:1", Kind: RunEnded, At: noon, Title: "Scale “linuxpool” failed", Text: "The quota is used up: 10 of 10 cores.\n<!channel> [x](http://y)", DeploymentID: "dep_1",
	URL: "https://hub.example.com/runs/run_1", Tone: Bad, Facts: []Fact{{"Run", "42"}, {"Started by", "ana"}}}

// receiver takes what is sent over HTTP.
type receiver struct {
	*httptest.Server
	got  chan *http.Request
	body chan []byte
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{got: make(chan *http.Request, 100), body: make(chan []byte, 100)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		r.got <- q
		r.body <- b
		if answer != nil {
			answer(w)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // of certificates that the test does not trust
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) channel(kind ChannelKind) Channel {
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
	return Channel{ID: "chn_1", Name: "Operations", Kind: kind, URL: workflows.SecretRef(r.URL + "/services/T0KEN"), SigningKey: "key of the channel", CABundle: ca, Events: []Kind{RunEnded}}
}

func TestWebhookIsSigned(t *testing.T) {
	r := newReceiver(t, nil)
	o := newOutbox()
	if err := newSender(o).Send(t.Context(), r.channel(Webhook), failedRun); err != nil {
		t.Fatal(err)
	}
	q, body := <-r.got, <-r.body
	if want := Sign([]byte("key of the channel"), body, noon); q.Header.Get("X-Hubwright-Signature") != want || !strings.HasPrefix(want, "t=1795435200,v1=") {
		t.Errorf("signature %q, want %q", q.Header.Get("X-Hubwright-Signature"), want)
	}
	if Sign([]byte("key of the channel"), append(body, ' '), noon) == q.Header.Get("X-Hubwright-Signature") || Sign([]byte("other"), body, noon) == q.Header.Get("X-Hubwright-Signature") {
		t.Error("another body or key has the same signature")
	}
	var got struct {
		Kind, Title, URL, DeploymentID string
		Facts                          map[string]string
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Kind != "run.ended" || got.Facts["Run"] != "42" || got.URL != failedRun.URL {
		t.Errorf("%s: %v", body, err)
	}
	if q.Header.Get("X-Hubwright-Delivery") != "run:1" || q.Header.Get("X-Hubwright-Event") != "run.ended" || q.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", q.Header)
	}
}

func TestSlackAndTeamsGetTheirShapes(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) })
	s := newSender(newOutbox())
	if err := s.Send(t.Context(), r.channel(Slack), failedRun); err != nil {
		t.Fatal(err)
	}
	var slack struct {
		Text   string
		Blocks []map[string]any
	}
	body := <-r.body
	if err := json.Unmarshal(body, &slack); err != nil || len(slack.Blocks) != 3 || slack.Text != failedRun.Title || strings.Contains(string(body), "<!channel>") {
		t.Errorf("Slack: %s %v", body, err)
	}
	if q := <-r.got; q.Header.Get("X-Hubwright-Signature") != "" || q.URL.Path != "/services/T0KEN" {
		t.Errorf("Slack: %s %v", q.URL, q.Header)
	}
	if err := s.Send(t.Context(), r.channel(Teams), failedRun); err != nil {
		t.Fatal(err)
	}
	var teams struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body, Actions []map[string]any
			}
		}
	}
	body = <-r.body
	if err := json.Unmarshal(body, &teams); err != nil || teams.Type != "message" || len(teams.Attachments) != 1 {
		t.Fatalf("Teams: %s %v", body, err)
	}
	card := teams.Attachments[0]
	if card.ContentType != "application/vnd.microsoft.card.adaptive" || card.Content.Type != "AdaptiveCard" || len(card.Content.Body) != 3 || card.Content.Body[0]["color"] != "Attention" || card.Content.Actions[0]["url"] != failedRun.URL {
		t.Errorf("Teams: %s", body)
	}
}

// What goes wrong is told in words, and the URL, whose path is a token, is not
// among them. Redirects are not followed.
func TestFailuresAreWordsWithoutSecrets(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		change func(*Channel)
		want   string
	}{
		"refused":    {answer: func(w http.ResponseWriter) { w.WriteHeader(404); fmt.Fprint(w, "no_service") }, want: "127.0.0.1 answered 404 (no_service)"},
		"inside":     {answer: func(w http.ResponseWriter) { w.WriteHeader(500); fmt.Fprint(w, "<b>the database password is x</b>") }, want: "127.0.0.1 answered 500"},
		"redirected": {answer: func(w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(307) }, want: "127.0.0.1 answered 307"},
		"untrusted":  {change: func(c *Channel) { c.CABundle = "" }, want: "the certificate of 127.0.0.1 is not trusted: x509: certificate signed by unknown authority"},
		"link-local": {change: func(c *Channel) { c.URL = "http://169.254.169.254/latest/T0KEN" }, want: "the address 169.254.169.254 is not one that may be called"},
		"mapped":     {change: func(c *Channel) { c.URL = "http://[::ffff:169.254.169.254]/T0KEN" }, want: "the address 169.254.169.254 is not one that may be called"},
		"closed":     {change: func(c *Channel) { c.URL = "http://127.0.0.1:1/T0KEN" }, want: "127.0.0.1 refused the connection"},
		"no URL":     {change: func(c *Channel) { c.URL = "" }, want: "the sealed address or password could not be opened: enter it again"},
		"cut":        {answer: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, want: "127.0.0.1 could not be reached: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newReceiver(t, tc.answer).channel(Slack)
			if tc.change != nil {
				tc.change(&c)
			}
			err := newSender(newOutbox()).Send(t.Context(), c, failedRun)
			if err == nil || err.Error() != tc.want || strings.Contains(err.Error(), "T0KEN") {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
	if len(elsewhere.got) > 0 {
		t.Error("a redirect was followed")
	}
}

func (m *mailbox) server() MailServer {
	return MailServer{Host: m.host, Port: m.port, Security: StartTLS, User: "hub", Password: "pa55", From: "hubwright@example.com", CABundle: m.ca}
}

var mailChannel = Channel{ID: "chn_2", Name: "Mail", Kind: Email, Address: "ana@example.com, ben@example.com", Events: []Kind{RunEnded}}

func TestMail(t *testing.T) {
	for _, tc := range []struct{ offers, login string }{{"PLAIN LOGIN", "encrypted PLAIN |hub|pa55"}, {"LOGIN", "encrypted LOGIN hub|pa55"}} {
		m := newMailbox(t, func(m *mailbox) { m.auth = tc.offers })
		o := newOutbox()
		server := m.server()
		o.mail = &server
		if err := newSender(o).Send(t.Context(), mailChannel, failedRun); err != nil {
			t.Fatal(err)
		}
		mails, seen := m.got()
		if len(mails) != 1 || len(seen) != 1 || seen[0] != tc.login {
			t.Fatalf("%q %q", mails, seen)
		}
		envelope, text, _ := strings.Cut(mails[0], "\n\n")
		if envelope != "MAIL FROM:<hubwright@example.com> BODY=8BITMIME\nRCPT TO:<ana@example.com>\nRCPT TO:<ben@example.com>" {
			t.Errorf("envelope %q", envelope)
		}
		msg, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		body, err2 := io.ReadAll(quotedprintable.NewReader(msg.Body))
		if err != nil || err2 != nil || subject != failedRun.Title || !strings.Contains(string(body), "10 of 10 cores.\n") || !strings.Contains(string(body), failedRun.URL) {
			t.Errorf("subject %q, body %q, %v %v", subject, body, err, err2)
		}
		if at, err := msg.Header.Date(); err != nil || !at.Equal(noon) || !strings.HasSuffix(msg.Header.Get("Message-ID"), "@example.com>") {
			t.Errorf("head %v %v", msg.Header, err)
		}
	}
}

// A password never goes over a line that anybody can read, and a title cannot
// add a header.
func TestMailIsCareful(t *testing.T) {
	for name, tc := range map[string]struct {
		box    func(*mailbox)
		server func(*MailServer)
		want   string
	}{
		"no STARTTLS":  {box: func(m *mailbox) { m.startTLS = false }, want: "127.0.0.1 offers no STARTTLS"},
		"plain login":  {server: func(s *MailServer) { s.Security = Plain }, want: "a password is not sent without encryption"},
		"untrusted":    {server: func(s *MailServer) { s.CABundle = "" }, want: "the certificate of 127.0.0.1 is not trusted: x509: certificate signed by unknown authority"},
		"unknown way":  {box: func(m *mailbox) { m.auth = "NTLM" }, want: `127.0.0.1 offers no login that is known here (it offers "NTLM")`},
		"wrong":        {box: func(m *mailbox) { m.auth = "LOGIN" }, server: func(s *MailServer) { s.Password = "wrong" }, want: "127.0.0.1 answered 535 no"},
		"no recipient": {box: func(m *mailbox) { m.refuse = "ben@" }, want: "127.0.0.1 answered 550 5.1.1 no such person"},
		"closed":       {server: func(s *MailServer) { s.Port = 1 }, want: "127.0.0.1 refused the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailbox(t, tc.box)
			server := m.server()
			if tc.server != nil {
				tc.server(&server)
			}
			o := newOutbox()
			o.mail = &server
			if err := newSender(o).Send(t.Context(), mailChannel, failedRun); err == nil || err.Error() != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
			if mails, seen := m.got(); len(mails) > 0 || name != "no recipient" && name != "wrong" && len(seen) > 0 {
				t.Errorf("sent all the same: %q %q", mails, seen)
			}
		})
	}
	if err := newSender(newOutbox()).Send(t.Context(), mailChannel, failedRun); err == nil || err.Error() != "no mail server is set up" {
		t.Error(err)
	}
	b, err := mailBody(Event{Title: "x\r\nBcc: eve@example.com"}, "hub@example.com", []string{"ana@example.com"}, noon)
	if head, _, _ := strings.Cut(string(b), "\r\n\r\n"); err != nil || strings.Contains(head, "\nBcc") {
		t.Errorf("%q %v", head, err)
	}
}

// TLS from the first byte, and a relay next door without a login.
func TestMailWithoutStartTLS(t *testing.T) {
	m := newMailbox(t, nil)
	relay := m.server()
	relay.Security, relay.User, relay.Password = Plain, "", ""
	o := newOutbox()
	o.mail = &relay
	if err := newSender(o).Send(t.Context(), mailChannel, failedRun); err != nil {
		t.Error(err)
	}
	if mails, seen := m.got(); len(mails) != 1 || len(seen) > 0 {
		t.Errorf("%q %q", mails, seen)
	}
}

// What cannot be sent waits longer and longer, is given up in the end, and is
// sent once when the other side is back.
func TestOutboxIsPatient(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	r := newReceiver(t, func(w http.ResponseWriter) {
		if broken.Load() {
			w.WriteHeader(503)
		}
	})
	o := newOutbox(r.channel(Webhook))
	start(t, o)
	o.post("chn_1", failedRun)
	for n := 1; n <= 3; n++ {
		until(t, fmt.Sprint("try ", n), func() bool { return o.all()[0].Tries == n })
		d := o.all()[0]
		if want := o.clock().Add(backoff[n-1]); !d.NextAt.Equal(want) || d.Error != "127.0.0.1 answered 503" {
			t.Errorf("after try %d: %+v, want %s", n, d, want)
		}
		if n < 3 {
			o.later(backoff[n-1])
		}
	}
	broken.Store(false)
	o.later(backoff[2])
	until(t, "it is sent", func() bool { return !o.all()[0].SentAt.IsZero() })
	if d := o.all()[0]; d.Error != "" || !d.NextAt.IsZero() || d.Tries != 4 || d.GaveUp() {
		t.Errorf("sent: %+v", d)
	}
	if n := len(r.body); n != 4 {
		t.Errorf("it came %d times", n)
	}
	d := Delivery{}
	for range backoff {
		d = after(d, failed("no"), noon)
	}
	if d.GaveUp() {
		t.Error("given up too early")
	}
	if d = after(d, failed("no"), noon); !d.GaveUp() {
		t.Errorf("never given up: %+v", d)
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) })
	err := newSender(newOutbox()).Send(t.Context(), r.channel(Slack), failedRun)
	if d := after(Delivery{}, err, noon); !d.NextAt.Equal(noon.Add(2*time.Minute)) || d.Error != "127.0.0.1 answered 429" {
		t.Errorf("%+v", d)
	}
}

// A channel that accepts and never answers delays no other.
func TestHangingChannelDelaysOnlyItself(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	r := newReceiver(t, nil)
	hangs := r.channel(Webhook)
	hangs.ID, hangs.URL = "chn_0", workflows.SecretRef("http://"+deaf.Addr().String())
	o := newOutbox(hangs, r.channel(Webhook))
	start(t, o)
	for range 3 {
		o.post("chn_0", failedRun)
		o.post("chn_1", failedRun)
	}
	until(t, "the others are sent", func() bool {
		n := 0
		for _, d := range o.all() {
			if !d.SentAt.IsZero() {
				n++
			}
		}
		return n == 3
	})
	for _, d := range o.all() {
		if d.ChannelID == "chn_0" && d.Tries > 0 {
			t.Errorf("tried: %+v", d)
		}
	}
}

func TestChannelsWantWhatTheyChose(t *testing.T) {
	c := Channel{Events: []Kind{RunEnded, ExpiryNear}, Deployments: []string{"dep_1"}}
	var got []bool
	for _, e := range []Event{{Kind: RunEnded, DeploymentID: "dep_1"}, {Kind: RunEnded, DeploymentID: "dep_2"}, {Kind: HealthChanged, DeploymentID: "dep_1"}, {Kind: ExpiryNear}} {
		got = append(got, c.Wants(e))
	}
	if diff := cmp.Diff([]bool{true, false, false, true}, got); diff != "" {
		t.Error(diff)
	}
}
