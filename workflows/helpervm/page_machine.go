package helpervm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

var (
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
	// reserved are user names that the platform refuses for a new VM.
	reserved = []string{"root", "admin", "administrator", "user", "guest", "test", "daemon", "bin", "sys", "nobody", "console", "backup"}
)

func (f flow) machinePage() w.Page[State] {
	return w.Page[State]{
		ID: "machine", Title: "Machine", When: func(s *State) bool { return s.creates() },
		Why: "Two cores and 4 GiB are enough: the machine only talks to the Hub.",
		Fields: []w.Field[State]{
			{Name: "vm", Label: "VM name", Kind: w.FieldText, Default: func(s *State) string {
				if k := s.Known; k != nil && k.VMName != "" {
					return k.VMName
				}
				return s.base()
			}},
			{Name: "size", Label: "Size", Kind: w.FieldSelect, Default: func(*State) string { return vm.UsualSize }, Options: f.sizeOptions},
			{Name: "image", Label: "Image", Kind: w.FieldSelect, Help: "The Ubuntu images in the Hub's marketplace.",
				Placeholder: vm.UsualImage,
				Default:     func(*State) string { return vm.UsualImage }, Options: f.imageOptions},
			{Name: "user", Label: "Admin user", Kind: w.FieldText, Default: func(s *State) string {
				if k := s.Known; k != nil && !k.Existing && k.User != "" {
					return k.User
				}
				return vm.UsualUser
			}},
			{Name: "key", Label: "SSH key", Kind: w.FieldRadio, Reloads: true,
				Default: func(s *State) string {
					if s.keeps() {
						return KeyKeep
					}
					return KeyNew
				}, Options: keyOptions},
			{Name: "own", Label: "Private key", Kind: w.FieldSecretArea, Help: "OpenSSH or PEM, without passphrase; RSA of 3072 bits or more fits every image. It is sealed as soon as it arrives.",
				When: func(s *State) bool { return s.KeyKind == KeyOwn }, Optional: true},
		},
		Bind: bindMachine,
	}
}

// keeps says that the record has a key for a VM that we made.
func (s *State) keeps() bool { return s.Known != nil && !s.Known.Existing && s.Known.PrivateKey != "" }

func keyOptions(_ context.Context, s *State) ([]w.Option, error) {
	var out []w.Option
	if s.keeps() {
		out = append(out, w.Option{Value: KeyKeep, Label: "The present key", Note: "The one that the VM was made with."})
	}
	return append(out,
		w.Option{Value: KeyNew, Label: "Generate a new one", Note: "The private key never leaves Hubwright's secret store."},
		w.Option{Value: KeyOwn, Label: "My own", Note: "Paste the private key; the public one is made from it."},
	), nil
}

func (f flow) sizeOptions(ctx context.Context, s *State) ([]w.Option, error) {
	return vm.SizeOptions(ctx, f.opening(s), "too little memory for AKS Engine")
}

// imageOptions are the newest version of each Ubuntu server image.
func (f flow) imageOptions(ctx context.Context, s *State) ([]w.Option, error) {
	return vm.ImageOptions(ctx, f.opening(s))
}

func bindMachine(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) {
		if message != "" {
			errs = append(errs, w.FieldError{Field: field, Message: message})
		}
	}
	s.VM, s.Size, s.User, s.KeyKind = strings.ToLower(a.Get("vm")), a.Get("size"), a.Get("user"), a.Get("key")
	bad("vm", vm.BadName(s.VM))
	bad("size", vm.BadSize(s.Size))
	image, why := vm.ReadImage(a.Get("image"))
	bad("image", why)
	s.Image = image
	switch {
	case !userName.MatchString(s.User):
		bad("user", "Use up to 31 small letters, digits, hyphens and underscores, beginning with a letter.")
	case slices.Contains(reserved, s.User):
		bad("user", fmt.Sprintf("The platform does not allow the name %s. azureuser is usual.", s.User))
	}
	s.OwnKey = ""
	switch {
	case s.KeyKind == KeyOwn:
		s.OwnKey = w.SecretRef(a.Get("own"))
		if s.OwnKey == "" {
			bad("own", "Paste the private key.")
		}
	case s.KeyKind == KeyNew, s.KeyKind == KeyKeep && s.keeps():
	default:
		bad("key", "Choose which SSH key to use.")
	}
	return errs
}
