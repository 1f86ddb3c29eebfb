package pipelines

import (
	"strconv"

	w "hubwright/workflows"
)

func accessFields() []w.Field[State] {
	account := func(s *State) bool { return s.usesAccount() }
	def := func(v string) func(*State) string { return func(*State) string { return v } }
	or := func(had func(*State) string, v string) func(*State) string {
		return func(s *State) string {
			if x := had(s); x != "" {
				return x
			}
			return v
		}
	}
	return []w.Field[State]{
		{Name: "name", Label: "Name of the service connection", Kind: w.FieldText, Help: "As pipelines will call it.", Default: func(s *State) string {
			if s.known() {
				return s.Before.Name
			}
			return "kubernetes-" + label(s.SiteName)
		}},
		{Name: "method", Label: "It logs in with", Kind: w.FieldRadio, Reloads: true, Default: or(func(s *State) string { return s.Before.Method }, MethodAccount), Options: fixed(
			w.Option{Value: MethodAccount, Label: "A service account of its own", Note: "It may do in one namespace what Helm needs there, and its token ends."},
			w.Option{Value: MethodKubeconfig, Label: "The cluster-admin kubeconfig of the deploy", Note: "As the guide of 2020 does. Whoever may edit a pipeline then owns the whole cluster, and only new certificates take that back."},
		)},
		{Name: "namespace", Label: "Namespace", Help: "Made if it is not there.", Kind: w.FieldText, When: account, Default: or(func(s *State) string { return s.Before.Namespace }, "ratings")},
		{Name: "account", Label: "Name of the service account", Kind: w.FieldText, When: account, Default: or(func(s *State) string { return s.Before.Account }, "azure-pipelines")},
		{Name: "days", Label: "Its token is valid for", Unit: "days", Kind: w.FieldNumber, When: account, Default: def("90"), Help: "Run this again before it ends: the same connection then gets a new one. The API server may shorten it."},
		{Name: "share", Label: "Share with these projects", Kind: w.FieldArea, Optional: true, Default: func(s *State) string { return lines(s.Before.Shared) }, Help: "One a line. You have to be an administrator there, too."},
		{Name: "grant", Label: "Let every pipeline of the project use it", Kind: w.FieldCheckbox, Optional: true, Help: "Otherwise a person permits each pipeline once, when it first asks."},
	}
}

func bindAccess(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Name, s.Method, s.Share, s.Grant = a.Get("name"), a.Get("method"), names(a.Get("share")), a.Get("grant") == "yes"
	if !plainName.MatchString(s.Name) {
		bad("name", "A name has letters, digits, blanks, dots, dashes and underscores, at most 80 of them, and begins with a letter or digit.")
	}
	for _, p := range s.Share {
		if p == s.Project {
			bad("share", p+" is the project in which it is made: it sees it anyway.")
		}
	}
	if s.Method == MethodKubeconfig {
		s.Namespace, s.Account, s.Days = "", "", 0
		return errs
	}
	if s.Method != MethodAccount {
		bad("method", "Choose how it logs in.")
	}
	s.Namespace, s.Account = a.Get("namespace"), a.Get("account")
	const rule = " has small letters, digits and dashes, at most 63 of them, and neither begins nor ends with a dash."
	if !w.IsDNSLabel(s.Namespace) {
		bad("namespace", "A namespace"+rule)
	}
	if ofKubernetes(s.Namespace) {
		bad("namespace", "This namespace belongs to Kubernetes itself. Choose one of your own.")
	}
	if !w.IsDNSLabel(s.Account) {
		bad("account", "An account's name"+rule)
	}
	days, err := strconv.Atoi(a.Get("days"))
	if err != nil || days < 1 || days > mostDays {
		bad("days", "Give a whole number of days, from 1 to 365.")
	}
	s.Days = days
	return errs
}

func ofKubernetes(namespace string) bool {
	return namespace == "kube-system" || namespace == "kube-public" || namespace == "kube-node-lease"
}
