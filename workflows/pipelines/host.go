package pipelines

import (
	"cmp"
	"context"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	w "hubwright/workflows"
)

const scanTimeout = 3 * time.Second

var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func (f flow) hostPage() w.Page[State] {
	return w.Page[State]{
		ID: "host", Title: "The agent's host", Why: "A Linux machine on amd64 that reaches the Hub and the cluster's API. The agent goes into the user's home.",
		When: func(s *State) bool { return s.setsUp() && s.Where == WhereHost },
		Fields: []w.Field[State]{
			{Name: "address", Label: "Name or address of the host", Kind: w.FieldText, Observed: f.observedHostKey, Reloads: true, Default: func(s *State) string { return s.Before.AgentHost.Address }},
			{Name: "port", Label: "SSH port", Kind: w.FieldNumber, Default: func(s *State) string { return strconv.Itoa(cmp.Or(s.Before.AgentHost.Port, 22)) }},
			{Name: "user", Label: "User", Kind: w.FieldText, Help: "The agent runs as this user, who should not be root.", Default: func(s *State) string { return cmp.Or(s.Before.AgentHost.User, "azureuser") }},
			{Name: "key", Label: "Private key", Kind: w.FieldSecretArea, Help: "OpenSSH or PEM, without passphrase. It is sealed as soon as it arrives.", Default: func(s *State) string { return string(s.Before.AgentHost.PrivateKey) }},
			{Name: "fingerprint", Label: "Expected host key", Kind: w.FieldText, Optional: true, Placeholder: "SHA256:…", Help: "From the host's own console. When it is empty, the key of the first contact is pinned."},
		},
		Bind: bindHost,
	}
}

func bindHost(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	h := w.HostLogin{Address: a.Get("address"), User: a.Get("user"), PrivateKey: w.SecretRef(a.Get("key"))}
	if _, err := netip.ParseAddr(h.Address); err != nil && (len(h.Address) > 253 || !hostName.MatchString(h.Address)) {
		h.Address = ""
		bad("address", "Give a host name or an IP address, without user, port or path.")
	}
	port, err := strconv.Atoi(a.Get("port"))
	if err != nil || port < 1 || port > 65535 {
		port = 0
		bad("port", "Give a port from 1 to 65535; SSH has 22.")
	}
	h.Port = port
	if h.User == "" || len(h.User) > 64 || strings.ContainsAny(h.User, " \t\n:@/\\'\"$") {
		bad("user", "Give the user's login name.")
	}
	if h.PrivateKey == "" {
		bad("key", "Paste the private key with which this user logs in.")
	}
	if s.Print = a.Get("fingerprint"); s.Print != "" && !strings.HasPrefix(s.Print, "SHA256:") {
		bad("fingerprint", "A fingerprint begins with SHA256:.")
	}
	if b := s.Before.AgentHost; b.Address == h.Address && b.Port == h.Port {
		h.HostKey = b.HostKey
	}
	s.Host = h
	return errs
}

// observedHostKey shows the host's key beside its address.
func (f flow) observedHostKey(ctx context.Context, s *State) string {
	if s.Host.Address == "" || s.Host.Port == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	_, fingerprint, err := f.ScanHostKey(ctx, Target{Host: s.Host.Address, Port: s.Host.Port, User: s.Host.User})
	if err != nil {
		return "No answer by SSH yet."
	}
	return "Its host key is " + fingerprint + "."
}

// target is the SSH login without its key.
func (s *State) target() Target {
	t := Target{Host: s.Host.Address, Port: s.Host.Port, User: s.Host.User, HostKey: s.Host.HostKey}
	if s.Host.ViaProxy {
		t.Proxy = s.Proxy
	}
	return t
}

// openHost logs in to the agent's host. A host that is met for the first time
// is held to the expected fingerprint, and to this key from then on.
func (f flow) openHost(ctx context.Context, s *State) (Host, error) {
	if s.Where == WhereVM {
		return f.OpenHelper(ctx, s.SiteID)
	}
	key, err := f.Vault.Open(ctx, s.Host.PrivateKey)
	if err != nil {
		return nil, err
	}
	t := s.target()
	t.PrivateKey = key
	if t.HostKey == "" {
		shown, fingerprint, err := f.ScanHostKey(ctx, t)
		if err != nil {
			return nil, err
		}
		if s.Print != "" && s.Print != fingerprint {
			return nil, &w.Problem{Code: "ssh.hostkey", What: "The host shows another key than expected", Why: "it shows " + fingerprint + ", not " + s.Print,
				Fix: "Compare the fingerprint on the host's own console. Go on only when it is right: somebody may stand between."}
		}
		t.HostKey, s.Host.HostKey = shown, shown
	}
	return f.Dial(ctx, t)
}
