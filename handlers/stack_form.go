package handlers

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/problem"
	"hubwright/web/layout"
	"hubwright/web/stacks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

var guidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

var buildForm = regexp.MustCompile(`^[0-9]{4}$`)

func (s *Server) newStack(c echo.Context) error {
	return s.stackForm(c, http.StatusOK, stacks.FormProps{})
}

func (s *Server) stackForm(c echo.Context, status int, p stacks.FormProps) error {
	p.Role, p.Now = me(c).ui(), s.Clock()
	title := "Register a Stack"
	if p.Form.ID != "" {
		title = "Change " + p.Form.Name
	}
	return s.page(c, status, layout.Frame{Title: title, Active: layout.NavStacks, Body: stacks.Edit(p)})
}

func readStackForm(c echo.Context) (stacks.Form, error) {
	form, err := readForm(c)
	if err != nil {
		return stacks.Form{}, err
	}
	get := func(k string) string { return strings.TrimSpace(form.Get(k)) }
	f := stacks.Form{
		ID: get("id"), Version: formVersion(c), Name: get("name"), Endpoint: strings.TrimRight(get("endpoint"), "/"), PortalURL: get("portal"),
		Region: get("region"), Identity: workflows.IdentitySystem(get("identity")), TenantID: get("tenant"),
		Subscription: get("subscription"), ClientID: get("client_id"), SecretEnds: get("secret_ends"), Method: workflows.AuthMethod(get("auth")),
		Trust: form["trust"], Proxy: get("proxy"), AirGapped: get("air_gapped") == "yes",
		HubBuild: get("hub_build"),
	}
	f.CABundle, err = readBundle(c)
	return f, err
}

// discoverStack asks the Hub who it is, so that nobody types what it knows.
func (s *Server) discoverStack(c echo.Context) error {
	f, err := readStackForm(c)
	if err != nil {
		return err
	}
	p := stacks.FormProps{Form: f}
	if p.Errors = s.endpointErrors(f); p.Errors != nil {
		return s.stackForm(c, http.StatusUnprocessableEntity, p)
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), 3*observing)
	defer cancel()
	if p.Discovery, p.Form, err = s.discover(ctx, f); err != nil {
		p.Problem = problem.From(err)
		return s.stackForm(c, http.StatusUnprocessableEntity, p)
	}
	return s.stackForm(c, http.StatusOK, p)
}

// discover looks at the endpoint's certificates first: with an unknown CA the
// person sees whose they are and can trust one.
func (s *Server) discover(ctx context.Context, f stacks.Form) (*stacks.Discovery, stacks.Form, error) {
	chain, system, err := s.Hubs.Certificates(ctx, f.Endpoint, f.Proxy)
	if err != nil {
		return nil, f, err
	}
	f = trustChosen(f, chain)
	d := &stacks.Discovery{Chain: certList(chain), TrustedBySystem: system}
	meta, region, err := s.Hubs.Discover(ctx, f.Endpoint, f.CABundle, f.Proxy)
	if err != nil {
		if !system && f.CABundle == "" {
			return d, f, nil // the page asks whom to trust, then it is asked again
		}
		return nil, f, err
	}
	d.Metadata, d.Region, d.TrustedByBundle = meta, region, !system
	f.Region, f.Identity = region, meta.Identity
	if f.TenantID == "" {
		f.TenantID = meta.TenantID
	}
	if f.PortalURL == "" {
		f.PortalURL = strings.TrimRight(meta.PortalURL, "/")
	}
	return d, f, nil
}

// trustChosen adds the certificates that the person chose by fingerprint.
func trustChosen(f stacks.Form, chain []Certificate) stacks.Form {
	for _, cert := range chain {
		if slices.Contains(f.Trust, cert.SHA256) && !strings.Contains(f.CABundle, strings.TrimSpace(cert.PEM)) {
			f.CABundle = strings.TrimSpace(f.CABundle + "\n" + cert.PEM)
		}
	}
	return f
}

func (s *Server) endpointErrors(f stacks.Form) []workflows.FieldError {
	var errs []workflows.FieldError
	add := func(field, msg string) {
		errs = append(errs, workflows.FieldError{Field: field, Message: msg})
	}
	u, err := url.Parse(f.Endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || !strings.HasPrefix(u.Hostname(), "management.") {
		add("endpoint", "Give the tenant ARM endpoint, such as https://management.seattle.azurestack.example.com.")
	}
	return append(errs, s.wayErrors(f.Proxy, f.CABundle)...)
}

func (s *Server) createStack(c echo.Context) error {
	f, err := readStackForm(c)
	if err != nil {
		return err
	}
	return s.saveStack(c, f, workflows.Stack{CreatedBy: me(c).Name, CreatedAt: s.Clock()})
}

func (s *Server) editStack(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	return s.stackForm(c, http.StatusOK, stacks.FormProps{Form: formOf(st)})
}

func formOf(st workflows.Stack) stacks.Form {
	ends := ""
	if !st.Credential.EndsAt.IsZero() {
		ends = st.Credential.EndsAt.UTC().Format(time.DateOnly)
	}
	return stacks.Form{SecretEnds: ends,
		ID: st.ID, Version: st.Version, Name: st.Name, Endpoint: st.ARMEndpoint, PortalURL: st.PortalURL, Region: st.Region,
		Identity: st.Metadata.Identity, TenantID: st.TenantID, Subscription: st.SubscriptionID, ClientID: st.Credential.ClientID,
		Method: st.Credential.Method, HasKey: true, CABundle: st.CABundle, Proxy: st.HTTPSProxy, AirGapped: st.AirGapped, HubBuild: st.HubBuild,
	}
}

func (s *Server) updateStack(c echo.Context) error {
	st, err := s.readStack(c)
	if err != nil {
		return err
	}
	f, err := readStackForm(c)
	if err != nil {
		return err
	}
	f.ID, f.HasKey = st.ID, true
	if f.Version != st.Version {
		return workflows.ErrStale
	}
	return s.saveStack(c, f, st)
}

// saveStack checks everything, asks the Hub who it is and stores the Stack.
func (s *Server) saveStack(c echo.Context, f stacks.Form, st workflows.Stack) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 3*observing)
	defer cancel()
	p := stacks.FormProps{Form: f}
	errs := append(s.endpointErrors(f), s.principalErrors(ctx, f, st)...)
	key, keyErr := readKey(c, f.Method)
	if keyErr != nil {
		return keyErr
	}
	errs = append(errs, s.keyErrors(f.Method, st.Credential, key)...)
	if endpointBroken := len(s.endpointErrors(f)) > 0; !endpointBroken {
		var err error
		if p.Discovery, p.Form, err = s.discover(ctx, f); err != nil {
			p.Problem = problem.From(err)
		} else if p.Discovery.Region == "" {
			errs = append(errs, workflows.FieldError{Field: "trust", Message: "This server does not know who signed the Hub's certificate. Compare the fingerprints and choose whom to trust, or give a CA bundle."})
		}
	}
	if p.Errors = errs; len(errs) > 0 || p.Problem != nil {
		return s.stackForm(c, http.StatusUnprocessableEntity, p)
	}
	fill(&st, p.Form, p.Discovery.Metadata)
	if err := s.sealKey(ctx, &st.Credential, "stack", f.Method, key); err != nil {
		return err
	}
	if err := s.dateKey(&st, f, key); err != nil {
		return err
	}
	action := audit.StackChange
	if st.ID == "" {
		action = audit.StackCreate
	}
	if err := s.Store.SaveStack(ctx, &st); err != nil {
		return err
	}
	if err := s.record(c, action, st.Name, workflows.Target{StackID: st.ID}, nil); err != nil {
		return err
	}
	return see(c, "/stacks/"+st.ID, ui.ToneOK, "Saved. Test the Hub now: it takes seconds and changes nothing.")
}

func fill(st *workflows.Stack, f stacks.Form, m workflows.HubMetadata) {
	st.Name, st.ARMEndpoint, st.PortalURL, st.Region = f.Name, f.Endpoint, f.PortalURL, f.Region
	st.Metadata, st.TenantID, st.SubscriptionID = m, f.TenantID, strings.ToLower(f.Subscription)
	st.CABundle, st.HTTPSProxy, st.AirGapped = f.CABundle, f.Proxy, f.AirGapped
	st.Credential.ClientID, st.HubBuild = f.ClientID, f.HubBuild
}

func (s *Server) principalErrors(ctx context.Context, f stacks.Form, st workflows.Stack) []workflows.FieldError {
	var errs []workflows.FieldError
	add := func(field, msg string) {
		errs = append(errs, workflows.FieldError{Field: field, Message: msg})
	}
	if msg := nameProblem(f.Name); msg != "" {
		add("name", msg)
	}
	all, err := s.Store.Stacks(ctx)
	if err == nil && slices.ContainsFunc(all, func(x workflows.Stack) bool { return x.ID != st.ID && strings.EqualFold(x.Name, f.Name) }) {
		add("name", "Another Stack has this name already.")
	}
	if !guidForm.MatchString(f.Subscription) {
		add("subscription", "Give the subscription's id, 32 hexadecimal digits with dashes.")
	}
	if !guidForm.MatchString(f.ClientID) {
		add("client_id", "Give the service principal's application (client) id, 32 hexadecimal digits with dashes.")
	}
	if f.TenantID != "" && f.TenantID != "adfs" && !guidForm.MatchString(f.TenantID) {
		add("tenant", "Give the tenant's id, 32 hexadecimal digits with dashes, or leave it empty to take what the Hub says.")
	}
	if f.PortalURL != "" {
		if u, err := url.Parse(f.PortalURL); err != nil || u.Scheme != "https" || !strings.HasPrefix(u.Host, "portal.") {
			add("portal", "Give the tenant portal, such as https://portal.seattle.azurestack.example.com, or leave it empty to take what the Hub says.")
		}
	}
	if f.HubBuild != "" && !buildForm.MatchString(f.HubBuild) {
		add("hub_build", "Give the build's four digits, such as 2408, or leave it empty.")
	}
	if _, err := endDate(f.SecretEnds); f.Method == workflows.AuthSecret && err != nil {
		add("secret_ends", "Give the day as 2027-05-31, or leave it empty when you don't know it.")
	}
	if f.Method != workflows.AuthCertificate && f.Method != workflows.AuthSecret {
		add("auth", "Choose how the service principal logs in.")
	}
	return errs
}

// endDate is the end of a day; zero for no day.
func endDate(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	return t.Add(24*time.Hour - time.Second), err
}

// dateKey notes when the principal's secret or certificate ends: a certificate
// says so itself.
func (s *Server) dateKey(st *workflows.Stack, f stacks.Form, key []byte) (err error) {
	if f.Method == workflows.AuthSecret {
		st.Credential.EndsAt, err = endDate(f.SecretEnds)
	} else if len(key) > 0 {
		st.Credential.EndsAt, err = s.certificateEnds(key)
	}
	return err
}
