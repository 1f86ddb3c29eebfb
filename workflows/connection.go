package workflows

import "time"

// ConnectionKind says what a Connection leads to.
type ConnectionKind string

// The kinds of Connections.
const (
	ConnectionAzure  ConnectionKind = "azure"        // public Azure: Traffic Manager, Log Analytics
	ConnectionDevOps ConnectionKind = "azure_devops" // an Azure DevOps organization, or a collection of a server on premises
)

// Title is the name that people use for what the Connection leads to.
func (k ConnectionKind) Title() string {
	if k == ConnectionDevOps {
		return "Azure DevOps"
	}
	return "Azure"
}

// AuthToken is a personal access token of Azure DevOps; it is in
// Credential.Secret, and there is no ClientID.
const AuthToken AuthMethod = "personal_access_token"

// Connection is credentials for public Azure or for an Azure DevOps
// organization.
type Connection struct {
	ID             string
	Name           string
	Kind           ConnectionKind
	Endpoint       string // https://management.azure.com, or https://dev.azure.com/<organization>
	LoginEndpoint  string // https://login.microsoftonline.com; "" with a personal access token
	TenantID       string // with a service principal
	SubscriptionID string // with ConnectionAzure
	Credential     Credential
	ExpiresAt      time.Time // of the secret, as the person said; zero when unknown
	CABundle       string    // PEM of the roots to trust besides the system's
	HTTPSProxy     string    // http://host:port, or "" for a direct way
	DNSServer      string    // host:port that answers for names in public Azure; "" asks the machine's own
	CreatedAt      time.Time
	CreatedBy      string
	Version        int // grows with each save; a save with an old one is refused
}

// ConnectionOptions offers the Connections of one kind.
func ConnectionOptions(all []Connection, kind ConnectionKind, now time.Time) []Option {
	var out []Option
	for _, c := range all {
		if c.Kind != kind {
			continue
		}
		o := Option{Value: c.ID, Label: c.Name, Note: c.Endpoint}
		if !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt) {
			o.Disabled, o.Note = true, "What proves it has expired: edit the Connection."
		}
		out = append(out, o)
	}
	return out
}
