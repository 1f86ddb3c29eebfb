package handlers

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/connections"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Where public Azure is.
const (
	publicARM   = "https://management.azure.com"
	publicLogin = "https://login.microsoftonline.com"
)

func (s *Server) newConnection(c echo.Context) error {
	f := connections.Form{Kind: workflows.ConnectionKind(c.QueryParam("kind")), LoginEndpoint: publicLogin}
	switch f.Kind {
	case workflows.ConnectionAzure:
		f.Endpoint = publicARM
	case workflows.ConnectionDevOps:
	default:
		return workflows.ErrNotFound
	}
	return s.connectionForm(c, http.StatusOK, connections.FormProps{Form: f})
}

func (s *Server) connectionForm(c echo.Context, status int, p connections.FormProps) error {
	title := "Connect " + p.Form.Kind.Title()
	if p.Form.ID != "" {
		title = "Change " + p.Form.Name
	}
	return s.page(c, status, layout.Frame{Title: title, Active: layout.NavConnections, Body: connections.Edit(p)})
}

func readConnectionForm(c echo.Context) (connections.Form, error) {
	form, err := readForm(c)
	if err != nil {
		return connections.Form{}, err
	}
	get := func(k string) string { return strings.TrimSpace(form.Get(k)) }
	f := connections.Form{
		Version: formVersion(c), Kind: workflows.ConnectionKind(get("kind")), Name: get("name"),
		Endpoint: strings.TrimRight(get("endpoint"), "/"), LoginEndpoint: strings.TrimRight(get("login"), "/"),
		TenantID: get("tenant"), Subscription: strings.ToLower(get("subscription")), Method: workflows.AuthMethod(get("auth")), ClientID: get("client_id"),
		Expires: get("expires"), Proxy: get("proxy"), DNSServer: get("dns"),
	}
	if f.Kind != workflows.ConnectionAzure && f.Kind != workflows.ConnectionDevOps {
		return f, echo.NewHTTPError(http.StatusBadRequest)
	}
	f.CABundle, err = readBundle(c)
	return f, err
}

func (s *Server) createConnection(c echo.Context) error {
	f, err := readConnectionForm(c)
	if err != nil {
		return err
	}
	return s.saveConnection(c, f, workflows.Connection{Kind: f.Kind, CreatedBy: me(c).Name, CreatedAt: s.Clock()})
}

func (s *Server) editConnection(c echo.Context) error {
	con, err := s.readConnection(c)
	if err != nil {
		return err
	}
	f := connections.Form{
		ID: con.ID, Version: con.Version, Kind: con.Kind, Name: con.Name, Endpoint: con.Endpoint, LoginEndpoint: con.LoginEndpoint,
		TenantID: con.TenantID, Subscription: con.SubscriptionID, Method: con.Credential.Method, ClientID: con.Credential.ClientID, HasKey: true,
		CABundle: con.CABundle, Proxy: con.HTTPSProxy, DNSServer: con.DNSServer,
	}
	if f.LoginEndpoint == "" {
		f.LoginEndpoint = publicLogin
	}
	if !con.ExpiresAt.IsZero() {
		f.Expires = con.ExpiresAt.UTC().Format(time.DateOnly)
	}
	return s.connectionForm(c, http.StatusOK, connections.FormProps{Form: f})
}

func (s *Server) updateConnection(c echo.Context) error {
	con, err := s.readConnection(c)
	if err != nil {
		return err
	}
	f, err := readConnectionForm(c)
	if err != nil {
		return err
	}
	f.ID, f.Kind, f.HasKey = con.ID, con.Kind, true
	if f.Version != con.Version {
		return workflows.ErrStale
	}
	return s.saveConnection(c, f, con)
}

// saveConnection checks everything and stores the Connection. Whether it works
// is for its test to say: what it leads to may be down today.
func (s *Server) saveConnection(c echo.Context, f connections.Form, con workflows.Connection) error {
	ctx := c.Request().Context()
	key, err := readKey(c, f.Method)
	if err != nil {
		return err
	}
	errs, err := s.connectionErrors(ctx, f)
	if err != nil {
		return err
	}
	if len(errs) == 0 || ui.ErrorOf(errs, "auth") == "" {
		errs = append(errs, s.keyErrors(f.Method, con.Credential, key)...)
	}
	if len(errs) > 0 {
		return s.connectionForm(c, http.StatusUnprocessableEntity, connections.FormProps{Form: f, Errors: errs})
	}
	fillConnection(&con, f)
	if err := s.sealKey(ctx, &con.Credential, "connection", f.Method, key); err != nil {
		return err
	}
	action := audit.ConnectionChange
	if con.ID == "" {
		action = audit.ConnectionCreate
	}
	if err := s.Store.SaveConnection(ctx, &con); err != nil {
		return err
	}
	if err := s.record(c, action, con.Name, workflows.Target{}, nil); err != nil {
		return err
	}
	return see(c, "/connections/"+con.ID, ui.ToneOK, "Saved. Test it now: it takes seconds and changes nothing.")
}

func fillConnection(con *workflows.Connection, f connections.Form) {
	con.Name, con.Endpoint, con.CABundle, con.HTTPSProxy = f.Name, f.Endpoint, f.CABundle, f.Proxy
	con.LoginEndpoint, con.TenantID, con.Credential.ClientID = f.LoginEndpoint, f.TenantID, f.ClientID
	if f.Method == workflows.AuthToken {
		con.LoginEndpoint, con.TenantID, con.Credential.ClientID = "", "", ""
	}
	if f.Kind == workflows.ConnectionAzure {
		con.SubscriptionID, con.DNSServer = f.Subscription, f.DNSServer
	}
	con.ExpiresAt, _ = time.Parse(time.DateOnly, f.Expires) // zero when empty; checked before
}

func (s *Server) connectionErrors(ctx context.Context, f connections.Form) ([]workflows.FieldError, error) {
	errs := s.wayErrors(f.Proxy, f.CABundle)
	add := func(wrong bool, field, msg string) {
		if wrong {
			errs = append(errs, workflows.FieldError{Field: field, Message: msg})
		}
	}
	all, err := s.Store.Connections(ctx)
	if err != nil {
		return nil, err
	}
	msg := nameProblem(f.Name)
	add(msg != "", "name", msg)
	add(slices.ContainsFunc(all, func(x workflows.Connection) bool { return x.ID != f.ID && strings.EqualFold(x.Name, f.Name) }), "name", "Another Connection has this name already.")
	if f.Expires != "" {
		_, err := time.Parse(time.DateOnly, f.Expires)
		add(err != nil, "expires", "Give the day as 2027-01-31, or leave it empty.")
	}
	principal := f.Method == workflows.AuthCertificate || f.Method == workflows.AuthSecret
	add(!principal && (f.Kind != workflows.ConnectionDevOps || f.Method != workflows.AuthToken), "auth", "Choose how it proves itself.")
	if principal {
		add(!guidForm.MatchString(f.TenantID), "tenant", "Give the tenant's id, 32 hexadecimal digits with dashes.")
		add(!guidForm.MatchString(f.ClientID), "client_id", "Give the application (client) id, 32 hexadecimal digits with dashes.")
		add(!isSite(f.LoginEndpoint, false), "login", "Give the login endpoint, such as "+publicLogin+".")
	}
	if f.Kind == workflows.ConnectionDevOps {
		add(!isSite(f.Endpoint, true) || strings.EqualFold(f.Endpoint, "https://dev.azure.com"), "endpoint", "Give the organization as https://dev.azure.com/contoso, or a server's collection as https://devops.contoso.example/DefaultCollection.")
		return errs, nil
	}
	add(!isSite(f.Endpoint, false), "endpoint", "Give the Resource Manager's address, such as "+publicARM+".")
	add(!guidForm.MatchString(f.Subscription), "subscription", "Give the subscription's id, 32 hexadecimal digits with dashes.")
	add(f.DNSServer != "" && !isHostPort(f.DNSServer), "dns", "Give the DNS server as host:port, such as 10.0.0.53:53, or leave it empty.")
	return errs, nil
}

// isSite says whether the text is an https address, with a path or without.
func isSite(text string, path bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	return path || u.Path == ""
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, perr := strconv.Atoi(port)
	return err == nil && host != "" && perr == nil && n > 0 && n < 1<<16
}
