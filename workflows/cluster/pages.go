package cluster

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{f.versionPage(), f.controlPlanePage(), f.poolsPage(), f.networkPage(), f.accessPage(), f.credentialsPage()}
}

func (f flow) versionPage() w.Page[State] {
	return w.Page[State]{
		ID: "version", Title: "Kubernetes version", Why: "The engine on the helper VM decides which versions can be made.",
		Fields: []w.Field[State]{{
			Name: "kubernetes", Label: "Kubernetes version", Kind: w.FieldSelect,
			Help:    "Each upgrade later goes one minor version further.",
			Default: func(s *State) string { return defaultVersion(s) },
			Options: func(_ context.Context, s *State) ([]w.Option, error) { return versionOptions(s), nil },
			Observed: func(_ context.Context, s *State) string {
				return fmt.Sprintf("The helper VM has AKS Engine %s. It needs the base image %s.", s.Helper.EngineVersion, s.engine().BaseImage.URN())
			},
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Version = a.Get("kubernetes")
			return nil
		},
	}
}

func defaultVersion(s *State) string {
	for _, v := range s.Helper.Kubernetes {
		if v.Default {
			return v.Version
		}
	}
	if offered := s.offered(); len(offered) > 0 {
		return offered[0]
	}
	return ""
}

func versionOptions(s *State) []w.Option {
	var out []w.Option
	for _, v := range s.offered() {
		o := w.Option{Value: v, Label: v}
		for _, k := range s.Helper.Kubernetes {
			switch {
			case k.Version != v:
			case k.Default:
				o.Note = "what the engine proposes"
			case len(k.Upgrades) == 0:
				o.Note = "the newest of this engine: upgrades need a newer engine"
			}
		}
		out = append(out, o)
	}
	return out
}

func (f flow) controlPlanePage() w.Page[State] {
	return w.Page[State]{
		ID: "controlplane", Title: "Control plane", Why: "These nodes run the API server and etcd, the cluster's memory.",
		Fields: []w.Field[State]{
			{
				Name: "masters", Label: "Control plane nodes", Kind: w.FieldRadio,
				Default: func(*State) string { return "3" },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: "3", Label: "3", Note: "One can fail, and upgrades go without an outage. What production support asks for."},
						{Value: "5", Label: "5", Note: "Two can fail. Each change waits for more nodes, so the API is a little slower."},
						{Value: "1", Label: "1", Note: "For trying out only: when this node fails or is upgraded, the cluster has no API, and when its disk is lost, the cluster is lost."},
					}, nil
				},
			},
			{
				Name: "masterSize", Label: "VM size of the control plane", Kind: w.FieldSelect,
				Help:     "etcd wants fast disks: a size with an s in its name can use premium disks.",
				Default:  func(*State) string { return defaultMasterSize },
				Options:  func(ctx context.Context, s *State) ([]w.Option, error) { return f.sizeOptions(ctx, s, masterNeeds) },
				Observed: func(ctx context.Context, s *State) string { return f.quotaSentence(ctx, s) },
			},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.MasterSize = a.Get("masterSize")
			var errs []w.FieldError
			s.MasterCount, errs = s.number(a, "masters")
			return errs
		},
	}
}

func (f flow) poolsPage() w.Page[State] {
	return w.Page[State]{
		ID: "pools", Title: "Node pools", Why: "Worker nodes run your applications. All nodes of a pool have one size.",
		Repeat: &w.Repeat[State]{
			Name: "pools", Item: "Node pool", Min: 1, Max: 10,
			Defaults: func(*State) []w.Answers {
				return []w.Answers{{"name": defaultPool, "count": "3", "size": defaultPoolSize}}
			},
		},
		Fields: []w.Field[State]{
			{Name: "name", Label: "Name", Kind: w.FieldText, Help: "At most 12 lower-case letters and digits. It becomes part of the VMs' names."},
			{Name: "count", Label: "Nodes", Kind: w.FieldNumber, Help: "Three for production: then one can be missing.", Default: func(*State) string { return "3" }},
			{
				Name: "size", Label: "VM size", Kind: w.FieldSelect, Default: func(*State) string { return defaultPoolSize },
				Options:  func(ctx context.Context, s *State) ([]w.Option, error) { return f.sizeOptions(ctx, s, poolNeeds) },
				Observed: func(ctx context.Context, s *State) string { return f.quotaSentence(ctx, s) },
			},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Pools = nil
			var errs []w.FieldError
			for i, item := range a.Items("pools") {
				prefix := "pools." + strconv.Itoa(i) + "."
				count, wrong := s.numberOf(item.Get("count"), prefix+"count")
				errs = append(errs, wrong...)
				s.Pools = append(s.Pools, w.NodePool{Name: item.Get("name"), Count: count, Size: item.Get("size")})
			}
			return errs
		},
	}
}

func (f flow) accessPage() w.Page[State] {
	return w.Page[State]{
		ID: "access", Title: "Names and access", Why: "The cluster's name in DNS and on the Hub, and who may log in to its nodes.",
		Fields: []w.Field[State]{
			{
				Name: "dnsPrefix", Label: "DNS prefix", Kind: w.FieldText,
				Help:     "The cluster's name. It becomes the first part of the API server's name and can never be changed.",
				Default:  func(s *State) string { return s.proposed() },
				Observed: func(_ context.Context, s *State) string { return "The API server will be " + s.fqdn() + "." },
				Lookup:   f.lookLabel,
			},
			{
				Name: "resourceGroup", Label: "Resource group", Kind: w.FieldText,
				Help:    "One of its own: upgrades go wrong when anything else lies in it. It is made when it is not there.",
				Default: func(s *State) string { return s.proposed() },
			},
			{Name: "adminUser", Label: "Admin user on the nodes", Kind: w.FieldText, Default: func(*State) string { return defaultUser }},
			{
				Name: "sshKey", Label: "SSH key for the nodes", Kind: w.FieldRadio, Reloads: true, Default: func(*State) string { return KeyGenerate },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: KeyGenerate, Label: "Generate a pair", Note: "The private half is kept sealed on this server."},
						{Value: KeyGiven, Label: "I have one", Note: "Give the public half; the private one stays with you."},
					}, nil
				},
			},
			{
				Name: "sshPublicKey", Label: "SSH public key", Kind: w.FieldArea, Placeholder: "ssh-rsa AAAA… ana@example",
				Help: "RSA with 2048 bits or more, in OpenSSH form.",
				When: func(s *State) bool { return s.KeyKind == KeyGiven },
			},
		},
		Bind: f.bindAccess,
	}
}

var groupForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (f flow) bindAccess(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.DNSPrefix, s.ResourceGroup, s.AdminUser, s.KeyKind = a.Get("dnsPrefix"), a.Get("resourceGroup"), a.Get("adminUser"), a.Get("sshKey")
	switch {
	case !groupForm.MatchString(s.ResourceGroup):
		bad("resourceGroup", "A resource group for a cluster has 1 to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit.")
	case strings.EqualFold(s.ResourceGroup, s.Helper.ResourceGroup):
		bad("resourceGroup", "This is the helper VM's resource group. Give the cluster one of its own: upgrades go wrong when anything else lies in it.")
	}
	if s.AdminUser == "" {
		bad("adminUser", "Give the name of the user on the nodes.")
	}
	switch s.KeyKind {
	case KeyGenerate:
		s.SSHPublicKey = ""
	case KeyGiven:
		s.SSHPublicKey = a.Get("sshPublicKey")
		if message := f.keyFault(s.SSHPublicKey); message != "" {
			bad("sshPublicKey", message)
			s.SSHPublicKey = ""
		}
	default:
		bad("sshKey", "Choose where the SSH key comes from.")
	}
	return errs
}

const minRSABits = 2048

func (f flow) keyFault(text string) string {
	if text == "" {
		return "Give the SSH public key."
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return "This is a private key. Keep it to yourself and give the public half, the line that begins with ssh-rsa."
	}
	key, err := f.ParseAuthorizedKey(text)
	switch {
	case err != nil:
		return "This is not an SSH public key in OpenSSH form: one line that begins with ssh-rsa."
	case key.Type != "ssh-rsa":
		return fmt.Sprintf("This is a key of the type %s. The Hub's images take RSA keys: make one with ssh-keygen -t rsa -b 3072.", key.Type)
	case key.Bits < minRSABits:
		return fmt.Sprintf("This RSA key has %d bits. It must have %d or more.", key.Bits, minRSABits)
	}
	return ""
}

func (f flow) credentialsPage() w.Page[State] {
	return w.Page[State]{
		ID: "credentials", Title: "Service principal", Why: "The engine logs in with it to make the cluster, and the cluster itself to make disks and load balancers.",
		Fields: []w.Field[State]{{
			Name: "principal", Label: "Service principal", Kind: w.FieldRadio, Default: func(*State) string { return "stack" },
			Options: func(_ context.Context, s *State) ([]w.Option, error) {
				return []w.Option{{Value: "stack", Label: "The one of the stack " + s.Stack.Name, Note: principalNote(s)}}, nil
			},
			Observed: func(_ context.Context, s *State) string {
				return fmt.Sprintf("Client id %s. Identity system %s (--identity-system %s), as the Hub itself says.",
					s.Stack.Credential.ClientID, s.Stack.Metadata.Identity.Title(), s.Stack.Metadata.Identity)
			},
		}},
		Bind: func(a w.Answers, _ *State) []w.FieldError {
			if a.Get("principal") != "stack" {
				return []w.FieldError{{Field: "principal", Message: "Choose the stack's service principal."}}
			}
			return nil
		},
	}
}

func principalNote(s *State) string {
	if s.Stack.Credential.Method == w.AuthCertificate {
		return "It logs in with a certificate: no secret appears on the helper VM's process list. The cluster gets a copy of the certificate."
	}
	return "It logs in with a client secret. The engine takes it only on its command line, where other users of the helper VM could see it. The cluster keeps it, so a new secret must be brought to the cluster as well."
}

// fqdn is the API server's name.
func (s *State) fqdn() string {
	return s.DNSPrefix + "." + s.Stack.CloudAppDomain()
}

func (s *State) number(a w.Answers, field string) (int, []w.FieldError) {
	return s.numberOf(a.Get(field), field)
}

// numberOf reads a whole number. What cannot be read is told once: later rules
// leave the field alone.
func (s *State) numberOf(text, field string) (int, []w.FieldError) {
	n, err := strconv.Atoi(text)
	if err == nil {
		return n, nil
	}
	if s.unreadable == nil {
		s.unreadable = map[string]bool{}
	}
	s.unreadable[field] = true
	return 0, []w.FieldError{{Field: field, Message: "Give a whole number."}}
}

// validate applies the engine's rules to the model of all answers.
func validate(s *State) []w.FieldError {
	var out []w.FieldError
	for _, v := range aksengine.Validate(s.model(), s.surroundings()) {
		e := fieldOf(v)
		if s.unreadable[e.Field] || contains(out, e) {
			continue
		}
		out = append(out, e)
	}
	return out
}

func contains(errs []w.FieldError, e w.FieldError) bool {
	for _, have := range errs {
		if have == e {
			return true
		}
	}
	return false
}
