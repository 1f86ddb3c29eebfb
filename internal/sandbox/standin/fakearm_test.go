package standin

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	subscriptionID = "99999999-1111-4111-8111-111111111111"
	tenantID       = "aaaaaaaa-0000-4000-8000-00000000cafe"
	clientUUID     = "11111111-2222-4333-8444-555555555555"
	goodSecret     = "s3cret/with+signs"
	audience       = "https://management.sandbox.onmicrosoft.com/guid"
	region         = "seattle"
	domain         = "azurestack.test"
)

// hub is the least of an Azure Stack Hub that the engine asks for, behind a CONNECT proxy.
type hub struct {
	adfs         bool
	status       map[string]int    // by "METHOD last-path-segment": answer this instead
	body         map[string]string // the body that goes with it
	failures     map[string]int    // answer 500 so often first
	unregistered bool
	noTenant     bool
	groupExists  bool
	polls        int    // how often a deployment is still running
	pollFailure  string // how it ends, when not well

	hosts   map[string]http.Handler // hosts that something else plays
	apiPair *tls.Certificate        // of the cluster's API server
	proxy   string
	caFile  string

	mu         sync.Mutex
	requests   []string
	forms      []url.Values
	deployment map[string]any
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{status: map[string]int{}, body: map[string]string{}, failures: map[string]int{}, polls: 2}
	cert := h.certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.proxy = "http://" + l.Addr().String()
	inner := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h, TLSConfig: &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.apiPair != nil && strings.Contains(hello.ServerName, ".cloudapp.") {
			return h.apiPair, nil
		}
		return &cert, nil
	}}}
	go server.Serve(tls.NewListener(inner, server.TLSConfig))
	door := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, "."+domain+":443") {
			http.Error(w, "not in this world", http.StatusForbidden)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		inner.give(bufferedConn{conn, rw.Reader})
	})}
	go door.Serve(l)
	t.Cleanup(func() { inner.Close(); server.Close(); door.Close() })
	return h
}

type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c bufferedConn) Read(b []byte) (int, error) { return c.r.Read(b) }

type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (h *hub) certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"*." + region + "." + domain}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	h.caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(h.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// seen are the requests so far, with the parts that differ between runs made equal.
func (h *hub) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.requests...)
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	last := path[strings.LastIndexByte(path, '/')+1:]
	key := r.Method + " " + last
	if strings.Contains(path, "/deployments/") {
		key = r.Method + " deployment"
		if strings.Contains(path, "/operationstatuses/") {
			key = r.Method + " poll"
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, r.Method+" "+r.Host+r.URL.RequestURI())
	if other := h.hosts[r.Host]; other != nil {
		h.mu.Unlock()
		defer h.mu.Lock()
		other.ServeHTTP(w, r)
		return
	}
	if h.failures[key] > 0 {
		h.failures[key]--
		w.Header().Set("Retry-After-Ms", "1")
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if status, ok := h.status[key]; ok {
		w.WriteHeader(status)
		io.WriteString(w, h.body[key])
		return
	}
	h.answer(w, r, key, path)
}

func (h *hub) answer(w http.ResponseWriter, r *http.Request, key, path string) {
	reply := func(status int, v any) { w.WriteHeader(status); json.NewEncoder(w).Encode(v) }
	type m = map[string]any
	switch {
	case strings.HasPrefix(path, "/metadata/"):
		login := "https://login." + region + "." + domain + "/"
		if h.adfs {
			login = "https://adfs." + region + "." + domain + "/adfs"
		}
		reply(200, m{"galleryEndpoint": "https://gallery." + domain, "graphEndpoint": "https://graph." + domain, "portalEndpoint": "https://portal." + domain,
			"authentication": m{"loginEndpoint": login, "audiences": []string{audience}}})
	case strings.HasSuffix(path, "/openid-configuration"):
		at := "https://" + r.Host + strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, "/.well-known/openid-configuration"), "/v2.0")
		reply(200, m{"authorization_endpoint": at + "/oauth2/authorize", "token_endpoint": at + "/oauth2/token", "issuer": at})
	case strings.HasSuffix(path, "/oauth2/token"):
		r.ParseForm()
		h.forms = append(h.forms, r.PostForm)
		if s := r.PostForm.Get("client_secret"); s != goodSecret && r.PostForm.Get("client_assertion") == "" {
			reply(401, m{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
			return
		}
		reply(200, m{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "good"})
	case r.Header.Get("Authorization") != "Bearer good":
		if !h.noTenant {
			w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="https://login.`+region+`.`+domain+`/`+tenantID+`", error="invalid_token"`)
		}
		reply(401, m{"error": m{"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}})
	case strings.HasSuffix(path, "/register"):
		reply(200, m{"namespace": "x"})
	case strings.HasSuffix(path, "/providers"):
		state := "Registered"
		if h.unregistered {
			state = "NotRegistered"
		}
		reply(200, m{"value": []m{{"namespace": "Microsoft.Compute", "registrationState": state}, {"namespace": "Microsoft.Storage", "registrationState": state}, {"namespace": "Microsoft.Network", "registrationState": state}}})
	case strings.Contains(path, "/vmimage/"):
		reply(200, m{"id": r.URL.Path})
	case strings.Contains(path, "/deployments/"):
		h.deploy(w, r, key)
	case r.Method == http.MethodGet && !h.groupExists:
		reply(404, m{"error": m{"code": "ResourceGroupNotFound", "message": "Resource group could not be found."}})
	default:
		h.groupExists = true
		reply(201, m{"name": "rg", "tags": m{"owner": "ana"}})
	}
}

func (h *hub) deploy(w http.ResponseWriter, r *http.Request, key string) {
	switch key {
	case "PUT deployment":
		if err := json.NewDecoder(r.Body).Decode(&h.deployment); err != nil {
			w.WriteHeader(400)
			return
		}
		w.Header().Set("Azure-AsyncOperation", "https://"+r.Host+r.URL.Path+"/operationStatuses/1?api-version=2019-10-01")
		w.Header().Set("Retry-After-Ms", "1")
		w.WriteHeader(201)
		io.WriteString(w, `{"properties":{"provisioningState":"Accepted"}}`)
	case "GET poll":
		w.Header().Set("Retry-After-Ms", "1")
		switch h.polls--; {
		case h.polls > 0:
			io.WriteString(w, `{"status":"Running"}`)
		case h.pollFailure != "":
			io.WriteString(w, h.pollFailure)
		default:
			io.WriteString(w, `{"status":"Succeeded"}`)
		}
	default:
		io.WriteString(w, `{"properties":{"provisioningState":"Succeeded"}}`)
	}
}

//go:embed testdata/model.json
var sample []byte

// run is a run of the command in a folder of its own.
type run struct {
	dir            string
	code           int
	stdout, stderr string
}

func (h *hub) env(dir string) func(string) string {
	env := map[string]string{"HOME": dir, "TMPDIR": dir, "HTTPS_PROXY": h.proxy, "SSL_CERT_FILE": h.caFile, BitsVariable: "2048", VersionVariable: "v0.85.0"}
	return func(name string) string { return env[name] }
}

// model is the sample model of the sandbox, changed and written to a file.
func model(t *testing.T, dir string, change func(m map[string]any)) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(sample, &m); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "model.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// at gives the object at a path of keys, of which numbers count in lists.
func at(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		switch v := m[key].(type) {
		case []any:
			m = v[0].(map[string]any)
		case map[string]any:
			m = v
		default:
			panic(fmt.Sprintf("no %s", key))
		}
	}
	return m
}

// newRun prepares a folder with known hosts, so that no warning about them comes.
func newRun(t *testing.T) *run {
	t.Helper()
	r := &run{dir: t.TempDir()}
	t.Chdir(r.dir)
	if err := os.MkdirAll(filepath.Join(r.dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, ".ssh", "known_hosts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *run) main(h *hub, args ...string) *run {
	var out, errOut strings.Builder
	r.code = Main(args, h.env(r.dir), strings.NewReader(""), &out, &errOut)
	r.stdout, r.stderr = out.String(), errOut.String()
	return r
}

// deployArgs are the arguments of a deploy that goes well.
func (r *run) deployArgs(file string, more ...string) []string {
	return append([]string{"deploy", "--azure-env", "AzureStackCloud", "-l", region, "-g", "rg1", "-s", subscriptionID, "--client-id", clientUUID,
		"--client-secret", goodSecret, "-m", file, "-o", filepath.Join(r.dir, "out")}, more...)
}
