package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/notify"
	"hubwright/web/layout"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	shownDeliveries = 30
	testEvery       = 10 * time.Second // of one channel
	mine            = "My e-mail"
)

// testPace keeps the Test button from being a mail cannon.
type testPace struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (p *testPace) take(id string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.last[id]) < testEvery {
		return false
	}
	if p.last == nil || len(p.last) > manyMissers {
		p.last = map[string]time.Time{}
	}
	p.last[id] = now
	return true
}

func (s *Server) notifications(c echo.Context) error {
	p, err := s.notificationsProps(c)
	if err != nil {
		return err
	}
	return s.notificationsPage(c, http.StatusOK, p)
}

func (s *Server) notificationsPage(c echo.Context, status int, p notifications.Props) error {
	return s.page(c, status, layout.Frame{Title: "Notifications", Active: layout.NavNotifications, Body: notifications.Page(p)})
}

// notificationsProps is what the person may see: the own channel, and the
// team's for operators.
func (s *Server) notificationsProps(c echo.Context) (notifications.Props, error) {
	ctx := c.Request().Context()
	p := notifications.Props{Role: me(c).ui(), Now: s.Clock(), Kinds: kindChoices(), Mine: notifications.Form{Kind: string(notify.Email)}}
	var err error
	if p.Deployments, err = s.deploymentChoices(ctx); err != nil {
		return p, err
	}
	all, err := s.Store.Channels(ctx)
	if err != nil {
		return p, err
	}
	newest, err := s.Store.Deliveries(ctx, shownDeliveries)
	if err != nil {
		return p, err
	}
	for _, ch := range all {
		switch {
		case ch.Owner == me(c).Name:
			p.Mine = formOfChannel(ch)
			p.MineState = channelItem(ch, newest[ch.ID])
		case ch.Owner == "" && p.Role.Operates():
			p.Channels = append(p.Channels, channelItem(ch, newest[ch.ID]))
		}
	}
	m, err := s.Store.MailServer(ctx)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return p, err
	}
	p.HasMail = m.Host != ""
	if p.Role.Admin() {
		p.Mail = notifications.MailForm{Host: m.Host, Port: strconv.Itoa(m.Port), Security: string(m.Security), User: m.User, From: m.From, HasPassword: m.Password != "", CABundle: m.CABundle}
		if m.Host == "" {
			p.Mail.Port, p.Mail.Security = "587", string(notify.StartTLS)
		}
	}
	return p, nil
}

func kindChoices() []notifications.Kind {
	var out []notifications.Kind
	for _, k := range notify.Kinds() {
		out = append(out, notifications.Kind{ID: string(k.Kind), Title: k.Title, Help: k.Help})
	}
	return out
}

func channelItem(ch notify.Channel, list []notify.Delivery) notifications.Item {
	i := notifications.Item{ID: ch.ID, Name: ch.Name, Kind: ch.Kind.Title(), Target: ch.Address, Paused: ch.Paused, Events: len(ch.Events), Deployments: len(ch.Deployments)}
	for _, d := range list {
		i.Deliveries = append(i.Deliveries, notifications.Delivery{ID: d.ID, Title: d.Event.Title, At: d.CreatedAt, SentAt: d.SentAt, NextAt: d.NextAt, Tries: d.Tries, Error: d.Error})
	}
	return i
}

func formOfChannel(ch notify.Channel) notifications.Form {
	f := notifications.Form{ID: ch.ID, Version: ch.Version, Kind: string(ch.Kind), Name: ch.Name, Address: ch.Address, HasURL: ch.URL != "", CABundle: ch.CABundle,
		Proxy: ch.HTTPSProxy, Paused: ch.Paused, Deployments: ch.Deployments}
	for _, e := range ch.Events {
		f.Events = append(f.Events, string(e))
	}
	return f
}

func (s *Server) newChannel(c echo.Context) error {
	kind := notify.ChannelKind(c.QueryParam("kind"))
	if !knownKind(kind) {
		return workflows.ErrNotFound
	}
	f := notifications.Form{Kind: string(kind)}
	for _, k := range notify.Kinds() {
		f.Events = append(f.Events, string(k.Kind))
	}
	return s.channelPage(c, http.StatusOK, notifications.ChannelProps{Form: f})
}

func knownKind(k notify.ChannelKind) bool {
	return slices.Contains([]notify.ChannelKind{notify.Webhook, notify.Slack, notify.Teams, notify.Email}, k)
}

func (s *Server) channelPage(c echo.Context, status int, p notifications.ChannelProps) error {
	ctx := c.Request().Context()
	p.Role, p.Now, p.Kinds = me(c).ui(), s.Clock(), kindChoices()
	p.KindTitle = notify.ChannelKind(p.Form.Kind).Title()
	var err error
	if p.Deployments, err = s.deploymentChoices(ctx); err != nil {
		return err
	}
	title := "New channel"
	if p.Form.ID != "" {
		ch, err := s.Store.Channel(ctx, p.Form.ID)
		if err != nil {
			return err
		}
		newest, err := s.Store.Deliveries(ctx, shownDeliveries)
		if err != nil {
			return err
		}
		p.Item = channelItem(ch, newest[ch.ID])
		p.Own = ch.Owner != ""
		title = ch.Name
	}
	return s.page(c, status, layout.Frame{Title: title, Active: layout.NavNotifications, Body: notifications.Channel(p)})
}

// readChannel is the channel of the path, if the person may see it: the own
// one, or the team's for operators.
func (s *Server) readChannel(c echo.Context) (notify.Channel, error) {
	id, err := id(c)
	if err != nil {
		return notify.Channel{}, err
	}
	ch, err := s.Store.Channel(c.Request().Context(), id)
	if err == nil && ch.Owner != me(c).Name && (ch.Owner != "" || !me(c).Role.Allows(auth.RoleOperator)) {
		return notify.Channel{}, workflows.ErrNotFound
	}
	return ch, err
}

// mayChange says whether the person may change the channel.
func mayChange(c echo.Context, ch notify.Channel) error {
	if ch.Owner == me(c).Name || ch.Owner == "" && me(c).Role == auth.RoleAdmin {
		return nil
	}
	return problemPage(http.StatusForbidden, "Your role does not allow this", "channels of the team are changed by admins", "Ask an admin to do it.")
}

func (s *Server) channel(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	return s.channelPage(c, http.StatusOK, notifications.ChannelProps{Form: formOfChannel(ch)})
}

func (s *Server) createChannel(c echo.Context) error {
	return s.saveChannel(c, notify.Channel{CreatedBy: me(c).Name, Kind: notify.ChannelKind(c.FormValue("kind"))})
}

func (s *Server) updateChannel(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	if err := mayChange(c, ch); err != nil {
		return err
	}
	if formVersion(c) != ch.Version {
		return workflows.ErrStale
	}
	return s.saveChannel(c, ch)
}

func readChannelForm(c echo.Context, ch notify.Channel) (notifications.Form, error) {
	form, err := readForm(c)
	if err != nil {
		return notifications.Form{}, err
	}
	get := func(k string) string { return strings.TrimSpace(form.Get(k)) }
	return notifications.Form{ID: ch.ID, Version: ch.Version, Kind: string(ch.Kind), Name: get("name"), Address: get("address"), URL: get("url"), SigningKey: get("signing_key"),
		HasURL: ch.URL != "", CABundle: get("ca"), Proxy: get("proxy"), Paused: get("paused") == "yes", Events: form["events"], Deployments: form["deployments"]}, nil
}

func (s *Server) saveChannel(c echo.Context, ch notify.Channel) error {
	ctx := c.Request().Context()
	f, err := readChannelForm(c, ch)
	if err != nil {
		return err
	}
	if !knownKind(ch.Kind) {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	errs := fillChannel(&ch, f)
	if f.CABundle != "" {
		if _, err := s.Hubs.ReadBundle(f.CABundle); err != nil {
			errs = append(errs, workflows.FieldError{Field: "ca", Message: "This is not a PEM bundle with at least one certificate."})
		}
	}
	if len(errs) > 0 {
		return s.channelPage(c, http.StatusUnprocessableEntity, notifications.ChannelProps{Form: f, Errors: errs})
	}
	made, forget, err := s.sealChannel(ctx, &ch, f)
	if err != nil {
		return err
	}
	created := ch.Version == 0
	err = s.Store.SaveChannel(ctx, &ch)
	if errs := fieldErrors(err); errs != nil {
		return s.channelPage(c, http.StatusUnprocessableEntity, notifications.ChannelProps{Form: f, Errors: errs})
	}
	if err != nil {
		return err
	}
	s.forget(ctx, forget)
	if err := s.recordChannel(c, audit.ChannelSave, ch); err != nil {
		return err
	}
	s.Sender.Wake()
	if created {
		return s.channelPage(c, http.StatusCreated, notifications.ChannelProps{Form: formOfChannel(ch), Made: made, Saved: true})
	}
	return see(c, "/notifications/channels/"+ch.ID, ui.ToneOK, "Saved.")
}

func (s *Server) recordChannel(c echo.Context, action string, ch notify.Channel) error {
	return s.record(c, action, "channel "+ch.Name, workflows.Target{}, map[string]string{"id": ch.ID, "kind": string(ch.Kind), "to": ch.Address})
}

// fillChannel takes what was typed, but for secrets, and says what is wrong.
func fillChannel(ch *notify.Channel, f notifications.Form) (errs []workflows.FieldError) {
	add := func(field, msg string) { errs = append(errs, workflows.FieldError{Field: field, Message: msg}) }
	ch.Name, ch.CABundle, ch.HTTPSProxy, ch.Paused, ch.Deployments = f.Name, f.CABundle, f.Proxy, f.Paused, f.Deployments
	ch.Events = nil
	for _, k := range notify.Kinds() {
		if slices.Contains(f.Events, string(k.Kind)) {
			ch.Events = append(ch.Events, k.Kind)
		}
	}
	if msg := nameProblem(ch.Name); msg != "" {
		add("name", msg)
	}
	if len(ch.Events) == 0 {
		add("events", "Choose at least one event, or pause the channel.")
	}
	if f.Proxy != "" {
		if p, err := url.Parse(f.Proxy); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
			add("proxy", "Give the proxy as http://host:port, or leave it empty.")
		}
	}
	if ch.Kind == notify.Email {
		ch.Address = f.Address
		if msg := addressProblem(ch.Recipients()); msg != "" {
			add("address", msg)
		}
		return errs
	}
	if f.URL == "" && f.HasURL {
		return errs
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || ch.Kind != notify.Webhook) || len(f.URL) > 2000 {
		add("url", "Give the whole URL, beginning with https://.")
		return errs
	}
	ch.Address = u.Host
	return errs
}

func addressProblem(list []string) string {
	if len(list) == 0 || len(list) > 20 {
		return "Give one to twenty addresses, with commas between."
	}
	for _, a := range list {
		if got, err := mail.ParseAddress(a); err != nil || got.Address != a || len(a) > 200 {
			return "“" + ui.Short(a, 60) + "” is not an address such as ana@example.com."
		}
	}
	return ""
}

// sealChannel seals what is secret of the form. made is a signing key that was
// made for the channel, to be shown once; forget are those that are replaced.
func (s *Server) sealChannel(ctx context.Context, ch *notify.Channel, f notifications.Form) (made string, forget []workflows.SecretRef, err error) {
	put := func(ref *workflows.SecretRef, purpose, text string) {
		if text == "" || err != nil {
			return
		}
		if *ref != "" {
			forget = append(forget, *ref)
		}
		*ref, err = s.Vault.Seal(ctx, purpose, []byte(text))
	}
	if ch.Kind == notify.Email {
		return "", nil, nil
	}
	put(&ch.URL, "channel.url", f.URL)
	if ch.Kind == notify.Webhook {
		key := f.SigningKey
		if key == "" && ch.SigningKey == "" {
			raw := make([]byte, 32)
			_, _ = rand.Read(raw) // never fails
			made = hex.EncodeToString(raw)
			key = made
		}
		put(&ch.SigningKey, "channel.signing", key)
	}
	return made, forget, err
}

// forget drops secrets that nobody needs any more. One that stays is useless
// without the key.
func (s *Server) forget(ctx context.Context, refs []workflows.SecretRef) {
	for _, ref := range refs {
		if err := s.Vault.Forget(ctx, ref); err != nil && !errors.Is(err, workflows.ErrNotFound) {
			s.Log.Error("a secret could not be forgotten", "err", err)
		}
	}
}

// testChannel sends a test at once and says how it went.
func (s *Server) testChannel(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	back := "/notifications/channels/" + ch.ID
	if ch.Owner != "" {
		back = "/notifications"
	}
	if !s.tried.take(ch.ID, s.Clock()) {
		return see(c, back, ui.ToneWarn, "A test was sent a moment ago. Wait ten seconds.")
	}
	e := notify.Event{Key: "test:" + strconv.FormatInt(s.Clock().UnixNano(), 36), Kind: "test", At: s.Clock(), Title: "Test of the channel " + ch.Name,
		Text: me(c).Name + " pressed Test. Nothing happened.", URL: strings.TrimSuffix(s.PublicURL, "/") + "/notifications", Tone: notify.Info}
	if err := s.recordChannel(c, audit.ChannelTest, ch); err != nil {
		return err
	}
	if err := s.Sender.Send(c.Request().Context(), ch, e); err != nil {
		return see(c, back, ui.ToneBad, ui.Short("The test was not sent: "+err.Error()+".", 400))
	}
	return see(c, back, ui.ToneOK, "The test was taken by "+ui.Short(ch.Address, 100)+".")
}

func (s *Server) deleteChannel(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	if err := mayChange(c, ch); err != nil {
		return err
	}
	if err := s.Store.DeleteChannel(c.Request().Context(), ch.ID); err != nil {
		return err
	}
	if ch.URL != "" {
		s.forget(c.Request().Context(), []workflows.SecretRef{ch.URL})
	}
	if ch.SigningKey != "" {
		s.forget(c.Request().Context(), []workflows.SecretRef{ch.SigningKey})
	}
	if err := s.recordChannel(c, audit.ChannelDrop, ch); err != nil {
		return err
	}
	return see(c, "/notifications", ui.ToneOK, "Nothing is sent there any more.")
}

func (s *Server) retryDelivery(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(c.Param("delivery"), 10, 64)
	if err != nil {
		return workflows.ErrNotFound
	}
	if err := s.Store.RetryDelivery(c.Request().Context(), ch.ID, n); err != nil {
		return err
	}
	s.Sender.Wake()
	return see(c, "/notifications/channels/"+ch.ID, ui.ToneOK, "It is tried again now.")
}

// saveMine is the person's own e-mail.
func (s *Server) saveMine(c echo.Context) error {
	p, err := s.notificationsProps(c)
	if err != nil {
		return err
	}
	ch := notify.Channel{Kind: notify.Email, Owner: me(c).Name, CreatedBy: me(c).Name}
	if p.Mine.ID != "" {
		if ch, err = s.Store.Channel(c.Request().Context(), p.Mine.ID); err != nil {
			return err
		}
		if formVersion(c) != ch.Version {
			return workflows.ErrStale
		}
	}
	f, err := readChannelForm(c, ch)
	if err != nil {
		return err
	}
	f.Name, f.Proxy, f.CABundle = mine, "", ""
	errs := fillChannel(&ch, f)
	if len(errs) == 0 && len(ch.Recipients()) > 1 {
		errs = []workflows.FieldError{{Field: "address", Message: "Give one address: yours."}}
	}
	if len(errs) > 0 {
		p.Mine, p.MineErrors = f, errs
		return s.notificationsPage(c, http.StatusUnprocessableEntity, p)
	}
	if err := s.Store.SaveChannel(c.Request().Context(), &ch); err != nil {
		return err
	}
	if err := s.recordChannel(c, audit.ChannelSave, ch); err != nil {
		return err
	}
	return see(c, "/notifications", ui.ToneOK, "Saved. Press Test to see whether it arrives.")
}

func (s *Server) saveMailServer(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.notificationsProps(c)
	if err != nil {
		return err
	}
	old, err := s.Store.MailServer(ctx)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	get := func(k string) string { return strings.TrimSpace(c.FormValue(k)) }
	f := notifications.MailForm{Host: get("host"), Port: get("port"), Security: get("security"), User: get("user"), From: get("from"), HasPassword: old.Password != "", CABundle: get("mail_ca")}
	m, errs := mailServer(f, old)
	if f.CABundle != "" {
		if _, err := s.Hubs.ReadBundle(f.CABundle); err != nil {
			errs = append(errs, workflows.FieldError{Field: "mail_ca", Message: "This is not a PEM bundle with at least one certificate."})
		}
	}
	password := c.FormValue("password")
	if m.User != "" && password == "" && old.Password == "" {
		errs = append(errs, workflows.FieldError{Field: "password", Message: "Give the password of the login."})
	}
	if len(errs) > 0 {
		p.Mail, p.MailErrors = f, errs
		return s.notificationsPage(c, http.StatusUnprocessableEntity, p)
	}
	if password != "" && m.User != "" {
		if m.Password, err = s.Vault.Seal(ctx, "mail.password", []byte(password)); err != nil {
			return err
		}
	}
	if err := s.Store.SetMailServer(ctx, m); err != nil {
		return err
	}
	if old.Password != "" && old.Password != m.Password {
		s.forget(ctx, []workflows.SecretRef{old.Password})
	}
	if err := s.record(c, audit.MailChange, "mail server "+m.Host, workflows.Target{}, map[string]string{"security": string(m.Security), "from": m.From}); err != nil {
		return err
	}
	return see(c, "/notifications", ui.ToneOK, "Saved. Test an e-mail channel now.")
}

func mailServer(f notifications.MailForm, old notify.MailServer) (m notify.MailServer, errs []workflows.FieldError) {
	add := func(field, msg string) { errs = append(errs, workflows.FieldError{Field: field, Message: msg}) }
	m = notify.MailServer{Host: f.Host, Security: notify.Security(f.Security), User: f.User, From: f.From, CABundle: f.CABundle}
	if m.User != "" {
		m.Password = old.Password
	}
	if m.Host == "" || strings.ContainsAny(m.Host, " /:@") {
		add("host", "Give the server's name, such as mail.example.com.")
	}
	var err error
	if m.Port, err = strconv.Atoi(f.Port); err != nil || m.Port < 1 || m.Port > 65535 {
		add("port", "The port is a number from 1 to 65535.")
	}
	if !slices.Contains([]notify.Security{notify.StartTLS, notify.TLS, notify.Plain}, m.Security) {
		add("security", "Choose how mail is protected.")
	}
	if m.Security == notify.Plain && m.User != "" {
		add("security", "A password is not sent without encryption: choose STARTTLS or TLS, or leave the login empty.")
	}
	if got, err := mail.ParseAddress(m.From); err != nil || got.Address != m.From {
		add("from", "Give an address such as hubwright@example.com.")
	}
	return m, errs
}
