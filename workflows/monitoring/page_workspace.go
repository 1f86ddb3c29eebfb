package monitoring

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

const (
	leastDays = 30
	mostDays  = 730
)

func (f flow) workspacePage() w.Page[State] {
	fresh := func(s *State) bool { return s.New }
	return w.Page[State]{
		ID: "workspace", Title: "Workspace", Why: "A Log Analytics workspace in public Azure keeps what the agent sends. All Sites of a deployment can share one.", When: (*State).azure,
		Fields: []w.Field[State]{
			{Name: "connection", Label: "Connection to Azure", Kind: w.FieldSelect, Options: f.connections, Default: f.firstConnection, Reloads: true,
				Help: "Its service principal needs the role Log Analytics Contributor.", Observed: func(_ context.Context, s *State) string {
					if s.Account.Subscription == "" {
						return ""
					}
					return "Subscription " + s.Account.Subscription
				}},
			{Name: "use", Label: "Which workspace", Kind: w.FieldRadio, Default: def("new"), Reloads: true, Options: fixed(
				w.Option{Value: "new", Label: "Make one", Note: "One of that name that is there already is taken."},
				w.Option{Value: "existing", Label: "One that is there", Note: "Its retention and cap stay as they are."},
			)},
			{Name: "existing", Label: "Workspace", Kind: w.FieldSelect, When: func(s *State) bool { return !s.New }, Options: f.workspaces},
			{Name: "group", Label: "Resource group", Kind: w.FieldText, When: fresh, Default: func(s *State) string { return plain(s.Deployment) + "-monitoring" }, Help: "Made if it is not there."},
			{Name: "location", Label: "Location", Kind: w.FieldSelect, When: fresh, Default: def("westus2"), Options: f.locations},
			{Name: "name", Label: "Name", Kind: w.FieldText, When: fresh, Default: func(s *State) string { return plain(s.Deployment) + "-law" }, Help: "4 to 63 letters, digits and dashes. The name of a workspace that was deleted stays taken for 14 days."},
			{Name: "retention", Label: "Keep data for", Kind: w.FieldNumber, Unit: "days", When: fresh, Default: def("30"), Help: "30 to 730 days. More than 31 costs extra."},
			{Name: "cap", Label: "Daily cap", Kind: w.FieldNumber, Unit: "GB a day", Optional: true, When: fresh, Help: "When it is reached, nothing more is kept until the next day. Empty: no cap."},
		},
		Bind: f.bindWorkspace,
	}
}

// plain makes a deployment's name fit for names in Azure.
func plain(name string) string {
	out := strings.Trim(notWorkspace.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if out == "" {
		return "hubwright"
	}
	return out[:min(len(out), 40)]
}

func (f flow) azureConnections(ctx context.Context) ([]w.Connection, error) {
	all, err := f.Records.Connections(ctx)
	var out []w.Connection
	for _, c := range all {
		if c.Kind == w.ConnectionAzure {
			out = append(out, c)
		}
	}
	return out, err
}

func (f flow) connections(ctx context.Context, _ *State) ([]w.Option, error) {
	all, err := f.azureConnections(ctx)
	if err != nil {
		return nil, err
	}
	var out []w.Option
	for _, c := range all {
		out = append(out, w.Option{Value: c.ID, Label: c.Name, Note: "Subscription " + c.SubscriptionID})
	}
	if len(out) == 0 {
		return nil, errNoConnection
	}
	return out, nil
}

var errNoConnection = errors.New("There is no Connection to Azure yet: an admin adds one under Connections.") //nolint:staticcheck // shown to people

func (f flow) firstConnection(*State) string {
	all, err := f.azureConnections(context.Background())
	if err != nil || len(all) == 0 {
		return ""
	}
	return all[0].ID
}

func (f flow) workspaces(ctx context.Context, s *State) ([]w.Option, error) {
	az, err := f.login(ctx, s)
	if err != nil {
		return nil, err
	}
	all, err := az.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	var out []w.Option
	for _, ws := range all {
		note := fmt.Sprintf("%s, resource group %s, %d days", ws.Location, ws.Group, ws.Retention)
		if ws.KeysOff {
			note += "; agents with keys are not let in"
		}
		out = append(out, w.Option{Value: ws.ID, Label: ws.Name, Note: note, Disabled: ws.KeysOff && s.Method == MethodHelm})
	}
	return out, nil
}

func (f flow) locations(ctx context.Context, s *State) ([]w.Option, error) {
	az, err := f.login(ctx, s)
	if err != nil {
		return nil, err
	}
	return az.Locations(ctx)
}

func (f flow) bindWorkspace(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Account, s.Wanted, s.New = Account{}, Workspace{}, a.Get("use") == "new"
	c, err := f.Records.Connection(context.Background(), a.Get("connection"))
	if err != nil || c.Kind != w.ConnectionAzure {
		bad("connection", "Choose a Connection to Azure. Where there is none, an admin adds one under Connections.")
	} else {
		s.Account = Account{ID: c.ID, Name: c.Name, Subscription: c.SubscriptionID}
	}
	if s.New {
		return append(errs, bindNew(a, s)...)
	}
	if a.Get("use") != "existing" {
		bad("use", "Say whether the workspace is to be made.")
	}
	s.Wanted = workspaceOf(a.Get("existing"))
	if s.Wanted.Name == "" {
		bad("existing", "Choose a workspace.")
	}
	return errs
}

// workspaceOf reads a workspace's resource ID.
func workspaceOf(id string) Workspace {
	seg := strings.Split(strings.Trim(id, "/"), "/")
	if len(seg) != 8 || !strings.EqualFold(seg[6], "workspaces") {
		return Workspace{}
	}
	return Workspace{ID: id, Group: seg[3], Name: seg[7]}
}

func bindNew(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Wanted = Workspace{Group: a.Get("group"), Name: a.Get("name"), Location: a.Get("location"), DailyCapGB: -1}
	if !resourceName.MatchString(s.Wanted.Group) {
		bad("group", "A resource group has 2 to 90 letters, digits, points, dashes, underscores and brackets, and does not end with a point.")
	}
	if s.Wanted.Location == "" || strings.ContainsAny(s.Wanted.Location, " /") {
		bad("location", "Choose a location.")
	}
	if !workspaceForm.MatchString(s.Wanted.Name) {
		bad("name", "A workspace's name has 4 to 63 letters, digits and dashes, and neither begins nor ends with a dash.")
	}
	days, err := strconv.Atoi(a.Get("retention"))
	if err != nil || days < leastDays || days > mostDays {
		bad("retention", "Give a whole number of days, from 30 to 730.")
	}
	s.Wanted.Retention = days
	if text := a.Get("cap"); text != "" {
		gb, err := strconv.ParseFloat(text, 64)
		if err != nil || gb <= 0 || gb > 10_000 {
			bad("cap", "Give gigabytes a day, more than 0, or leave it empty.")
		}
		s.Wanted.DailyCapGB = gb
	}
	return errs
}
