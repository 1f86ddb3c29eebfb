package kube_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hubwright/internal/kube"
	"hubwright/internal/sandbox/clustertest"
	"hubwright/internal/sandbox/pki"
)

// every is what a Cluster can be asked, by name.
func every(k *kube.Cluster) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"ServerVersion":     func(ctx context.Context) error { _, err := k.ServerVersion(ctx); return err },
		"Nodes":             func(ctx context.Context) error { _, err := k.Nodes(ctx); return err },
		"SystemPods":        func(ctx context.Context) error { _, err := k.SystemPods(ctx); return err },
		"Components":        func(ctx context.Context) error { _, err := k.Components(ctx); return err },
		"ClusterInfo":       func(ctx context.Context) error { _, err := k.ClusterInfo(ctx); return err },
		"CertificateExpiry": func(ctx context.Context) error { _, err := k.CertificateExpiry(ctx); return err },
		"EnsureScopedAccount": func(ctx context.Context) error {
			_, err := k.EnsureScopedAccount(ctx, kube.ScopedAccount{Namespace: "a", Name: "b", Role: "view", TTL: time.Hour})
			return err
		},
	}
}

// allFail expects each question to end with a Problem of that code.
func allFail(t *testing.T, k *kube.Cluster, code string, says ...string) {
	t.Helper()
	for name, ask := range every(k) {
		began := time.Now()
		p := asProblem(t, ask(t.Context()))
		if p.Code != code {
			t.Errorf("%s: %s, want %s: %s (%s)", name, p.Code, code, p, p.Detail)
		}
		for _, word := range says {
			if !strings.Contains(p.What+" "+p.Why+" "+p.Fix, word) {
				t.Errorf("%s does not say %q: %+v", name, word, p)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// kubeconfigFor is one with the CA, and a token as credential.
func kubeconfigFor(t *testing.T, server string, ca []byte) []byte {
	t.Helper()
	type object = map[string]any
	text, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{object{"name": "c", "cluster": object{"server": server, "certificate-authority-data": ca}}},
		"contexts": []any{object{"name": "c", "context": object{"cluster": "c", "user": "u"}}},
		"users":    []any{object{"name": "u", "user": object{"token": "t0ken"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// server answers each request with a status and a body.
func server(t *testing.T, status int, body string) (*httptest.Server, []byte) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func status(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"said %s","reason":%q,"code":%d}`, reason, reason, code)
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   string
		says   string
	}{
		"401":              {401, status(401, "Unauthorized"), "kube.unauthorized", "fetch the kubeconfig again"},
		"403":              {403, status(403, "Forbidden"), "kube.forbidden", "give the account the right"},
		"503":              {503, status(503, "ServiceUnavailable"), "kube.busy", "control plane nodes"},
		"504":              {504, status(504, "Timeout"), "kube.busy", "in time"},
		"401 without body": {401, "", "kube.unauthorized", "does not accept the credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ca := server(t, c.status, c.body)
			k := open(t, kubeconfigFor(t, s.URL, ca), kube.Way{})
			for name, ask := range every(k) {
				if name == "CertificateExpiry" {
					continue // the handshake is all that it wants
				}
				if p := asProblem(t, ask(t.Context())); p.Code != c.code || !strings.Contains(p.Why+p.Fix, c.says) {
					t.Errorf("%s: %+v", name, p)
				}
			}
		})
	}
}

func TestStranger(t *testing.T) {
	s, ca := server(t, 200, "<html>Welcome to the guest network</html>")
	_, err := open(t, kubeconfigFor(t, s.URL, ca), kube.Way{}).ServerVersion(t.Context())
	if p := asProblem(t, err); p.Code != "kube.stranger" || !strings.Contains(p.What, s.URL) {
		t.Errorf("%+v", p)
	}
}

func TestNotReadyIsSaid(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(500)
			io.WriteString(w, "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","items":[
			{"metadata":{"name":"kube-scheduler-m0"},"status":{"phase":"Running","containerStatuses":[{"ready":false,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}},
			{"metadata":{"name":"coredns-1"},"status":{"phase":"Pending"}}]}`)
	}))
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	parts, err := open(t, kubeconfigFor(t, s.URL, ca), kube.Way{}).Components(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range parts {
		if p.Healthy {
			t.Errorf("%s is called healthy", p.Name)
		}
		got[p.Name] = p.Message
	}
	if len(got) != 3 || got["kube-apiserver readyz"] != "not ready" || !strings.Contains(got["etcd"], "failed") || got["kube-scheduler-m0"] != "CrashLoopBackOff" {
		t.Errorf("%v", got)
	}
}

// TestSystemPods: what has done its work is left out; what waits is not well.
func TestSystemPods(t *testing.T) {
	s, ca := server(t, 200, `{"kind":"PodList","apiVersion":"v1","items":[
		{"metadata":{"name":"coredns-1"},"status":{"phase":"Pending"}},
		{"metadata":{"name":"kube-proxy-1"},"status":{"phase":"Running","containerStatuses":[{"ready":true}]}},
		{"metadata":{"name":"job-1"},"status":{"phase":"Succeeded"}}]}`)
	pods, err := open(t, kubeconfigFor(t, s.URL, ca), kube.Way{}).SystemPods(t.Context())
	if err != nil || len(pods) != 2 || pods[0].Healthy || pods[0].Message != "Pending" || !pods[1].Healthy {
		t.Errorf("%+v, %v", pods, err)
	}
}

func TestWrongCertificates(t *testing.T) {
	s, ca := server(t, 200, "{}")
	authority, err := pki.Open(t.TempDir(), "other", "other")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("another CA", func(t *testing.T) {
		allFail(t, open(t, kubeconfigFor(t, s.URL, authority.PEM()), kube.Way{}), "tls.authority", "the CA that the kubeconfig has", "fetch the kubeconfig again")
	})
	t.Run("another name", func(t *testing.T) {
		way := kube.Way{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
		}}
		allFail(t, open(t, kubeconfigFor(t, "https://elsewhere.seattle.cloudapp.azurestack.test", ca), way), "tls.name", "another name")
	})
	t.Run("no TLS", func(t *testing.T) {
		plain := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(plain.Close)
		allFail(t, open(t, kubeconfigFor(t, "https"+strings.TrimPrefix(plain.URL, "http"), ca), kube.Way{}), "tls.protocol", "not with TLS")
	})
	t.Run("credentials of another cluster", func(t *testing.T) {
		c := real(t)
		foreign := strings.ReplaceAll(string(kubeconfigFor(t, "https://"+clustertest.FQDN, nil)), `"certificate-authority-data":null`, `"certificate-authority-data":"`+caOf(t, c.Kubeconfig())+`"`)
		_, err := open(t, []byte(foreign), kube.Way{Dial: c.Dial}).Nodes(t.Context())
		if p := asProblem(t, err); p.Code != "kube.unauthorized" {
			t.Errorf("%+v", p)
		}
	})
}

func caOf(t *testing.T, kubeconfig []byte) string {
	t.Helper()
	var doc struct {
		Clusters []struct {
			Cluster struct {
				CA string `json:"certificate-authority-data"`
			}
		}
	}
	if err := json.Unmarshal(kubeconfig, &doc); err != nil || len(doc.Clusters) != 1 {
		t.Fatalf("%v, %d clusters", err, len(doc.Clusters))
	}
	return doc.Clusters[0].Cluster.CA
}

// TestNobodyAnswers: each question ends within the limit of a request.
func TestNobodyAnswers(t *testing.T) {
	_, ca := server(t, 200, "{}")
	const limit = 300 * time.Millisecond
	silent := silence(t)
	t.Run("accepts and says nothing", func(t *testing.T) {
		allFail(t, open(t, kubeconfigFor(t, "https://"+silent, ca), kube.Way{Timeout: limit}), "net.timeout", "no answer from the API server in time")
	})
	t.Run("handshake, then nothing", func(t *testing.T) {
		stop := make(chan struct{})
		s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
			panic(http.ErrAbortHandler) // returning would be an answer: 200 with nothing in it
		}))
		t.Cleanup(func() { close(stop); s.Close() })
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		allFail(t, open(t, kubeconfigFor(t, s.URL, ca), kube.Way{Timeout: limit}), "net.timeout")
	})
	t.Run("a silent proxy", func(t *testing.T) {
		allFail(t, open(t, kubeconfigFor(t, "https://"+clustertest.FQDN, ca), kube.Way{Proxy: "http://" + silent, Timeout: limit}), "net.timeout")
	})
	t.Run("the caller's deadline is shorter", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := open(t, kubeconfigFor(t, "https://"+silent, ca), kube.Way{}).Nodes(ctx)
		if p := asProblem(t, err); p.Code != "net.timeout" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("a cancel is no problem", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := open(t, kubeconfigFor(t, "https://"+silent, ca), kube.Way{}).Nodes(ctx); err == nil || ctx.Err() == nil || strings.Contains(err.Error(), "in time") {
			t.Errorf("%v", err)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		allFail(t, open(t, kubeconfigFor(t, "https://"+freeAddress(t), ca), kube.Way{}), "net.refused", "the API server")
	})
}

// silence is an address that accepts and never says a word.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		var kept []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			kept = append(kept, c)
		}
		for _, c := range kept {
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestProxy(t *testing.T) {
	c := real(t)
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	t.Run("refuses", func(t *testing.T) {
		allFail(t, open(t, c.Kubeconfig(), kube.Way{Proxy: proxy.URL}), "net.proxy", "proxy")
		if got := asked.Load(); got != "CONNECT "+clustertest.FQDN+":443" {
			t.Errorf("the proxy was asked %q", got)
		}
	})
	t.Run("is away", func(t *testing.T) {
		allFail(t, open(t, c.Kubeconfig(), kube.Way{Proxy: "http://" + freeAddress(t)}), "net.proxy")
	})
	t.Run("the environment's is not used", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", proxy.URL)
		if _, err := open(t, c.Kubeconfig(), kube.Way{Dial: c.Dial}).ServerVersion(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
