package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
)

// lookTime is how long a page waits for the cluster before it shows without.
const lookTime = 8 * time.Second

// look asks the cluster for a page. What cannot be asked is not shown: the
// checks say why.
func (f flow) look(ctx context.Context, s *State, ask func(context.Context, Kube) string) string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	k, err := f.open(ctx, s)
	if err != nil {
		return ""
	}
	defer k.Close()
	return ask(ctx, k)
}

// listed says what the cluster has of something, or none when it has nothing.
func (f flow) listed(ctx context.Context, s *State, none string, names func(context.Context, Kube) ([]string, error)) string {
	return f.look(ctx, s, func(ctx context.Context, k Kube) string {
		switch all, err := names(ctx, k); {
		case err != nil:
			return ""
		case len(all) == 0:
			return none
		default:
			return "The cluster has " + strings.Join(all, ", ") + "."
		}
	})
}

func (f flow) seenClasses(ctx context.Context, s *State) string {
	return f.listed(ctx, s, "", func(ctx context.Context, k Kube) (out []string, err error) {
		list, err := k.IngressClasses(ctx)
		for _, c := range list {
			out = append(out, c.Name+" ("+c.Controller+")")
		}
		return out, err
	})
}

func (f flow) seenBalancers(ctx context.Context, s *State) string {
	return f.listed(ctx, s, "The cluster has no Service of type LoadBalancer.", func(ctx context.Context, k Kube) (out []string, err error) {
		list, err := k.Exposures(ctx, "")
		for _, e := range list {
			if e.Type == "LoadBalancer" {
				out = append(out, e.Namespace+"/"+e.Name+" at "+e.External)
			}
		}
		return out, err
	})
}

func (f flow) seenDriver(ctx context.Context, s *State) string {
	return f.look(ctx, s, func(ctx context.Context, k Kube) string {
		list, err := k.StorageClasses(ctx)
		if err != nil {
			return ""
		}
		for _, c := range list {
			if c.Provisioner == driverName && c.Driver {
				return "The driver is on the cluster: it stays as it is."
			}
		}
		return "The driver is not on the cluster."
	})
}

// classes are the storage classes to choose from.
func (f flow) classes(ctx context.Context, s *State) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	k, err := f.open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	list, err := k.StorageClasses(ctx)
	if err != nil {
		return nil, err
	}
	var out []w.Option
	for _, c := range list {
		o := w.Option{Value: c.Name, Label: c.Name, Note: c.Provisioner}
		if c.Default {
			o.Note += ", the default"
		}
		if !c.Driver {
			o.Note += ", its driver is missing"
		}
		out = append(out, o)
	}
	return out, nil
}

// seenValues says which values the chart brings.
func (f flow) seenValues(ctx context.Context, s *State) string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c, err := f.chart(ctx, s, s.App.Source)
	if err != nil {
		return "The chart cannot be read now: " + err.Error()
	}
	schema := "It has no schema, so wrong names are not found."
	if c.HasSchema {
		schema = "Its schema checks them."
	}
	if s.App.TLSSecret != "" {
		schema += " The certificate is in the Secret " + s.App.TLSSecret + ": name it where the chart asks for one."
	}
	keys := topKeys(c.Values)
	if len(keys) == 0 {
		return fmt.Sprintf("%s %s brings no values of its own. %s", c.Name, c.Version, schema)
	}
	return fmt.Sprintf("%s %s has these at the top: %s. %s", c.Name, c.Version, strings.Join(keys, ", "), schema)
}

// topKeys are the names at the top of a YAML document.
func topKeys(doc string) []string {
	var out []string
	for line := range strings.Lines(doc) {
		name, _, ok := strings.Cut(line, ":")
		if ok && name != "" && !strings.ContainsAny(name[:1], " #-\t\n\"'{") {
			out = append(out, name)
		}
	}
	return out
}
