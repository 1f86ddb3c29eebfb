package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"hubwright/internal/notify"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func formOfChannel(ch notify.Channel) notifications.Form {
	f := notifications.Form{ID: ch.ID, Version: ch.Version, Kind: string(ch.Kind), Name: ch.Name, Address: ch.Address, HasURL: ch.URL != "", CABundle: ch.CABundle,
		Proxy: ch.HTTPSProxy, Paused: ch.Paused, Deployments: ch.Deployments}
	for _, e := range ch.Events {
		f.Events = append(f.Events, string(e))
	}
	return f
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

func knownKind(k notify.ChannelKind) bool {
	return slices.Contains([]notify.ChannelKind{notify.Webhook, notify.Slack, notify.Teams, notify.Email}, k)
}
