// Package connections shows the Connections to public Azure and Azure DevOps,
// registers new ones and tests them.
package connections

import (
	"time"

	"hubwright/web/checks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one Connection of the list.
type Item struct {
	Connection workflows.Connection
	Tested     ui.Status // the newest test in one status
	At         time.Time // when it was tested, zero for not since the server started
}

// ListProps is the list of Connections.
type ListProps struct {
	Role  ui.Role
	Items []Item
	Now   time.Time
}

// Form holds the answers. In brackets: the names of the form's fields.
type Form struct {
	ID            string                   // "" for a new Connection
	Version       int                      // [version]
	Kind          workflows.ConnectionKind // [kind], chosen before the form is shown
	Name          string                   // [name]
	Endpoint      string                   // [endpoint]
	LoginEndpoint string                   // [login]
	TenantID      string                   // [tenant]
	Subscription  string                   // [subscription]
	Method        workflows.AuthMethod     // [auth]
	ClientID      string                   // [client_id]
	HasKey        bool                     // a certificate, secret or token is stored already
	Expires       string                   // [expires] 2026-12-31
	CABundle      string                   // [ca] PEM; also a file [ca_file]
	Proxy         string                   // [proxy]
	DNSServer     string                   // [dns]
	// Also sent, never shown again: [certificate] PEM text, [certificate_file],
	// [secret], [token].
}

// FormProps is the form, which posts to /connections or, with an ID, to
// /connections/:id/edit.
type FormProps struct {
	Form   Form
	Errors []workflows.FieldError
}

// ShowProps is the page of one Connection.
type ShowProps struct {
	Role        ui.Role
	Connection  workflows.Connection
	Checks      checks.Props // RunURL /connections/:id/test
	CreatedNote string
	Now         time.Time
}
