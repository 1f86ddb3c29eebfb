package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/notify"
	"hubwright/web/layout"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	shownDeliveries = 30
	mine            = "My e-mail"
)

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
