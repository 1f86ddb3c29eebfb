package connect

import (
	"strconv"

	w "hubwright/workflows"
)

const (
	leastHours = 1
	mostHours  = 24 * 365
)

func pages() []w.Page[State] { return []w.Page[State]{wayPage(), accessPage()} }

func wayPage() w.Page[State] {
	return w.Page[State]{
		ID: "way", Title: "Way to the API", Why: "Hubwright and the people here must reach the cluster's API server.",
		Fields: []w.Field[State]{{
			Name: "way", Label: "How Hubwright reaches the API server", Kind: w.FieldRadio, Default: func(s *State) string { return s.Way },
			Options: fixed(
				w.Option{Value: WayAuto, Label: "Whichever way leads there", Note: "Directly first, then through the helper VM. The run says which, and the cluster's page uses the same."},
				w.Option{Value: WayDirect, Label: "Only directly", Note: "From this server to the API's public name, through the Stack's proxy where it has one."},
				w.Option{Value: WayHelper, Label: "Only through the helper VM", Note: "An SSH tunnel, for Hubs whose public addresses this server cannot reach."},
			),
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Way = a.Get("way")
			switch s.Way {
			case WayAuto, WayDirect, WayHelper:
				return nil
			}
			return []w.FieldError{{Field: "way", Message: "Choose one of the three."}}
		},
	}
}

func accessPage() w.Page[State] {
	wanted := func(s *State) bool { return s.wantsAccount() }
	def := func(v string) func(*State) string { return func(*State) string { return v } }
	return w.Page[State]{
		ID: "access", Title: "Access for others", Why: "The kubeconfig of the deploy is cluster-admin. Hand out a scoped account instead.",
		Fields: []w.Field[State]{
			{Name: "account", Label: "Make a scoped account", Kind: w.FieldRadio, Default: def("no"), Reloads: true, Options: fixed(
				w.Option{Value: "no", Label: "Not now", Note: "Only verify the connection. Run this again whenever you need an account."},
				w.Option{Value: "yes", Label: "Yes, a service account in one namespace", Note: "Its kubeconfig can be downloaded from the result; every download is audited."},
			)},
			{Name: "namespace", Label: "Namespace", Help: "Made if it is not there.", Kind: w.FieldText, Default: def("apps"), When: wanted},
			{Name: "name", Label: "Name of the account", Kind: w.FieldText, Default: def("deployer"), When: wanted},
			{Name: "role", Label: "What it may do", Kind: w.FieldRadio, Default: def("deployer"), When: wanted, Options: fixed(
				w.Option{Value: "view", Label: "View", Note: "Read everything in the namespace but Secrets."},
				w.Option{Value: "edit", Label: "Edit", Note: "Read and change workloads, Secrets included."},
				w.Option{Value: "deployer", Label: "Deploy with Helm", Note: "What Helm needs in this namespace, and no more."},
				w.Option{Value: "admin", Label: "Administer", Note: "Everything in the namespace, roles included."},
			)},
			{Name: "hours", Label: "Valid for", Unit: "hours", Kind: w.FieldNumber, Default: def("24"), When: wanted, Help: "A short life limits the harm of a lost file. The API server may shorten it."},
		},
		Bind: bindAccess,
	}
}

func bindAccess(a w.Answers, s *State) []w.FieldError {
	s.Account = a.Get("account")
	if s.Account != "yes" && s.Account != "no" {
		return []w.FieldError{{Field: "account", Message: "Say whether you want a scoped account."}}
	}
	if !s.wantsAccount() {
		return nil
	}
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Namespace, s.Name, s.Role = a.Get("namespace"), a.Get("name"), a.Get("role")
	const rule = " has small letters, digits and dashes, at most 63 of them, and neither begins nor ends with a dash."
	if !w.IsDNSLabel(s.Namespace) {
		bad("namespace", "A namespace"+rule)
	}
	if s.Namespace == "kube-system" || s.Namespace == "kube-public" || s.Namespace == "kube-node-lease" {
		bad("namespace", "This namespace belongs to Kubernetes itself. Choose one of your own.")
	}
	if !w.IsDNSLabel(s.Name) {
		bad("name", "An account's name"+rule)
	}
	switch s.Role {
	case "view", "edit", "admin", "deployer":
	default:
		bad("role", "Choose what the account may do.")
	}
	hours, err := strconv.Atoi(a.Get("hours"))
	if err != nil || hours < leastHours || hours > mostHours {
		bad("hours", "Give a whole number of hours, from 1 to 8,760.")
	}
	s.Hours = hours
	return errs
}
