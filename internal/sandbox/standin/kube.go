package standin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// kube speaks to the API server of a cluster, as its administrator.
type kube struct {
	http   *http.Client
	server string
}

// kubeError is a refusal of the API server.
type kubeError struct {
	code    int
	message string
	wait    time.Duration // how long the server asks to wait
}

func (e *kubeError) Error() string { return e.message }

func refused(err error, code int) bool {
	var e *kubeError
	return errors.As(err, &e) && e.code == code
}

// kubeconfigFile is what is read of a kubeconfig.
type kubeconfigFile struct {
	Current  string `json:"current-context"`
	Contexts []struct {
		Name    string `json:"name"`
		Context struct {
			Cluster string `json:"cluster"`
			User    string `json:"user"`
		} `json:"context"`
	} `json:"contexts"`
	Clusters []struct {
		Name    string `json:"name"`
		Cluster struct {
			Server string `json:"server"`
			CA     []byte `json:"certificate-authority-data"`
			Proxy  string `json:"proxy-url"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		Name string `json:"name"`
		User struct {
			Cert []byte `json:"client-certificate-data"`
			Key  []byte `json:"client-key-data"`
		} `json:"user"`
	} `json:"users"`
}

// openKube makes a client from a kubeconfig: the file's or, without one, that of the model. A server takes the place of
// the one that is in it.
func (p *process) openKube(j *job, file, server string) (*kube, error) {
	text, err := j.kubeconfig()
	if file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("reading --kubeconfig: %w", err)
		}
	}
	if err != nil {
		return nil, err
	}
	var c kubeconfigFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	cluster, user := "", ""
	for _, n := range c.Contexts {
		if n.Name == c.Current {
			cluster, user = n.Context.Cluster, n.Context.User
		}
	}
	web, err := newHTTPClient(p.getenv)
	if err != nil {
		return nil, err
	}
	k, transport := &kube{http: web}, web.Transport.(*http.Transport)
	web.Timeout = 0
	for _, n := range c.Clusters {
		if n.Name != cluster {
			continue
		}
		k.server = n.Cluster.Server
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(n.Cluster.CA)
		if proxy, err := url.Parse(n.Cluster.Proxy); err == nil && n.Cluster.Proxy != "" {
			transport.Proxy = http.ProxyURL(proxy)
		}
	}
	for _, u := range c.Users {
		if u.Name != user {
			continue
		}
		pair, err := tls.X509KeyPair(u.User.Cert, u.User.Key)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	if server != "" {
		k.server = "https://" + strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	}
	return k, nil
}

func (k *kube) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, k.server+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/strategic-merge-patch+json")
	}
	res, err := k.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		e := &kubeError{code: res.StatusCode, message: res.Status}
		var status metav1.Status
		if json.Unmarshal(text, &status) == nil && status.Message != "" {
			e.message = status.Message
		}
		e.wait, _ = retryAfter(res.Header)
		return e
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (k *kube) nodes(ctx context.Context, selector string) ([]corev1.Node, error) {
	path := "/api/v1/nodes"
	if selector != "" {
		path += "?labelSelector=" + url.QueryEscape(selector)
	}
	var list corev1.NodeList
	err := k.do(ctx, http.MethodGet, path, nil, &list)
	return list.Items, err
}

func (k *kube) node(ctx context.Context, name string) (*corev1.Node, error) {
	n := &corev1.Node{}
	err := k.do(ctx, http.MethodGet, "/api/v1/nodes/"+name, nil, n)
	return n, err
}

// conflicts is how often what somebody else changed meanwhile is read again.
const conflicts = 4

// update changes a node.
func (k *kube) update(ctx context.Context, name string, change func(*corev1.Node)) error {
	for n := 0; ; n++ {
		node, err := k.node(ctx, name)
		if err != nil {
			return err
		}
		change(node)
		err = k.do(ctx, http.MethodPut, "/api/v1/nodes/"+name, node, nil)
		if n == conflicts || !refused(err, http.StatusConflict) {
			return err
		}
	}
}

func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
