package controlplane

import (
	"math"
	"sync"
	"time"
)

const (
	// costPerRequest is how many millicores a request a second takes from the pods of its Service.
	costPerRequest = 40.0
	// halfLife is how fast measured load follows the real one.
	halfLife = 4 * time.Second
)

// load counts the requests that Services really get, as a rate that fades.
type load struct {
	now func() time.Time

	mu    sync.Mutex
	rates map[string]rate // by namespace/name
}

type rate struct {
	perSecond float64
	at        time.Time
}

func newLoad(now func() time.Time) *load { return &load{now: now, rates: map[string]rate{}} }

func (l *load) count(namespace, service string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, now := namespace+"/"+service, l.now()
	// In balance, requests at a steady rate keep the sum of what fades at that rate.
	l.rates[key] = rate{l.rates[key].fade(now) + math.Ln2/halfLife.Seconds(), now}
}

// millicores is what the requests to a Service cost its pods together.
func (l *load) millicores(namespace, service string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return costPerRequest * l.rates[namespace+"/"+service].fade(l.now())
}

func (r rate) fade(now time.Time) float64 {
	if r.at.IsZero() {
		return 0
	}
	return r.perSecond * math.Exp2(-now.Sub(r.at).Seconds()/halfLife.Seconds())
}
