package handlers

import (
	"context"
	"errors"
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
		Subscription: get("subscription"), ClientID: get("client_id"), Method: workflows.AuthMethod(get("auth")),
		CABundle: get("ca"), Trust: form["trust"], Proxy: get("proxy"), AirGapped: get("air_gapped") == "yes",
		HubBuild: get("hub_build"), EndsOn: get("ends_on"),
	}
	if up, err := upload(c, "ca_file"); err != nil {
		return f, err
	} else if strings.TrimSpace(up) != "" {
		f.CABundle = strings.TrimSpace(up)
	}
	return f, nil
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
	if f.Proxy != "" {
		if p, err := url.Parse(f.Proxy); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
			add("proxy", "Give the proxy as http://host:port, or leave it empty.")
		}
	}
	if f.CABundle != "" {
		if len(f.CABundle) > longestArea {
			add("ca", "The bundle is too long: at most 64 KiB.")
		} else if _, err := s.Hubs.ReadBundle(f.CABundle); err != nil {
			add("ca", "This is not a PEM bundle: it must hold at least one BEGIN CERTIFICATE block that can be read.")
		}
	}
	return errs
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
	return stacks.Form{
		ID: st.ID, Version: st.Version, Name: st.Name, Endpoint: st.ARMEndpoint, PortalURL: st.PortalURL, Region: st.Region,
		Identity: st.Metadata.Identity, TenantID: st.TenantID, Subscription: st.SubscriptionID, ClientID: st.Credential.ClientID,
		Method: st.Credential.Method, HasKey: true, CABundle: st.CABundle, Proxy: st.HTTPSProxy, AirGapped: st.AirGapped, HubBuild: st.HubBuild, EndsOn: dateOrNone(st.Credential.EndsOn),
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
	key, keyErr := readKey(c, f)
	if keyErr != nil {
		return keyErr
	}
	errs = append(errs, s.keyErrors(f, st, key)...)
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
	if err := s.sealKey(ctx, &st, f, key); err != nil {
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
	st.Credential.EndsOn, _ = time.Parse(time.DateOnly, f.EndsOn) // it was checked; none is unknown
}

func dateOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
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
	if _, err := time.Parse(time.DateOnly, f.EndsOn); f.EndsOn != "" && err != nil {
		add("ends_on", "Give a date such as 2027-03-31, or leave it empty.")
	}
	if f.Method != workflows.AuthCertificate && f.Method != workflows.AuthSecret {
		add("auth", "Choose how the service principal logs in.")
	}
	return errs
}

// readKey is the principal's new certificate or secret, nil to keep the old one.
func readKey(c echo.Context, f stacks.Form) ([]byte, error) {
	if f.Method == workflows.AuthSecret {
		return []byte(strings.TrimSpace(c.FormValue("secret"))), nil
	}
	text := strings.TrimSpace(c.FormValue("certificate"))
	if up, err := upload(c, "certificate_file"); err != nil {
		return nil, err
	} else if strings.TrimSpace(up) != "" {
		text = strings.TrimSpace(up)
	}
	return []byte(text), nil
}

func (s *Server) keyErrors(f stacks.Form, st workflows.Stack, key []byte) []workflows.FieldError {
	field, what := "certificate", "Give the certificate and its private key as PEM."
	if f.Method == workflows.AuthSecret {
		field, what = "secret", "Give the client secret."
	}
	if len(key) == 0 {
		if st.ID != "" && st.Credential.Method == f.Method {
			return nil
		}
		return []workflows.FieldError{{Field: field, Message: what}}
	}
	if len(key) > longestArea {
		return []workflows.FieldError{{Field: field, Message: "This is too long."}}
	}
	if f.Method == workflows.AuthCertificate {
		if err := s.Hubs.CheckCertificate(key); err != nil {
			return []workflows.FieldError{{Field: field, Message: "This does not hold a certificate together with its private key, as PEM blocks one after the other."}}
		}
	}
	return nil
}

func (s *Server) sealKey(ctx context.Context, st *workflows.Stack, f stacks.Form, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	purpose := "stack.secret"
	if f.Method == workflows.AuthCertificate {
		purpose = "stack.certificate"
	}
	ref, err := s.Vault.Seal(ctx, purpose, key)
	if err != nil {
		return err
	}
	old := []workflows.SecretRef{st.Credential.Secret, st.Credential.Certificate}
	st.Credential.Method, st.Credential.Secret, st.Credential.Certificate = f.Method, "", ""
	if f.Method == workflows.AuthCertificate {
		st.Credential.Certificate = ref
	} else {
		st.Credential.Secret = ref
	}
	for _, o := range old {
		if o != "" {
			if err := s.Vault.Forget(ctx, o); err != nil && !errors.Is(err, workflows.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}
