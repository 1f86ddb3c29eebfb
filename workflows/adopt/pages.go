package adopt

import (
	"context"
	"regexp"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func pages() []w.Page[State] { return []w.Page[State]{whatPage(), keyPage()} }

func whatPage() w.Page[State] {
	return w.Page[State]{
		ID: "what", Title: "What you have of the cluster", Why: "It decides what Hubwright can do for it.",
		Fields: []w.Field[State]{{
			Name: "by", Label: "What you have", Kind: w.FieldRadio, Default: func(s *State) string { return s.By },
			Options: func(context.Context, *State) ([]w.Option, error) {
				return []w.Option{
					{Value: ByModel, Label: "The " + aksengine.OutputModel + " that AKS Engine left", Note: "Everything becomes possible: upgrade, scale, new certificates. Hubwright keeps every version of it from now on."},
					{Value: ByKubeconfig, Label: "A kubeconfig alone", Note: "Of any Kubernetes cluster. Pipelines, monitoring, applications, autoscaling and Traffic Manager work; upgrade and scale do not."},
				}, nil
			},
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.By = a.Get("by")
			if s.By != ByModel && s.By != ByKubeconfig {
				s.By = ByModel
				return []w.FieldError{{Field: "by", Message: "Choose one of the two."}}
			}
			return nil
		},
	}
}

var (
	groupName = regexp.MustCompile(`^[-\w._()]{0,89}[-\w_()]$`)
)

func keyPage() w.Page[State] {
	model := func(s *State) bool { return s.byModel() }
	kubeconfig := func(s *State) bool { return !s.byModel() }
	return w.Page[State]{
		ID: "key", Title: "The key to the cluster", Why: "It is sealed as soon as it arrives; nobody sees it again without the audit.",
		Fields: []w.Field[State]{
			{Name: "model", Label: aksengine.OutputModel, Kind: w.FieldFile, When: model, Help: "From the output folder, _output/ and the DNS prefix, of the machine where AKS Engine ran last. It holds the cluster's certificates and keys."},
			{Name: "group", Label: "Resource group", Kind: w.FieldText, Optional: true, When: model, Help: "Where the cluster's VMs are. Empty: it is named as the DNS prefix, as AKS Engine does it."},
			{Name: "kubeconfig", Label: "Kubeconfig", Kind: w.FieldSecretArea, When: kubeconfig, Help: "Of an administrator, with certificate or token in it."},
			{Name: "name", Label: "Name of the cluster", Kind: w.FieldText, When: kubeconfig, Help: "Small letters, digits and dashes."},
		},
		Bind: bindKey,
	}
}

func bindKey(a w.Answers, s *State) (errs []w.FieldError) {
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	if s.byModel() {
		s.Model, s.Group = w.SecretRef(a.Get("model")), a.Get("group")
		if s.Model == "" {
			bad("model", "Choose the file.")
		}
		if s.Group != "" && !groupName.MatchString(s.Group) {
			bad("group", "A resource group's name has letters, digits, dashes, underscores, dots and brackets, and does not end with a dot.")
		}
		return errs
	}
	s.Kubeconfig, s.Name = w.SecretRef(a.Get("kubeconfig")), a.Get("name")
	if s.Kubeconfig == "" {
		bad("kubeconfig", "Paste the kubeconfig.")
	}
	if !w.IsDNSLabel(s.Name) {
		bad("name", "Give a name of small letters, digits and dashes, at most 63 of them; it neither begins nor ends with a dash.")
	}
	return errs
}
