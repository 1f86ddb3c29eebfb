package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox/devops"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/publicazure"
)

// What the image of an agent of Azure Pipelines is told.
const (
	agentURLEnv    = "AZP_URL"
	agentSecretEnv = "AZP_TOKEN"
	agentFileEnv   = "AZP_TOKEN_FILE"
)

// crashPause is, at speed 1, how long a container that ended waits until it is
// started again.
const crashPause = 40 * time.Second

// errTold ends an agent whose container is told to end.
var errTold = errors.New("the container is told to end")

// agentNews plays the containers that run agents of Azure Pipelines: each does
// what an image does that is told of an organization.
func (w *World) agentNews(id string, p *corev1.Pod, gone bool) {
	var box *corev1.Container
	for i := range p.Spec.Containers {
		for _, e := range p.Spec.Containers[i].Env {
			if e.Name == agentURLEnv {
				box = &p.Spec.Containers[i]
			}
		}
	}
	if box == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	end, runs := w.agentPods[p.UID]
	ready, crashed := podLooks(p)
	switch {
	case runs && (gone || p.DeletionTimestamp != nil):
		end(errTold)
	case runs && !ready && !crashed:
		end(nil) // its node is silent
	case !runs && ready && !gone && p.DeletionTimestamp == nil && w.ctx.Err() == nil:
		ctx, end := context.WithCancelCause(w.ctx)
		w.agentPods[p.UID] = end
		c := &agentContainer{w: w, cluster: id, pod: p, box: box}
		w.background.Go(func() {
			c.live(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.agentPods, p.UID)
		})
	}
}

func podLooks(p *corev1.Pod) (ready, crashed bool) {
	for _, c := range p.Status.Conditions {
		ready = ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}
	for _, st := range p.Status.ContainerStatuses {
		crashed = crashed || st.State.Waiting != nil && st.State.Waiting.Reason == "CrashLoopBackOff"
	}
	return ready, crashed
}

// agentContainer is one container with an agent.
type agentContainer struct {
	w        *World
	cluster  string
	pod      *corev1.Pod
	box      *corev1.Container
	restarts int32
}

// live runs the container, again and again when it ends by itself.
func (c *agentContainer) live(ctx context.Context) {
	for ctx.Err() == nil {
		said := c.run(ctx)
		if ctx.Err() != nil {
			return
		}
		c.restarts++
		c.show(ctx, said)
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(time.Duration(float64(crashPause)/c.w.opts.Speed), time.Second)):
		}
	}
}

// run is one life of the container. It answers why that ended.
func (c *agentContainer) run(ctx context.Context) error {
	client, err := c.w.clusters.Client(c.cluster)
	if err != nil {
		return err
	}
	r, err := c.runner(ctx, client)
	if err != nil {
		return err
	}
	if err := r.Register(ctx); err != nil {
		return err
	}
	if c.restarts > 0 {
		c.show(ctx, nil)
	}
	err = r.Listen(ctx)
	if errors.Is(context.Cause(ctx), errTold) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return r.Leave(ctx)
	}
	return err
}

// runner is the agent as the container's environment and files have it.
func (c *agentContainer) runner(ctx context.Context, client kubernetes.Interface) (*devops.Runner, error) {
	env := map[string]string{}
	for _, e := range c.box.Env {
		var err error
		if env[e.Name], err = c.value(ctx, client, e); err != nil {
			return nil, err
		}
	}
	secret := env[agentSecretEnv]
	if file := env[agentFileEnv]; file != "" {
		text, err := c.file(ctx, client, file)
		if err != nil {
			return nil, err
		}
		secret = strings.TrimSpace(text)
	}
	roots := c.w.public.PEM()
	if file := env["AZP_CA_FILE"]; file != "" {
		text, err := c.file(ctx, client, file)
		if err != nil {
			return nil, err
		}
		roots = []byte(text)
	}
	way := env["VSTS_HTTP_PROXY"]
	if way == "" {
		way = c.w.ProxyURL()
	}
	proxy, err := url.Parse(way)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	web := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: loopback.Dial, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	context.AfterFunc(ctx, web.CloseIdleConnections)
	return &devops.Runner{Client: web, URL: env[agentURLEnv], Pool: env["AZP_POOL"], Name: env["AZP_AGENT_NAME"], Authorize: authorizer(web, env, secret)}, nil
}

// authorizer proves who the agent is registered by: a token as it is, or the one
// that a service principal gets for its secret.
func authorizer(web *http.Client, env map[string]string, secret string) func(context.Context, *http.Request) error {
	return func(ctx context.Context, r *http.Request) error {
		if env["AZP_AUTH"] != "SP" {
			r.SetBasicAuth("", secret)
			return nil
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {env["AZP_CLIENTID"]}, "client_secret": {secret}, "scope": {devops.Audience + "/.default"}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+publicazure.LoginHost+"/"+env["AZP_TENANTID"]+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := web.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var got struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+got.AccessToken)
		return nil
	}
}

// value is what a variable of the environment has.
func (c *agentContainer) value(ctx context.Context, client kubernetes.Interface, e corev1.EnvVar) (string, error) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return e.Value, nil
	case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.name":
		return c.pod.Name, nil
	case from.SecretKeyRef != nil:
		return c.secret(ctx, client, from.SecretKeyRef.Name, from.SecretKeyRef.Key)
	}
	return "", nil
}

// file is what a file has that a Secret is mounted as.
func (c *agentContainer) file(ctx context.Context, client kubernetes.Interface, path string) (string, error) {
	for _, m := range c.box.VolumeMounts {
		key, below := strings.CutPrefix(path, strings.TrimRight(m.MountPath, "/")+"/")
		for _, v := range c.pod.Spec.Volumes {
			if below && v.Name == m.Name && v.Secret != nil {
				return c.secret(ctx, client, v.Secret.SecretName, key)
			}
		}
	}
	return "", fmt.Errorf("cat: %s: No such file or directory", path)
}

func (c *agentContainer) secret(ctx context.Context, client kubernetes.Interface, name, key string) (string, error) {
	s, err := client.CoreV1().Secrets(c.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	text, ok := s.Data[key]
	if !ok {
		return "", fmt.Errorf("the Secret %s has no %s", name, key)
	}
	return string(text), nil
}

// show writes on the pod that its container ended saying something, or that it
// runs again.
func (c *agentContainer) show(ctx context.Context, said error) {
	client, err := c.w.clusters.Client(c.cluster)
	if err != nil {
		return
	}
	ready, state := corev1.ConditionTrue, corev1.ContainerStatus{Name: c.box.Name, Image: c.box.Image, RestartCount: c.restarts, Ready: said == nil}
	now := metav1.Now()
	if said == nil {
		state.State.Running = &corev1.ContainerStateRunning{StartedAt: now}
	} else {
		ready = corev1.ConditionFalse
		state.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off restarting failed container " + c.box.Name + " in pod " + c.pod.Name}
		state.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: said.Error() + "\n", FinishedAt: now}
	}
	patch, err := json.Marshal(map[string]any{"status": corev1.PodStatus{
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: ready, LastTransitionTime: now}, {Type: corev1.ContainersReady, Status: ready, LastTransitionTime: now},
		}, ContainerStatuses: []corev1.ContainerStatus{state},
	}})
	if err != nil {
		return
	}
	if _, err := client.CoreV1().Pods(c.pod.Namespace).Patch(ctx, c.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil && ctx.Err() == nil {
		c.w.opts.Log.Warn("telling of an agent's container", "pod", c.pod.Name, "err", err)
	}
}
