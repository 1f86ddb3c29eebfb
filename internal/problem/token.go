package problem

import (
	"regexp"
	"strings"

	"hubwright/workflows"
)

var aadsts = regexp.MustCompile(`AADSTS(\d{4,7})`)

const (
	fixSecret = "Make a new client secret for the service principal, give it to the stack, and test the stack. A certificate, which is offered first, lasts longer."
	fixTenant = "Compare the tenant of the stack with the one in the user portal (Properties of the directory), and with the app registration."
)

// tokenCodes is by the number behind AADSTS.
var tokenCodes = map[string]words{
	"7000215": {what: "The client secret is wrong", why: "The token service does not accept it: it was mistyped, replaced, or the secret's id was given in place of its value.", fix: fixSecret},
	"7000222": {what: "The client secret has expired", why: "Secrets of service principals end after a year unless another time was chosen.", fix: fixSecret},
	"700016":  {what: "The service principal is not known in this tenant", why: "The client id is wrong, or the app registration is in another tenant.", fix: "Compare the client id with the app registration. " + fixTenant},
	"700027":  {what: "The client certificate is not accepted", why: "Its signature or key is not the one that is registered with the service principal.", fix: "Register this certificate with the service principal, or give the stack the registered one with its private key."},
	"7000214": {what: "The client certificate is not accepted", why: "It is not registered with the service principal.", fix: "Register this certificate with the service principal, or give the stack the registered one with its private key."},
	"7000112": {what: "The service principal is disabled", why: "Its app registration was disabled in the tenant.", fix: "Enable the app registration, or give the stack another service principal."},
	"90002":   {what: "The tenant is not known", why: "The token service has no tenant of that id or name.", fix: fixTenant},
	"900023":  {what: "The tenant is not known", why: "The tenant's id is neither a GUID nor a domain.", fix: fixTenant},
	"500011":  {what: "The tenant does not know this stamp", why: "The stamp's Resource Manager is registered in another tenant than the one that was asked.", fix: fixTenant},
	"500133":  {what: "The clock of this server is wrong", why: "The login was refused because its time is outside the allowed range.", fix: "Correct the clock (NTP), then try again."},
	"700024":  {what: "The clock of this server is wrong", why: "The signed login is not within its valid time.", fix: "Correct the clock (NTP), then try again."},
	"53003":   {what: "A conditional access rule blocks the login", why: "The tenant allows this service principal from certain places only.", fix: "Ask the tenant's administrator to allow this server's address for the service principal."},
}

var msis = regexp.MustCompile(`MSIS(\d{4})`)

// adfsCodes is by the number behind MSIS.
var adfsCodes = map[string]words{
	"9607": {what: "The service principal is not known to AD FS", why: "The client id is wrong, or its application was removed from AD FS.", fix: "Compare the client id with the application group in AD FS (Get-AdfsServerApplication), or ask the stamp's operator to make the service principal again."},
	"9622": {what: "AD FS does not accept the service principal's secret or certificate", why: "It is not, or no longer, the one that is registered with the client id; the operator may have replaced it.", fix: "Ask the stamp's operator for the present secret or certificate of the service principal, give it to the stack, and test the stack."},
	"9604": {what: "AD FS could not answer", why: "It had an error inside.", fix: "Ask the stamp's operator to look at AD FS; then try again."},
}

var oauthCodes = []struct {
	code string
	words
}{
	{"invalid_client", words{what: "The service principal's login is not accepted", why: "Client id, secret or certificate do not belong together.", fix: "Check client id and secret or certificate of the stack; with AD FS, that the application group knows them. " + fixSecret}},
	{"unauthorized_client", words{what: "The service principal is not known here", why: "The token service does not know the client id, or does not allow it this way to log in.", fix: "Compare the client id with the app registration, and the identity system of the stack with the stamp's."}},
	{"invalid_resource", words{what: "The token service does not know this stamp", why: "It does not issue tokens for the stamp's audience.", fix: fixTenant}},
	{"invalid_scope", words{what: "The token service does not know this stamp", why: "It does not issue tokens for the stamp's audience.", fix: fixTenant}},
	{"invalid_grant", words{what: "The login was refused", why: "The token service does not accept what was given.", fix: "Check the service principal of the stack, then test the stack."}},
}

// fromToken finds a token service's error in text.
func fromToken(text string) (*workflows.Problem, bool) {
	if text == "" {
		return nil, false
	}
	if m := aadsts.FindStringSubmatch(text); m != nil {
		w, ok := tokenCodes[m[1]]
		if !ok {
			w = words{what: "The token service refused the login", why: sentence(firstLine(after(text, m[0]))), fix: "Look the code up in the list of AADSTS errors, correct the service principal, then test the stack."}
		}
		p := w.as("token."+m[0], clip(text))
		p.Link = "https://login.microsoftonline.com/error?code=" + m[1]
		return p, true
	}
	if m := msis.FindStringSubmatch(text); m != nil {
		if w, ok := adfsCodes[m[1]]; ok {
			return w.as("token."+m[0], clip(text)), true
		}
	}
	for _, o := range oauthCodes {
		if strings.Contains(text, o.code) {
			return o.as("token."+o.code, clip(text)), true
		}
	}
	return nil, false
}

func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	return mark + rest
}

// tokenText is the text of a document in the form of OAuth 2 errors, where
// "error" is a string rather than an object.
func tokenText(doc any) string {
	m, ok := doc.(map[string]any)
	if !ok {
		return ""
	}
	code, ok := m["error"].(string)
	if !ok {
		return ""
	}
	text, _ := m["error_description"].(string)
	return strings.TrimSpace(code + ": " + text)
}
