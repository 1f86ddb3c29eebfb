package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/notify"
	"hubwright/web/layout"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

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
