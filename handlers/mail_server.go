package handlers

import (
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/notify"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

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
