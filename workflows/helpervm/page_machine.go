package helpervm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	w "hubwright/workflows"
)

var (
	vmName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,51}[a-z0-9]$`)
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
	// reserved are user names that the platform refuses for a new VM.
	reserved = []string{"root", "admin", "administrator", "user", "guest", "test", "daemon", "bin", "sys", "nobody", "console", "backup"}
)

const (
	usualSize  = "Standard_F2"
	ubuntu     = "Canonical"
	usualOffer = "0001-com-ubuntu-server-jammy"
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
			{Name: "size", Label: "Size", Kind: w.FieldSelect, Default: func(*State) string { return usualSize }, Options: f.sizeOptions},
			{Name: "image", Label: "Image", Kind: w.FieldSelect, Help: "The Ubuntu images in the Hub's marketplace.",
				Placeholder: "Canonical:0001-com-ubuntu-server-jammy:22_04-lts:latest",
				Default:     func(*State) string { return ubuntu + ":" + usualOffer + ":22_04-lts:latest" }, Options: f.imageOptions},
			{Name: "user", Label: "Admin user", Kind: w.FieldText, Default: func(s *State) string {
				if k := s.Known; k != nil && !k.Existing && k.User != "" {
					return k.User
				}
				return "azureuser"
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
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	hub, err := f.hub(ctx, s)
	if err != nil {
		return nil, err
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sizes, func(a, b w.VMSize) int {
		if c := a.Cores - b.Cores; c != 0 {
			return c
		}
		if c := a.MemoryMB - b.MemoryMB; c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	var out []w.Option
	for _, z := range sizes {
		o := w.Option{Value: z.Name, Label: fmt.Sprintf("%s: %s, %.4g GiB", z.Name, cores(z.Cores), float64(z.MemoryMB)/1024)}
		if z.MemoryMB < 1700 {
			o.Disabled, o.Note = true, "too little memory for AKS Engine"
		}
		out = append(out, o)
	}
	return out, nil
}

// imageOptions are the newest version of each Ubuntu server image, and
// "latest" of the usual one when it is there.
func (f flow) imageOptions(ctx context.Context, s *State) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	hub, err := f.hub(ctx, s)
	if err != nil {
		return nil, err
	}
	images, err := hub.Images(ctx, ubuntu)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, &w.Problem{Code: "helper.image", What: "The Hub's marketplace has no Ubuntu image",
			Why: "The publisher Canonical has nothing there.", Fix: "Ask the Hub's operator to download Ubuntu Server 22.04 LTS, or take an existing Linux host."}
	}
	newest := map[string]w.ImageRef{}
	var order []string
	for _, i := range images {
		sku := i.Offer + ":" + i.SKU
		if _, seen := newest[sku]; !seen {
			order = append(order, sku)
		}
		newest[sku] = i
	}
	slices.Reverse(order) // the newest offers last in ARM's list
	var out []w.Option
	for _, sku := range order {
		i := newest[sku]
		always := i
		always.Version = "latest"
		out = append(out, w.Option{Value: always.URN(), Label: fmt.Sprintf("%s %s, newest (%s)", i.Offer, i.SKU, i.Version)})
	}
	return out, nil
}

func bindMachine(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.VM, s.Size, s.User, s.KeyKind = strings.ToLower(a.Get("vm")), a.Get("size"), a.Get("user"), a.Get("key")
	if !vmName.MatchString(s.VM) {
		bad("vm", "Use 2 to 53 small letters, digits and hyphens, beginning with a letter, not ending with a hyphen.")
	}
	if s.Size == "" || strings.ContainsAny(s.Size, " \t\n/") || len(s.Size) > 64 {
		bad("size", "Choose one of the Hub's VM sizes.")
	}
	image, ok := imageRef(a.Get("image"))
	if !ok {
		bad("image", "Give publisher:offer:sku:version, such as Canonical:0001-com-ubuntu-server-jammy:22_04-lts:latest.")
	}
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

func imageRef(urn string) (w.ImageRef, bool) {
	p := strings.Split(urn, ":")
	if len(p) != 4 || slices.Contains(p, "") || len(urn) > 300 || strings.ContainsAny(urn, " /?#\n") {
		return w.ImageRef{}, false
	}
	return w.ImageRef{Publisher: p[0], Offer: p[1], SKU: p[2], Version: p[3]}, true
}

func cores(n int) string {
	if n == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", n)
}
