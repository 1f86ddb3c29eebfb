package handlers

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/live"
	"hubwright/internal/notify"
	"hubwright/store"
	"hubwright/web/announcements"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	announced   = 200 // that many are shown
	longestTold = 2000
	localTime   = "2006-01-02T15:04" // as <input type=datetime-local> writes it; in UTC
)

func (s *Server) announcements(c echo.Context) error {
	return s.announcementsPage(c, http.StatusOK, announcements.Props{Form: announcements.Form{Kind: string(store.Notice)}})
}

func (s *Server) announcementsPage(c echo.Context, status int, p announcements.Props) error {
	ctx := c.Request().Context()
	all, err := s.Store.Announcements(ctx, announced)
	if err != nil {
		return err
	}
	if p.Deployments, err = s.deploymentChoices(ctx); err != nil {
		return err
	}
	r := statusReader{s: s, now: s.Clock()}
	if err := r.read(ctx); err != nil {
		return err
	}
	p.Role, p.Now = me(c).ui(), r.now
	for _, a := range all {
		item := announcements.Item{ID: a.ID, Maintenance: a.Kind == store.Maintenance, Title: a.Title, Text: a.Text, Concerns: r.concerns(a),
			From: a.From, To: a.Ends(), By: a.CreatedBy, EndedBy: a.EndedBy, Going: a.Going(r.now)}
		if a.Over(r.now) {
			p.Archive = append(p.Archive, item)
		} else {
			p.Open = append(p.Open, item)
		}
	}
	slices.Reverse(p.Open) // what comes first first
	for _, d := range r.deployments {
		for _, site := range r.sites[d.ID] {
			p.Sites = append(p.Sites, announcements.Site{ID: site.ID, Deployment: d.Name, Name: site.Name})
		}
	}
	title := "Announcements"
	if p.Form.ID != "" {
		title = p.Form.Title
	}
	return s.page(c, status, layout.Frame{Title: title, Active: layout.NavStatus, Body: announcements.Page(p)})
}

func (s *Server) deploymentChoices(ctx context.Context) ([]ui.Choice, error) {
	all, err := s.Store.Deployments(ctx)
	var out []ui.Choice
	for _, d := range all {
		out = append(out, ui.Choice{Value: d.ID, Label: d.Name})
	}
	return out, err
}

func (s *Server) announcement(c echo.Context) error {
	a, err := s.readAnnouncement(c)
	if err != nil {
		return err
	}
	f := announcements.Form{ID: a.ID, Version: a.Version, Kind: string(a.Kind), Title: a.Title, Text: a.Text, Deployment: a.DeploymentID, Sites: a.Sites, From: a.From.UTC().Format(localTime)}
	if !a.To.IsZero() {
		f.To = a.To.UTC().Format(localTime)
	}
	return s.announcementsPage(c, http.StatusOK, announcements.Props{Form: f})
}

func (s *Server) readAnnouncement(c echo.Context) (store.Announcement, error) {
	id, err := id(c)
	if err != nil {
		return store.Announcement{}, err
	}
	return s.Store.Announcement(c.Request().Context(), id)
}

func (s *Server) createAnnouncement(c echo.Context) error {
	return s.saveAnnouncement(c, store.Announcement{CreatedBy: me(c).Name})
}

func (s *Server) updateAnnouncement(c echo.Context) error {
	a, err := s.readAnnouncement(c)
	if err != nil {
		return err
	}
	if formVersion(c) != a.Version || a.Over(s.Clock()) {
		return workflows.ErrStale
	}
	return s.saveAnnouncement(c, a)
}

func (s *Server) saveAnnouncement(c echo.Context, a store.Announcement) error {
	ctx := c.Request().Context()
	form, err := readForm(c)
	if err != nil {
		return err
	}
	f := announcements.Form{ID: a.ID, Version: a.Version, Kind: form.Get("kind"), Title: strings.TrimSpace(form.Get("title")), Text: strings.TrimSpace(form.Get("text")),
		Deployment: form.Get("deployment"), Sites: form["sites"], From: form.Get("from"), To: form.Get("to")}
	errs := fillAnnouncement(&a, f, s.Clock())
	if e, err := s.whomItConcerns(ctx, &a); err != nil {
		return err
	} else if e != nil {
		errs = append(errs, *e)
	}
	if len(errs) > 0 {
		return s.announcementsPage(c, http.StatusUnprocessableEntity, announcements.Props{Form: f, Errors: errs})
	}
	if err := s.Store.SaveAnnouncement(ctx, &a); err != nil {
		return err
	}
	if err := s.record(c, audit.Announce, a.Title, workflows.Target{DeploymentID: a.DeploymentID}, map[string]string{"kind": string(a.Kind), "from": f.From, "to": f.To}); err != nil {
		return err
	}
	if err := s.tellAnnounced(ctx, a); err != nil {
		return err
	}
	s.Live.Notify(live.Status)
	return see(c, "/announcements", ui.ToneOK, "It is on the status page.")
}

// fillAnnouncement takes what was typed and says what is wrong with it.
func fillAnnouncement(a *store.Announcement, f announcements.Form, now time.Time) (errs []workflows.FieldError) {
	add := func(field, msg string) { errs = append(errs, workflows.FieldError{Field: field, Message: msg}) }
	a.Kind, a.Title, a.Text, a.DeploymentID, a.Sites = store.AnnouncementKind(f.Kind), f.Title, f.Text, f.Deployment, f.Sites
	if a.Kind != store.Notice && a.Kind != store.Maintenance {
		add("kind", "Choose what it is.")
	}
	switch {
	case a.Title == "":
		add("title", "Give it a title.")
	case utf8.RuneCountInString(a.Title) > 120:
		add("title", "The title is too long: at most 120 characters.")
	case strings.ContainsFunc(a.Title, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }):
		add("title", "The title holds characters that cannot be shown.")
	}
	if len(a.Text) > longestTold {
		add("text", "The text is too long: at most 2,000 letters.")
	}
	var err error
	if a.From, err = time.Parse(localTime, f.From); err != nil {
		a.From = now.UTC()
		if f.From != "" {
			add("from", "Give day and time, in UTC.")
		}
	}
	a.To = time.Time{}
	if f.To != "" {
		if a.To, err = time.Parse(localTime, f.To); err != nil {
			add("to", "Give day and time, in UTC.")
		} else if !a.To.After(a.From) || !a.To.After(now) {
			add("to", "It has to end after it begins, and not in the past.")
		}
	} else if a.Kind == store.Maintenance {
		add("to", "Say when the maintenance ends: until then an outage is not called one.")
	}
	return errs
}

// whomItConcerns settles Deployment and Sites: Sites of one Deployment name
// that.
func (s *Server) whomItConcerns(ctx context.Context, a *store.Announcement) (*workflows.FieldError, error) {
	if a.DeploymentID != "" {
		if _, err := s.Store.Deployment(ctx, a.DeploymentID); err != nil {
			return nil, err
		}
	}
	for _, id := range a.Sites {
		site, err := s.Store.Site(ctx, id)
		if err != nil {
			return nil, err
		}
		if a.DeploymentID == "" {
			a.DeploymentID = site.DeploymentID
		}
		if site.DeploymentID != a.DeploymentID {
			return &workflows.FieldError{Field: "sites", Message: "Choose Sites of one Deployment. For others make another announcement."}, nil
		}
	}
	return nil, nil
}

// tellAnnounced lets the channels know.
func (s *Server) tellAnnounced(ctx context.Context, a store.Announcement) error {
	e := notify.Event{Key: "announcement:" + a.ID + ":" + a.From.UTC().Format(localTime) + a.To.UTC().Format(localTime) + a.Title, Kind: notify.Announced, At: s.Clock(), Title: a.Title, Text: a.Text,
		DeploymentID: a.DeploymentID, URL: strings.TrimSuffix(s.PublicURL, "/") + "/announcements", Tone: notify.Info,
		Facts: []notify.Fact{{Label: "From", Value: ui.At(a.From)}}}
	if !a.To.IsZero() {
		e.Facts = append(e.Facts, notify.Fact{Label: "To", Value: ui.At(a.To)})
	}
	if a.Kind == store.Maintenance {
		e.Title = "Scheduled maintenance: " + a.Title
	}
	n, err := s.Store.Post(ctx, e)
	if n > 0 {
		s.Sender.Wake()
	}
	return err
}

func (s *Server) endAnnouncement(c echo.Context) error {
	a, err := s.readAnnouncement(c)
	if err != nil {
		return err
	}
	if a.Over(s.Clock()) {
		return see(c, "/announcements", ui.ToneOK, "It was over already.")
	}
	a.EndedAt, a.EndedBy = s.Clock(), me(c).Name
	if err := s.Store.SaveAnnouncement(c.Request().Context(), &a); err != nil {
		return err
	}
	if err := s.record(c, audit.AnnounceStop, a.Title, workflows.Target{DeploymentID: a.DeploymentID}, nil); err != nil {
		return err
	}
	s.Live.Notify(live.Status)
	return see(c, "/announcements", ui.ToneOK, "It is over, and in the archive.")
}
