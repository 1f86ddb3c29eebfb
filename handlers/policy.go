package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/layout"
	"hubwright/web/stacks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (s *Server) editPolicy(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	p, err := s.Store.Policy(c.Request().Context(), st.ID)
	if err != nil {
		return err
	}
	return s.policyPage(c, http.StatusOK, stacks.PolicyProps{Stack: st, Policy: p})
}

func (s *Server) policyPage(c echo.Context, status int, p stacks.PolicyProps) error {
	p.Workflows = s.guarded()
	return s.page(c, status, layout.Frame{Title: "Approval and windows of " + p.Stack.Name, Active: layout.NavStacks, Body: stacks.PolicyForm(p)})
}

// guarded are the workflows that a Stack's policy can guard: those that change
// something on it.
func (s *Server) guarded() []workflows.Info {
	var out []workflows.Info
	for _, d := range s.Catalogue {
		if info := d.Info(); info.Scope == workflows.ScopeSite && len(info.Steps) > 0 {
			out = append(out, info)
		}
	}
	return out
}

func (s *Server) savePolicy(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	form, err := c.FormParams()
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	p, wrong := s.readPolicy(form)
	p.StackID, p.UpdatedBy, p.UpdatedAt = st.ID, me(c).Name, s.Clock()
	if len(wrong) > 0 {
		return s.policyPage(c, http.StatusUnprocessableEntity, stacks.PolicyProps{Stack: st, Policy: p, Errors: wrong})
	}
	err = s.Store.SavePolicy(c.Request().Context(), &p)
	if errors.Is(err, workflows.ErrStale) {
		return problemPage(http.StatusConflict, "Somebody else changed this in the meantime", "the policy was saved since you opened the form",
			"Open the form again: it shows what is there now.", ui.Action{Label: "Open it again", URL: "/stacks/" + st.ID + "/policy", Primary: true})
	}
	if err != nil {
		return err
	}
	var windows []string
	for _, w := range p.Windows {
		windows = append(windows, w.String())
	}
	err = s.record(c, audit.StackPolicy, st.Name, workflows.Target{StackID: st.ID}, map[string]string{
		"approval": strings.Join(p.Approval, ", "), "in-windows": strings.Join(p.Windowed, ", "), "windows": strings.Join(windows, "; "),
	})
	if err != nil {
		return err
	}
	return see(c, "/stacks/"+st.ID, ui.ToneOK, "Saved. It holds for runs that are started from now on.")
}

func (s *Server) readPolicy(form url.Values) (p workflows.Policy, wrong []workflows.FieldError) {
	p.Version, _ = strconv.Atoi(form.Get("version"))
	for _, info := range s.guarded() {
		if slices.Contains(form["approval"], info.ID) {
			p.Approval = append(p.Approval, info.ID)
		}
		if slices.Contains(form["windowed"], info.ID) {
			p.Windowed = append(p.Windowed, info.ID)
		}
	}
	p.Zone = strings.TrimSpace(form.Get("zone"))
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "" || p.Zone == "Local" {
		wrong = append(wrong, workflows.FieldError{Field: "zone", Message: "Give a time zone by its name, such as Europe/Berlin or America/Los_Angeles."})
	}
	for i := range stacks.MostWindows {
		w, errs := readWindow(form, i)
		wrong = append(wrong, errs...)
		if w.Zone = p.Zone; len(w.Days) > 0 {
			p.Windows = append(p.Windows, w)
		}
	}
	if len(p.Windowed) > 0 && len(p.Windows) == 0 {
		wrong = append(wrong, workflows.FieldError{Field: "windows.0.days", Message: "Give a window, else these workflows could never begin."})
	}
	return p, wrong
}

// readWindow reads one window of the form; one without days is none.
func readWindow(form url.Values, i int) (w workflows.Window, wrong []workflows.FieldError) {
	name := func(part string) string { return fmt.Sprintf("windows.%d.%s", i, part) }
	for d := time.Sunday; d <= time.Saturday; d++ {
		if slices.Contains(form[name("days")], strconv.Itoa(int(d))) {
			w.Days = append(w.Days, d)
		}
	}
	read := func(part string) int {
		given := strings.TrimSpace(form.Get(name(part)))
		at, err := time.Parse("15:04", given)
		if err != nil && len(w.Days) > 0 {
			wrong = append(wrong, workflows.FieldError{Field: name(part), Message: "Give a time of day, such as 22:00."})
		}
		return at.Hour()*60 + at.Minute()
	}
	w.From, w.To = read("from"), read("to")
	return w, wrong
}
