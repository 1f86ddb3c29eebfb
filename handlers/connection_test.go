package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

// connectionRig is the status rig with an admin and a vault.
func connectionRig(t *testing.T) (*statusRig, *secrets.Vault) {
	r := newStatusRig(t)
	r.join(auth.RoleAdmin)
	key, err := secrets.LoadOrCreateKey(filepath.Join(t.TempDir(), "key"))
	r.ok(err)
	vault, err := secrets.New(key, r.db)
	r.ok(err)
	r.handler.Vault, r.handler.Hubs, r.handler.Connections = vault, noHubs{}, answers{}
	return r, vault
}

type noHubs struct{ Hubs }

func (noHubs) ReadBundle(pem string) ([]Certificate, error) {
	if !strings.Contains(pem, "BEGIN CERTIFICATE") {
		return nil, errors.New("nothing in it")
	}
	return []Certificate{{}}, nil
}

func (noHubs) CheckCertificate([]byte) error { return nil }

// answers says how the token ends, so that a test sees what was sent.
type answers struct{}

func (answers) Checks(workflows.ConnectionKind) []workflows.CheckInfo {
	return []workflows.CheckInfo{{ID: "login", Title: "It lets us in", Severity: workflows.SeverityBlock}}
}

func (answers) Test(_ context.Context, c workflows.Connection) []workflows.CheckResult {
	return []workflows.CheckResult{{CheckID: "login", Finding: workflows.Passed("Hello from " + c.Endpoint)}}
}

func devOpsForm() url.Values {
	return url.Values{"kind": {"azure_devops"}, "name": {"Contoso DevOps"}, "endpoint": {"https://dev.azure.com/contoso/"}, "auth": {"personal_access_token"},
		"token": {"pat-0123456789"}, "expires": {"2027-01-31"}, "proxy": {"http://127.0.0.1:18080"}, "tenant": {"left over"}}
}

func TestConnectionIsRegisteredTestedAndChanged(t *testing.T) {
	r, vault := connectionRig(t)
	w := r.do(auth.RoleAdmin, http.MethodPost, "/connections", devOpsForm())
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/connections/con_") {
		t.Fatalf("registering answered %d %s: %s", w.Code, at, w.Body)
	}
	con := only(t, r.db)
	if con.Endpoint != "https://dev.azure.com/contoso" || con.TenantID != "" || con.ExpiresAt.Format("2006-01-02") != "2027-01-31" || con.CreatedBy != "person-admin" {
		t.Errorf("stored %+v", con)
	}
	if got := unsealed(t, vault, con.Credential.Secret); got != "pat-0123456789" {
		t.Errorf("sealed %q", got)
	}

	r.answers(r.do(auth.RoleOperator, http.MethodPost, at+"/test", url.Values{}), http.StatusSeeOther)
	if page := r.get(auth.RoleViewer, at); !strings.Contains(page, "Hello from https://dev.azure.com/contoso") {
		t.Error("the page does not tell of the test")
	}
	if page := r.get(auth.RoleAdmin, at+"/edit"); strings.Contains(page, "pat-0123456789") || !strings.Contains(page, "2027-01-31") {
		t.Error("the form shows the token, or not the answers")
	}

	f := devOpsForm()
	f.Set("version", "1")
	f.Set("token", "")
	f.Set("name", "Contoso")
	r.answers(r.do(auth.RoleAdmin, http.MethodPost, at+"/edit", f), http.StatusSeeOther)
	changed := only(t, r.db)
	if changed.Name != "Contoso" || changed.Credential.Secret != con.Credential.Secret {
		t.Errorf("the change made %+v of %+v", changed, con)
	}
	if page := r.get(auth.RoleViewer, at); strings.Contains(page, "Hello from") {
		t.Error("a test of the former settings is shown for the new ones")
	}
	r.answers(r.do(auth.RoleAdmin, http.MethodPost, at+"/edit", f), http.StatusConflict)

	f.Set("version", "2")
	f.Set("token", "pat-new")
	r.answers(r.do(auth.RoleAdmin, http.MethodPost, at+"/edit", f), http.StatusSeeOther)
	if got := unsealed(t, vault, only(t, r.db).Credential.Secret); got != "pat-new" {
		t.Errorf("sealed %q", got)
	}
	if _, err := vault.Open(t.Context(), con.Credential.Secret); err == nil {
		t.Error("the former token is kept")
	}
	recorded(t, r.db, audit.ConnectionCreate, audit.ConnectionTest, audit.ConnectionChange, audit.ConnectionChange)
}

func TestConnectionFormSaysWhatIsWrong(t *testing.T) {
	r, _ := connectionRig(t)
	const guid = "9b0f3a54-7c1d-4d27-8a5e-1c2d3e4f5a6b"
	azure := func() url.Values {
		return url.Values{"kind": {"azure"}, "name": {"Azure"}, "endpoint": {"https://management.azure.com"}, "login": {"https://login.microsoftonline.com"},
			"tenant": {guid}, "subscription": {guid}, "client_id": {guid}, "auth": {"client_secret"}, "secret": {"s"}}
	}
	for name, c := range map[string]struct {
		form         url.Values
		field, value string
	}{
		"no name":              {devOpsForm(), "name", ""},
		"plain http":           {devOpsForm(), "endpoint", "http://devops.test/x"},
		"no organization":      {devOpsForm(), "endpoint", "https://dev.azure.com"},
		"no token":             {devOpsForm(), "token", ""},
		"no day":               {devOpsForm(), "expires", "soon"},
		"no proxy":             {devOpsForm(), "proxy", "proxy:8080"},
		"no bundle":            {devOpsForm(), "ca", "hello"},
		"no way":               {devOpsForm(), "auth", "password"},
		"a token for azure":    {azure(), "auth", "personal_access_token"},
		"no subscription":      {azure(), "subscription", "x"},
		"no tenant":            {azure(), "tenant", "contoso"},
		"no principal":         {azure(), "client_id", ""},
		"no secret":            {azure(), "secret", ""},
		"no login":             {azure(), "login", "login.microsoftonline.com"},
		"an address with path": {azure(), "endpoint", "https://management.azure.com/x"},
		"no dns server":        {azure(), "dns", "10.0.0.53"},
	} {
		t.Run(name, func(t *testing.T) {
			c.form.Set(c.field, c.value)
			w := r.do(auth.RoleAdmin, http.MethodPost, "/connections", c.form)
			if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `href="#f-`+c.field+`"`) {
				t.Errorf("answered %d without a word at %s", w.Code, c.field)
			}
		})
	}
	if all, err := r.db.Connections(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("stored %v, %v", all, err)
	}
	for role, want := range map[auth.Role]int{auth.RoleOperator: http.StatusForbidden, auth.RoleViewer: http.StatusForbidden} {
		r.answers(r.do(role, http.MethodPost, "/connections", devOpsForm()), want)
	}
}

func only(t *testing.T, db *store.DB) workflows.Connection {
	t.Helper()
	all, err := db.Connections(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d Connections, %v", len(all), err)
	}
	return all[0]
}

func unsealed(t *testing.T, v *secrets.Vault, ref workflows.SecretRef) string {
	t.Helper()
	plain, err := v.Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// recorded wants these events of Connections, oldest first.
func recorded(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	events, err := db.AuditEvents(t.Context(), store.AuditFilter{Action: "connection."})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range slices.Backward(events) {
		got = append(got, e.Action)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// answers wants that status.
func (r *statusRig) answers(w *httptest.ResponseRecorder, status int) {
	r.t.Helper()
	if w.Code != status {
		r.t.Fatalf("answered %d, not %d: %s", w.Code, status, w.Body)
	}
}
