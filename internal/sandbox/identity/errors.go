package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// failure is an error answer of a token service.
type failure struct {
	status int
	code   string // OAuth error
	number int    // AADSTS number; 0 with AD FS
	text   string
}

// cause is what went wrong, before it is said in a service's own words.
type cause int

const (
	badRequest cause = iota
	noTenant
	missingParameter
	badGrant
	noResource
	noClient
	badSecret
	oldSecret
	badAssertion
	unknownKey
	badSignature
	oldAssertion
)

// problem says a cause in the words of the service that is played; what fills
// the message's gap.
func (s *Service) problem(c cause, what string) *failure {
	if s.cfg.System == ADFS {
		return s.msis(c, what)
	}
	return s.aadsts(c, what)
}

func (s *Service) aadsts(c cause, what string) *failure {
	f := func(status int, code string, number int, format string, a ...any) *failure {
		return &failure{status, code, number, fmt.Sprintf("AADSTS%d: ", number) + fmt.Sprintf(format, a...)}
	}
	switch c {
	case noTenant:
		return f(400, "invalid_request", 90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", what)
	case missingParameter:
		return f(400, "invalid_request", 900144, "The request body must contain the following parameter: '%s'.", what)
	case badGrant:
		return f(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'.", what)
	case noResource:
		return f(400, "invalid_resource", 500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", what, s.cfg.TenantID)
	case noClient:
		return f(400, "unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", what, s.cfg.TenantID)
	case badSecret:
		return f(401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", what)
	case oldSecret:
		return f(401, "invalid_client", 7000222, "The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", what)
	case unknownKey:
		return f(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '%s']", what)
	case badSignature:
		return f(401, "invalid_client", 700027, "Client assertion failed signature validation. [Reason - The key used to sign does not match the registered certificate of app '%s'.]", what)
	case oldAssertion:
		return f(401, "invalid_client", 700024, "Client assertion is not within its valid time range. Current time: %s.", s.cfg.Now().UTC().Format(time.RFC3339))
	case badAssertion:
		return f(401, "invalid_client", 50027, "JWT token is invalid or malformed: %s.", what)
	}
	return f(400, "invalid_request", 900432, "The request is not valid.")
}

func (s *Service) msis(c cause, what string) *failure {
	f := func(status int, code, format string, a ...any) *failure {
		return &failure{status: status, code: code, text: fmt.Sprintf(format, a...)}
	}
	switch c {
	case missingParameter:
		return f(400, "invalid_request", "MSIS9602: The received request is invalid: the parameter '%s' is missing.", what)
	case badGrant:
		return f(400, "unsupported_grant_type", "MSIS9611: The authorization server does not support the requested 'grant_type' '%s'.", what)
	case noResource:
		return f(400, "invalid_resource", "MSIS9602: The received 'resource' parameter '%s' is invalid. The authorization server can not find a registered resource with the specified identifier.", what)
	case noClient:
		return f(400, "invalid_client", "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client '%s' is found with this identifier.", what)
	case badSecret, oldSecret:
		return f(400, "invalid_client", "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid.")
	case unknownKey, badSignature:
		return f(400, "invalid_client", "MSIS9622: Client authentication failed. The client assertion is not signed with a key that is registered for the client.")
	case oldAssertion:
		return f(400, "invalid_client", "MSIS9622: Client authentication failed. The client assertion is not within its valid time range.")
	case badAssertion:
		return f(400, "invalid_client", "MSIS9622: Client authentication failed. The client assertion is not valid: %s.", what)
	}
	return f(400, "invalid_request", "MSIS9604: An error occurred. The authorization server was not able to fulfill the request.")
}

func (s *Service) fail(w http.ResponseWriter, p *failure) {
	body := map[string]any{"error": p.code, "error_description": p.text}
	if p.number != 0 {
		trace, correlation, now := newID(), newID(), s.cfg.Now().UTC()
		body["error_description"] = fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s",
			p.text, trace, correlation, now.Format("2006-01-02 15:04:05Z"))
		body["error_codes"] = []int{p.number}
		body["timestamp"] = now.Format("2006-01-02 15:04:05Z")
		body["trace_id"], body["correlation_id"] = trace, correlation
		body["error_uri"] = fmt.Sprintf("https://%s/error?code=%d", s.cfg.Host, p.number)
	}
	writeJSON(w, p.status, body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b)
}
