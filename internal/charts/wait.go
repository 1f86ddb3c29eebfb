package charts

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/cli-runtime/pkg/resource"

	"hubwright/workflows"
)

const (
	defaultPatience = 10 * time.Minute
	// stubborn is how long something may look broken before the wait ends:
	// registries and schedulers have hiccups.
	stubborn = 90 * time.Second
	// sluggish is the same for what may only be slow: a large image on a thin line.
	sluggish = 4 * time.Minute
)

// watchful is Helm's client whose waits are ours: they say of each object how
// far it is, end with the session's context, and give up when something does
// not heal by itself.
type watchful struct {
	*kube.Client
	session *session
}

// Wait waits for the objects to be ready.
func (w *watchful) Wait(list kube.ResourceList, _ time.Duration) error { return w.session.wait(list) }

// WaitWithJobs is Wait: a Job is ready when it is complete.
func (w *watchful) WaitWithJobs(list kube.ResourceList, _ time.Duration) error {
	return w.session.wait(list)
}

// WatchUntilReady waits for hooks: Jobs and Pods that run to their end.
func (w *watchful) WatchUntilReady(list kube.ResourceList, _ time.Duration) error {
	var running kube.ResourceList
	for _, info := range list {
		if kind := info.Mapping.GroupVersionKind.Kind; kind == "Job" || kind == "Pod" {
			w.session.log.Info("Hook %s %s runs", kind, info.Name)
			running = append(running, info)
		}
	}
	w.session.hooks = true
	defer func() { w.session.hooks = false }()
	return w.session.wait(running)
}

// WaitForDelete waits until the objects are gone.
func (w *watchful) WaitForDelete(list kube.ResourceList, _ time.Duration) error {
	return w.session.gone(list)
}

// seen is an object at one moment.
type seen struct {
	workflows.ReleaseObject
	trouble *workflows.Problem // what keeps it from being ready, when that is known
	final   bool               // the trouble will not heal
	slow    bool               // it may be no trouble at all
}

// vigil is what a wait remembers between two looks.
type vigil struct {
	said    map[string]string    // the last detail of each object
	sick    map[string]time.Time // since when each has the trouble that it has
	illness map[string]string
	better  time.Time // when something changed for the last time
}

func (s *session) wait(list kube.ResourceList) error {
	now := s.cluster.Clock()
	v := &vigil{said: map[string]string{}, sick: map[string]time.Time{}, illness: map[string]string{}, better: now}
	for {
		done, err := s.round(list, v)
		if err != nil || done {
			return err
		}
		if s.cluster.Pause(s.ctx, s.cluster.between) != nil {
			return context.Cause(s.ctx)
		}
	}
}

// round looks at each object once.
func (s *session) round(list kube.ResourceList, v *vigil) (bool, error) {
	ready, first := 0, ""
	for _, info := range list {
		o, err := s.look(info)
		if err != nil {
			return false, err
		}
		key := o.Kind + " " + o.Name
		s.say(key, o, v)
		if o.Ready {
			ready++
			delete(v.sick, key)
			continue
		}
		if first == "" {
			first = key + ": " + o.Detail
		}
		if o.Kind == "StatefulSet" && o.trouble != nil {
			if err := s.unstick(o.Namespace, o.Name); err != nil {
				return false, err
			}
		}
		if err := s.diagnose(key, o, v); err != nil {
			return false, err
		}
	}
	if ready == len(list) {
		return true, nil
	}
	s.log.Progress(100*ready/len(list), first)
	patience := s.patience
	if patience == 0 {
		patience = defaultPatience
	}
	if s.cluster.Clock().Sub(v.better) > patience {
		return false, s.give(&workflows.Problem{
			Code: "helm.timeout", What: "Not everything got ready", Why: fmt.Sprintf("for %s nothing changed; the first that is not: %s", patience, first),
			Fix: "Look at the object's events and its pods on the cluster, mend what they name, then retry from this step: the release goes on from where it is.",
		})
	}
	return false, nil
}

// say logs what changed.
func (s *session) say(key string, o seen, v *vigil) {
	if v.said[key] == o.Detail {
		return
	}
	v.said[key], v.better = o.Detail, s.cluster.Clock()
	switch {
	case o.Ready && o.Detail != "":
		s.log.Good("%s: %s", key, o.Detail)
	case o.trouble != nil && !o.slow:
		s.log.Warn("%s: %s", key, o.Detail)
	case o.Detail != "":
		s.log.Info("%s: %s", key, o.Detail)
	}
}

// diagnose ends the wait when an object has the same trouble for long.
func (s *session) diagnose(key string, o seen, v *vigil) error {
	if o.trouble == nil {
		delete(v.sick, key)
		return nil
	}
	now, limit := s.cluster.Clock(), s.cluster.stubborn
	if o.slow {
		limit = sluggish
	}
	if since, ok := v.sick[key]; !ok || v.illness[key] != o.trouble.Code {
		v.sick[key], v.illness[key] = now, o.trouble.Code
	} else if now.Sub(since) > limit {
		return s.give(o.trouble)
	}
	if o.final {
		return s.give(o.trouble)
	}
	return nil
}

// give keeps a problem: on its way through Helm it becomes a text.
func (s *session) give(p *workflows.Problem) error {
	s.problem = p
	return p
}

// failed is the error of a call of Helm's, in words.
func (s *session) failed(what string, err error) error {
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	case s.problem != nil:
		return s.problem
	}
	return explain(what, err)
}

func (s *session) gone(list kube.ResourceList) error {
	v := &vigil{said: map[string]string{}, better: s.cluster.Clock()}
	farewell := cmp.Or(s.cluster.Farewell, defaultPatience)
	for {
		var left []string
		for _, info := range list {
			there, err := s.exists(info)
			if err != nil {
				return err
			}
			if there {
				left = append(left, info.Mapping.GroupVersionKind.Kind+" "+info.Name)
			}
		}
		if len(left) == 0 {
			return nil
		}
		s.say("Still there", seen{ReleaseObject: workflows.ReleaseObject{Detail: strings.Join(left, ", ")}}, v)
		if s.cluster.Clock().Sub(v.better) > farewell {
			return s.give(&workflows.Problem{
				Code: "helm.stuck", What: "Some objects do not go away", Why: fmt.Sprintf("for %s these stay: %s", farewell, strings.Join(left, ", ")),
				Fix: "Look at their finalizers and at what still uses them, then retry.",
			})
		}
		if s.cluster.Pause(s.ctx, s.cluster.between) != nil {
			return context.Cause(s.ctx)
		}
	}
}

func (s *session) exists(info *resource.Info) (bool, error) {
	_, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	return err == nil, unlessMissing(err)
}
