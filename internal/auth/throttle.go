package auth

import (
	"sync"
	"time"
)

const (
	maxTries   = 5 // within tryWindow, of one name from one address
	tryWindow  = time.Minute
	pruneAbove = 1000
)

// throttle counts the tries to log in. A try counts before the password is
// looked at, so that many at once are no way around it.
type throttle struct {
	mu    sync.Mutex
	tries map[[2]string]tries // by name and address
}

type tries struct {
	n     int
	until time.Time // when they are forgotten
}

func newThrottle() *throttle { return &throttle{tries: map[[2]string]tries{}} }

// take counts a try and says whether it is allowed.
func (t *throttle) take(name, addr string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tries) > pruneAbove {
		for k, v := range t.tries {
			if !now.Before(v.until) {
				delete(t.tries, k)
			}
		}
	}
	key := [2]string{name, addr}
	v := t.tries[key]
	if !now.Before(v.until) {
		v = tries{until: now.Add(tryWindow)}
	}
	if v.n >= maxTries {
		return false
	}
	v.n++
	t.tries[key] = v
	return true
}

// forget clears the tries of someone who got in.
func (t *throttle) forget(name, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, [2]string{name, addr})
}
