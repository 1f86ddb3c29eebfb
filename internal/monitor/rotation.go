package monitor

import (
	"context"
	"sync"
	"time"

	"hubwright/workflows"
)

// RotationLook is how the Sites of a Deployment stood behind its one name.
type RotationLook struct {
	At      time.Time
	Sites   map[string]workflows.SiteRotation // by Site
	Problem string                            // why nobody knows, "" when it was told
}

// Rotations keeps the newest look of each Deployment. It is safe for
// concurrent use; the zero value is empty. What it knows is asked again within
// a minute of a start, so it is not stored.
type Rotations struct {
	mu  sync.Mutex
	all map[string]RotationLook
}

// Of is the newest look at a Deployment.
func (r *Rotations) Of(deploymentID string) (RotationLook, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.all[deploymentID]
	return l, ok
}

// Put makes the look the newest of its Deployment.
func (r *Rotations) Put(deploymentID string, l RotationLook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]RotationLook{}
	}
	r.all[deploymentID] = l
}

func (m *Monitor) ofName(p workflows.TrafficProfile) question {
	put := func(states []workflows.SiteRotation, why string) save {
		return func(context.Context) error {
			l := RotationLook{At: m.Clock(), Sites: map[string]workflows.SiteRotation{}, Problem: why}
			for _, s := range states {
				l.Sites[s.SiteID] = s
			}
			m.Rotations.Put(p.DeploymentID, l)
			return nil
		}
	}
	return question{key: "name " + p.DeploymentID, late: put(nil, m.tooLate()), put: func(ctx context.Context) save {
		states, err := m.AskName(ctx, p.DeploymentID)
		if err != nil {
			return put(nil, m.Words(err))
		}
		return put(states, "")
	}}
}
