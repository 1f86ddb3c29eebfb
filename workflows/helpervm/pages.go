package helpervm

import (
	"context"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{f.kindPage(), f.networkPage(), f.machinePage(), f.hostPage(), f.enginePage()}
}

func (f flow) kindPage() w.Page[State] {
	return w.Page[State]{
		ID: "kind", Title: "Where AKS Engine runs",
		Why: "It needs a Linux machine that reaches the Hub. A small VM on the Hub itself is the usual choice.",
		Fields: []w.Field[State]{
			{
				Name: "kind", Label: "Machine", Kind: w.FieldRadio, Reloads: true,
				Default: func(s *State) string { return s.Kind },
				Options: fixed(
					w.Option{Value: KindCreate, Label: "Create a VM on the Hub", Note: "Linux, with its own network, a public IP and SSH keys only."},
					w.Option{Value: KindExisting, Label: "Take an existing Linux host", Note: "Any Linux on amd64 that reaches the Hub and that we reach by SSH. Nothing is installed outside the user's home, except the Hub's root certificate where sudo allows."},
				),
				Observed: func(_ context.Context, s *State) string { return s.knownInWords() },
			},
			{
				Name: "forget", Label: "Forget the pinned host key", Kind: w.FieldCheckbox, Optional: true,
				Help: "Only when the machine was really made anew: else somebody may stand between.",
				When: func(s *State) bool { return s.Known != nil && s.Known.HostKey != "" },
			},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Kind, s.Forget = a.Get("kind"), checked(a.Get("forget"))
			if s.Kind != KindCreate && s.Kind != KindExisting {
				s.Kind = KindCreate
				return []w.FieldError{{Field: "kind", Message: "Choose whether to create a VM or to take an existing host."}}
			}
			return nil
		},
	}
}

func (s *State) knownInWords() string {
	switch k := s.Known; {
	case k == nil:
		return "This site has no helper VM yet."
	case k.EngineVersion == "":
		return fmt.Sprintf("%s was begun; AKS Engine is not on it yet.", k.Address)
	default:
		return fmt.Sprintf("Now: %s with AKS Engine %s.", k.Address, k.EngineVersion)
	}
}

func (f flow) enginePage() w.Page[State] {
	return w.Page[State]{
		ID: "engine", Title: "AKS Engine",
		Why: "Each version makes certain Kubernetes versions and takes exactly one base image.",
		Fields: []w.Field[State]{
			{
				Name: "engine", Label: "Version", Kind: w.FieldSelect, Reloads: true,
				Help:    "A cluster is kept by the version that made it or a newer one. Several versions may lie side by side.",
				Default: func(*State) string { return aksengine.Default },
				Options: func(context.Context, *State) ([]w.Option, error) { return engineOptions(), nil },
				Observed: func(ctx context.Context, s *State) string {
					return f.observedBaseImage(ctx, s)
				},
			},
			{
				Name: "source", Label: "Where it comes from", Kind: w.FieldRadio,
				Default: func(s *State) string {
					if s.Stack.AirGapped {
						return SourceArchive
					}
					return SourceDownload
				},
				Options: fixed(
					w.Option{Value: SourceDownload, Label: "Download on the machine", Note: "From github.com, through the stack's proxy if it has one."},
					w.Option{Value: SourceArchive, Label: "An archive that an admin gave to Hubwright", Note: "For a Hub without a way to the internet: Hubwright uploads it over SSH."},
				),
			},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Engine, s.Source = a.Get("engine"), a.Get("source")
			var errs []w.FieldError
			if e, ok := aksengine.Find(s.Engine); ok {
				s.Engine = e.Version
			} else {
				errs = append(errs, w.FieldError{Field: "engine", Message: "Choose one of the versions in the list."})
			}
			if s.Source != SourceDownload && s.Source != SourceArchive {
				errs = append(errs, w.FieldError{Field: "source", Message: "Choose where AKS Engine comes from."})
			}
			return errs
		},
	}
}

func engineOptions() []w.Option {
	var out []w.Option
	for _, e := range aksengine.Versions() {
		out = append(out, w.Option{
			Value: e.Version, Label: e.Version,
			Note: fmt.Sprintf("Kubernetes %s; base image %s %s", strings.Join(e.Kubernetes, ", "), e.BaseImage.SKU, e.BaseImage.Version),
		})
	}
	return out
}

func (f flow) observedBaseImage(ctx context.Context, s *State) string {
	engine, ok := aksengine.Find(s.Engine)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	hub, err := f.hub(ctx, s)
	if err != nil {
		return ""
	}
	found, available, err := hub.HasImage(ctx, engine.BaseImage)
	switch {
	case err != nil:
		return ""
	case found:
		return fmt.Sprintf("%s's marketplace has its base image %s.", s.Stack.Name, engine.BaseImage.Version)
	case len(available) == 0:
		return fmt.Sprintf("%s's marketplace has no AKS base image.", s.Stack.Name)
	}
	return fmt.Sprintf("%s's marketplace has only %s.", s.Stack.Name, strings.Join(available, ", "))
}

func (f flow) hub(ctx context.Context, s *State) (Hub, error) {
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return nil, err
	}
	return f.OpenHub(ctx, stack)
}

// opening opens the Hub for what all VMs share.
func (f flow) opening(s *State) func(context.Context) (Hub, error) {
	return func(ctx context.Context) (Hub, error) { return f.hub(ctx, s) }
}

// clip keeps a long answer out of a message.
func clip(v string) string {
	if r := []rune(v); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return v
}

func fixed(options ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return options, nil }
}

func checked(v string) bool { return v == "on" || v == "true" || v == "yes" || v == "1" }
