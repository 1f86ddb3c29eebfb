package handlers

import (
	"context"
	"sync"
	"time"

	webaudit "hubwright/web/audit"
)

const (
	chainFresh   = time.Minute     // how long a verification is shown without another one
	chainPatient = 1 * time.Second // how long a page waits for the first
	chainTimeout = 5 * time.Minute
)

// chainWatch verifies the audit's chain beside the pages: a million events
// take seconds, and nobody waits for them.
type chainWatch struct {
	mu      sync.Mutex
	last    webaudit.Chain
	running chan struct{} // closed when the verification that goes on has ended; nil when none does
}

// chain is the newest verification. It starts another one when that is old,
// and waits a moment when there is none yet.
func (s *Server) chain(ctx context.Context) webaudit.Chain {
	w := &s.chains
	w.mu.Lock()
	last := w.last
	if s.Clock().Sub(last.At) >= chainFresh && w.running == nil {
		w.running = make(chan struct{})
		go s.verifyChain(context.WithoutCancel(ctx), w.running)
	}
	running := w.running
	w.mu.Unlock()
	if !last.At.IsZero() || running == nil {
		return last
	}
	patience := time.NewTimer(chainPatient)
	defer patience.Stop()
	select {
	case <-running:
	case <-patience.C:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (s *Server) verifyChain(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	rows, broken, err := s.Store.VerifyAudit(ctx)
	s.chains.mu.Lock()
	defer s.chains.mu.Unlock()
	if err != nil {
		s.Log.Error("the audit could not be verified", "err", err)
	} else {
		s.chains.last = webaudit.Chain{At: s.Clock(), Rows: rows, FirstBroken: broken}
	}
	s.chains.running = nil
	close(done)
}
