package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ask asks with the old certificates and then with the new ones: the first good answer counts.
func (r *rotation) ask(ctx context.Context, method, path string, in, out any) (err error) {
	for _, k := range r.kubes {
		if err = k.do(ctx, method, path, in, out); err == nil {
			return nil
		}
	}
	return err
}

func (r *rotation) list(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	err := r.ask(ctx, http.MethodGet, "/api/v1/nodes", nil, &list)
	return list.Items, err
}

func (p *process) settleMasters(ctx context.Context, r *rotation) error {
	if err := p.awaitNodes(ctx, r, r.masters); err != nil {
		return err
	}
	p.log.info("Checking health of control plane components")
	var pods []string
	for _, name := range r.masters {
		for _, part := range []string{"kube-addon-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
			pods = append(pods, part+"-"+name)
		}
	}
	return p.settle(ctx, func() error { return r.running(ctx, pods) })
}

func (p *process) awaitNodes(ctx context.Context, r *rotation, names []string) error {
	p.log.info("Waiting for cluster nodes readiness: %v", names)
	return p.settle(ctx, func() error {
		nodes, err := r.list(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return n.Name == name && isReady(&n) }) {
				return fmt.Errorf("node %s is not ready", name)
			}
		}
		return nil
	})
}

// running looks at pods of kube-system: those of the names or, without names, all of them.
func (r *rotation) running(ctx context.Context, names []string) error {
	var list corev1.PodList
	if err := r.ask(ctx, http.MethodGet, "/api/v1/namespaces/kube-system/pods", nil, &list); err != nil {
		return err
	}
	for _, pod := range list.Items {
		if pod.Status.Phase != corev1.PodRunning && (names == nil || slices.Contains(names, pod.Name)) {
			return fmt.Errorf("pod %s is %s", pod.Name, strings.ToLower(string(pod.Status.Phase)))
		}
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == pod.Name })
	}
	if len(names) > 0 {
		return fmt.Errorf("no pod %s", names[0])
	}
	return nil
}

// settle looks until all is well for a while.
func (p *process) settle(ctx context.Context, look func() error) error {
	limited, cancel := context.WithTimeout(ctx, rotateLimit/p.hasten)
	defer cancel()
	for good := 0; ; {
		err := look()
		if good++; err != nil {
			good = 0
		}
		if good == goodLooks {
			return nil
		}
		if p.lookPause(limited) != nil {
			return errors.Join(err, limited.Err())
		}
	}
}

// lookPause waits between two looks.
func (p *process) lookPause(ctx context.Context) error {
	if d, err := time.ParseDuration(p.getenv(PauseVariable)); err == nil && d > 0 {
		return p.pause(ctx, d)
	}
	return p.pause(ctx, rotatePause)
}
