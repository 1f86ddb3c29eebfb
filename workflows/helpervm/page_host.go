package helpervm

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	w "hubwright/workflows"
)

var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// A page waits for the world only so long; then it opens without an answer.
const (
	scanTimeout = 3 * time.Second
	askTimeout  = 8 * time.Second
)

func (f flow) hostPage() w.Page[State] {
	known := func(pick func(k *w.HelperVM) string, usual string) func(*State) string {
		return func(s *State) string {
			if s.Known != nil && s.Known.Existing {
				if v := pick(s.Known); v != "" && v != "0" {
					return v
				}
			}
			return usual
		}
	}
	return w.Page[State]{
		ID: "host", Title: "Host", When: func(s *State) bool { return s.existing() },
		Why: "A Linux machine on amd64 that reaches the Hub. AKS Engine goes into the user's home; no root is needed.",
		Fields: []w.Field[State]{
			{Name: "address", Label: "Name or address", Kind: w.FieldText, Placeholder: "helper.example.net",
				Default: known(func(k *w.HelperVM) string { return k.Address }, ""), Observed: f.observedHostKey, Reloads: true},
			{Name: "port", Label: "SSH port", Kind: w.FieldNumber, Default: known(func(k *w.HelperVM) string { return strconv.Itoa(k.Port) }, "22")},
			{Name: "user", Label: "User", Kind: w.FieldText, Default: known(func(k *w.HelperVM) string { return k.User }, "azureuser")},
			{Name: "key", Label: "Private key", Kind: w.FieldSecretArea, Help: "OpenSSH or PEM, without passphrase. It is sealed as soon as it arrives.",
				Default: known(func(k *w.HelperVM) string { return string(k.PrivateKey) }, "")},
			{Name: "fingerprint", Label: "Expected host key", Kind: w.FieldText, Optional: true, Placeholder: "SHA256:…",
				Help: "From the host's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. When it is empty, the key of the first contact is pinned."},
			reachField(ReachDirect),
		},
		Bind: bindHost,
	}
}

// observedHostKey shows the host's key beside its address.
func (f flow) observedHostKey(ctx context.Context, s *State) string {
	if s.Address == "" || s.Port == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	_, fingerprint, err := f.ScanHostKey(ctx, s.login())
	if err != nil {
		return "No answer by SSH yet."
	}
	return "Its host key is " + fingerprint + "."
}

func bindHost(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.Address, s.User = a.Get("address"), a.Get("user")
	if _, err := netip.ParseAddr(s.Address); err != nil && (len(s.Address) > 253 || !hostName.MatchString(s.Address)) {
		s.Address = ""
		bad("address", "Give a host name or an IP address, without user, port or path.")
	}
	port, err := strconv.Atoi(a.Get("port"))
	if err != nil || port < 1 || port > 65535 {
		port = 0
		bad("port", "Give a port from 1 to 65535; SSH has 22.")
	}
	s.Port = port
	if s.User == "" || len(s.User) > 64 || strings.ContainsAny(s.User, " \t\n:@/\\'\"$") {
		bad("user", "Give the user's login name.")
	}
	s.HostKeyRef = w.SecretRef(a.Get("key"))
	if s.HostKeyRef == "" {
		bad("key", "Paste the private key with which this user logs in.")
	}
	s.Fingerprint = a.Get("fingerprint")
	if s.Fingerprint != "" && !strings.HasPrefix(s.Fingerprint, "SHA256:") {
		bad("fingerprint", fmt.Sprintf("%q is not a fingerprint; it begins with SHA256:.", clip(s.Fingerprint)))
	}
	return append(errs, bindReach(a, s)...)
}
