package trafficmanager

import (
	"context"
	"slices"
	"strings"

	w "hubwright/workflows"
)

// cloud is public Azure through the chosen Connection.
func (f flow) cloud(ctx context.Context, s *State) (Cloud, error) {
	c, err := f.Records.Connection(ctx, s.Profile.ConnectionID)
	if err != nil {
		return nil, err
	}
	return f.OpenCloud(ctx, c)
}

// visitor is a user: with the Connection's way where there is one, else with
// that of the first Site's Stack.
func (f flow) visitor(ctx context.Context, s *State) (Visitor, error) {
	if !s.azure() {
		return f.OpenVisitor(w.Connection{HTTPSProxy: s.Sites[0].Proxy, CABundle: s.Sites[0].CA})
	}
	c, err := f.Records.Connection(ctx, s.Profile.ConnectionID)
	if err != nil {
		return nil, err
	}
	return f.OpenVisitor(c)
}

func (f flow) profileChoices(ctx context.Context, s *State) ([]w.Option, error) {
	out := []w.Option{{Value: ProfileNew, Label: "A new profile"}}
	c, err := f.cloud(ctx, s)
	if err != nil {
		return out, err
	}
	all, err := c.TrafficProfiles(ctx)
	for _, p := range all {
		out = append(out, w.Option{Value: p.ResourceGroup + "/" + p.Name, Label: p.Name + " in " + p.ResourceGroup, Note: p.FQDN})
	}
	if err == nil && !s.isNew() && !slices.ContainsFunc(out, func(o w.Option) bool { return strings.EqualFold(o.Value, s.Choice) }) {
		out = append(out, w.Option{Value: s.Choice, Label: s.Profile.Name + ", which is not in Azure any more", Disabled: true})
	}
	return out, err
}

func (f flow) locations(ctx context.Context, s *State) ([]w.Option, error) {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.Locations(ctx)
}

func (f flow) groups(ctx context.Context, s *State) string {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return ""
	}
	names, err := c.ResourceGroups(ctx)
	if err != nil || len(names) == 0 {
		return ""
	}
	return "There are: " + strings.Join(names, ", ")
}
