package pipelines

import (
	"context"
	"slices"

	w "hubwright/workflows"
)

func (f flow) share(ctx context.Context, s *State, log w.Log) error {
	return f.inOrganization(ctx, s, func(o Organization) error {
		ctx, done := w.Settled(ctx)
		defer done()
		e, err := o.Endpoint(ctx, s.Found.Project.ID, s.Found.EndpointID)
		if err != nil {
			return err
		}
		for _, name := range s.Share {
			p, err := o.Project(ctx, name)
			if err != nil {
				return err
			}
			if e != nil && slices.Contains(e.Projects, p.ID) {
				log.Info("%s sees it already", p.Name)
			} else {
				if err := o.ShareEndpoint(ctx, s.Found.EndpointID, s.Name, p); err != nil {
					return err
				}
				log.Good("Shared with %s", p.Name)
				s.did("shared with " + p.Name)
			}
			if !slices.Contains(s.Before.Shared, p.Name) {
				s.Before.Shared = append(s.Before.Shared, p.Name)
				if err := f.Records.SaveServiceConnection(ctx, &s.Before); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (f flow) grant(ctx context.Context, s *State, log w.Log) error {
	return f.inOrganization(ctx, s, func(o Organization) error {
		open, err := o.OpenToAll(ctx, s.Found.Project.ID, s.Found.EndpointID)
		if err != nil {
			return err
		}
		if open {
			log.Info("Every pipeline of %s may use it already", s.Project)
			return nil
		}
		if err := o.OpenForAll(ctx, s.Found.Project.ID, s.Found.EndpointID); err != nil {
			return err
		}
		log.Good("Every pipeline of %s may use it", s.Project)
		s.did("every pipeline of " + s.Project + " may use it")
		return nil
	})
}
