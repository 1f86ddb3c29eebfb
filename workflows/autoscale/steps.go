package autoscale

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
)

// How long a step waits before it says what is wrong: less than its soft
// time-out, so that nobody waits without a word.
const (
	askAgain = 3 * time.Second
	metered  = 4 * time.Minute  // there are no first numbers
	scaling  = 5 * time.Minute  // there are no more pods under load
	shrink   = 15 * time.Minute // there are no fewer: the autoscaler waits five minutes by itself
)

func (f flow) steps() []w.Step[State] {
	tested := func(s *State) bool { return s.LoadTest }
	return []w.Step[State]{
		{ID: "apply", Title: "Set the autoscaler", Why: "It is one object beside the Deployment.", Timeout: time.Minute, Run: f.apply},
		{ID: "targets", Title: "Verify its targets", Why: "An autoscaler without numbers does nothing, silently.", Timeout: 5 * time.Minute, Weight: 2, Run: f.targets},
		{ID: "out", Title: "Scale out under load", Why: "Requests are sent until there are more pods.", Timeout: 6 * time.Minute, Weight: 3, When: tested, Run: f.out},
		{ID: "in", Title: "Scale in without it", Why: "What was needed for a while must go again.", Timeout: 16 * time.Minute, Weight: 5, When: tested, Run: f.in},
	}
}

func (f flow) apply(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		changed, err := k.EnsureAutoscaler(ctx, s.autoscaler())
		s.Found.Changed = s.Found.Changed || changed
		f.note(ctx, s, k)
		if err != nil {
			return err
		}
		if !changed {
			log.Good("The autoscaler is as it should be: nothing to change")
			return nil
		}
		log.Good("The autoscaler of %s is set: %d to %d at %d %%", s.Target, s.Min, s.Max, s.Percent)
		return nil
	})
}

// goneCode is the problem that an autoscaler is not there.
const goneCode = "autoscale.gone"

// note remembers the autoscaler as it is, also when the step's own context is
// over: it may have been set before.
func (f flow) note(ctx context.Context, s *State, k Kube) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	if now, err := f.find(ctx, s, k); err == nil {
		now.Events = nil // they are told by who watches
		s.Found.Now = now
	}
}

// watch looks at the autoscaler until done says so, and logs what changes as
// kubectl get hpa would show it.
func (f flow) watch(ctx context.Context, s *State, log w.Log, limit time.Duration, done func(w.Autoscaler) bool) error {
	return f.with(ctx, s, func(k Kube) error {
		began, last, events := f.Clock(), "", len(s.Found.Now.Events) // those are told already
		for {
			now, err := f.find(ctx, s, k)
			if err != nil {
				return err
			}
			s.Found.Now = now
			line := fmt.Sprintf("%-24s %-24s %-20s %4d %4d %4d", now.Name, now.Kind+"/"+now.Target, Targets(now), now.Min, now.Max, now.Replicas)
			if last == "" {
				log.Command("kubectl get hpa --watch")
				log.Info("%-24s %-24s %-20s %4s %4s %4s", "NAME", "REFERENCE", "TARGETS", "MIN", "MAX", "REPL")
			}
			if line != last {
				log.Info("%s", line)
				last = line
			}
			for ; events < len(now.Events); events++ {
				log.Info("event %s", now.Events[events])
			}
			log.Progress(-1, doing(now))
			if done(now) {
				return nil
			}
			if f.Clock().Sub(began) > limit {
				return f.late(now, limit)
			}
			if err := f.Pause(ctx, askAgain); err != nil {
				return err
			}
		}
	})
}

func doing(now w.Autoscaler) string {
	if now.Current < 0 {
		return "waits for its first numbers"
	}
	if now.Replicas == 1 {
		return Targets(now) + ", 1 replica"
	}
	return fmt.Sprintf("%s, %d replicas", Targets(now), now.Replicas)
}

func (f flow) find(ctx context.Context, s *State, k Kube) (w.Autoscaler, error) {
	namespace, name := s.split()
	list, err := k.Autoscalers(ctx, namespace)
	if err != nil {
		return w.Autoscaler{}, err
	}
	for _, a := range list {
		if a.Name == name {
			return a, nil
		}
	}
	return w.Autoscaler{}, &w.Problem{Code: goneCode, What: "The autoscaler " + s.Target + " is gone", Why: "somebody removed it", Fix: "Start again."}
}

func (f flow) late(now w.Autoscaler, limit time.Duration) error {
	if !now.Active || now.Current < 0 {
		return &w.Problem{Code: "autoscale.metrics", What: "The autoscaler has no numbers to go by", Why: now.Reason + ": " + now.Message,
			Fix: "Look at the metrics server, and whether every container asks for CPU, then retry from this step."}
	}
	return &w.Problem{Code: "autoscale.slow", What: "The number of pods did not follow", Why: fmt.Sprintf("after %s it is %s with %d replicas", limit, Targets(now), now.Replicas),
		Fix: "Send more requests a second, lower the aim, or look at the autoscaler's events; then retry from this step."}
}

func (f flow) targets(ctx context.Context, s *State, log w.Log) error {
	err := f.watch(ctx, s, log, metered, func(a w.Autoscaler) bool { return a.Active && a.Current >= 0 })
	if err == nil {
		log.Good("The autoscaler goes by real numbers: %s", Targets(s.Found.Now))
	}
	return err
}

func (f flow) out(ctx context.Context, s *State, log w.Log) error {
	stack, err := f.Records.Stack(ctx, s.StackID)
	if err != nil {
		return err
	}
	e, err := f.Records.Endpoint(ctx, s.SiteID)
	if err != nil {
		return err
	}
	if s.Found.Before == 0 {
		s.Found.Before = max(s.Found.Now.Replicas, 1)
	}
	log.Info("Sending %d requests a second to %s", s.PerSecond, e.Address)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	type count struct{ answered, failed int64 }
	sent := make(chan count, 1)
	go func() { a, n := f.Load(loading, stack, e, s.PerSecond); sent <- count{a, n} }()
	err = f.watch(ctx, s, log, scaling, func(a w.Autoscaler) bool { return s.grown(a) > s.Found.Before })
	stop()
	total := <-sent
	s.Found.Answered, s.Found.Fails = s.Found.Answered+total.answered, s.Found.Fails+total.failed
	log.Info("%d requests were answered, %d failed", total.answered, total.failed)
	if err != nil {
		return err
	}
	log.Good("It scaled out from %d to %d replicas", s.Found.Before, s.Found.Now.Replicas)
	return nil
}

func (f flow) in(ctx context.Context, s *State, log w.Log) error {
	log.Info("The autoscaler waits by itself, by default five minutes, before it takes pods away")
	err := f.watch(ctx, s, log, shrink, func(a w.Autoscaler) bool { return s.grown(a) <= s.Min })
	if err == nil {
		log.Good("It scaled in: %s", doing(s.Found.Now))
	}
	return err
}

// grown is the number of replicas, of which the most is remembered.
func (s *State) grown(a w.Autoscaler) int {
	s.Found.Most = max(s.Found.Most, a.Replicas)
	return a.Replicas
}
