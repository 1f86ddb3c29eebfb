package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/sandbox/arm"
)

// lookAround is how long a deletion may wait for the look at what it hurts.
const lookAround = 10 * time.Second

// Misuse lists in words, oldest first, what somebody did that a Hub and a
// cluster allow and that takes running work down: a node's VM was deleted before
// the node was drained.
func (w *World) Misuse() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.misuse)
}

// minded notes when a worker goes while pods are on it that a drain would have
// moved. Masters are never drained by AKS Engine, and with its group the whole
// cluster goes.
func (w *World) minded(ctx context.Context, s *stamp, m arm.Machine) {
	if isMaster(m) || !m.Joined || s.hub.GroupLeaving(m.Group) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookAround)
	defer cancel()
	pods, err := w.clusters.Undrained(ctx, clusterID(s, m.Tags["resourceNameSuffix"], m.Group), m.Name)
	if err != nil || len(pods) == 0 {
		return // nobody can tell, or nothing is hurt
	}
	what := fmt.Sprintf("%s: the VM %s was deleted before its node was drained; on it were %s", s.name, m.Name, strings.Join(pods, ", "))
	w.opts.Log.Warn("misuse", "what", what)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.misuse = append(w.misuse, what)
}
