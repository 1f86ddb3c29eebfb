package azurestack

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	w "hubwright/workflows"
)

const (
	seattle  = "management.seattle.azurestack.test"
	orlando  = "management.orlando.azurestack.test"
	tenant   = "11111111-2222-3333-4444-555555555555"
	subID    = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	audience = "https://management.adfs.azurestack.test/3cc5febd"
	goodID   = "the-client"
	goodPass = "the-secret"
)

// fault is what the fake answers instead of the truth.
type fault struct {
	status int
	body   string
	async  bool // the body is what the operation ends with, with HTTP 200
	left   int  // how often, 0: always
}

// fakeHub is a small Azure Stack Hub behind a CONNECT proxy: metadata, token
// services of both kinds, resources as documents, long-running operations.
type fakeHub struct {
	t     *testing.T
	ca    string // PEM of its root
	proxy string
	root  *x509.Certificate

	mu        sync.Mutex
	resources map[string]map[string]any // by lower-case ID
	lists     map[string]any            // exact answers by lower-case path
	faults    map[string]*fault         // by METHOD and lower-case path
	onRead    map[string]func()
	metadata  string   // replaces the document when set
	calls     []string // METHOD path of changes
	reads     []string
	tokens    []url.Values // forms of token requests
	ops       map[string]*operationDoc
}

type operationDoc struct {
	polls  int
	body   string
	onDone func()
}

func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	f := &fakeHub{
		t: t, resources: map[string]map[string]any{}, lists: map[string]any{},
		faults: map[string]*fault{}, ops: map[string]*operationDoc{}, onRead: map[string]func(){},
	}
	cert := f.makeCertificates()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f.proxy = startProxy(t, srv.Listener.Addr().String())
	f.lists["/subscriptions/"+subID] = map[string]any{"subscriptionId": subID, "displayName": "Ratings", "state": "Enabled"}
	return f
}

func (f *fakeHub) makeCertificates() tls.Certificate {
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AzureStackSelfSignedRootCert"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER := must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	f.root = must(x509.ParseCertificate(rootDER))
	f.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "azurestack"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{seattle, orlando, "login.seattle.azurestack.test", "adfs.orlando.azurestack.test"},
	}
	der := must(x509.CreateCertificate(rand.Reader, leaf, f.root, key.Public(), rootKey))
	return tls.Certificate{Certificate: [][]byte{der, rootDER}, PrivateKey: key}
}

// startProxy answers CONNECT for the names of the stamps and leads all of
// them to addr.
func startProxy(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go tunnel(c, addr)
		}
	}()
	return "http://" + l.Addr().String()
}

func tunnel(c net.Conn, addr string) {
	defer c.Close()
	br := bufio.NewReader(c)
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	if req.Method != http.MethodConnect || !strings.HasSuffix(req.URL.Hostname(), ".azurestack.test") {
		fmt.Fprint(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	up, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer up.Close()
	fmt.Fprint(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { io.Copy(up, br); up.(*net.TCPConn).CloseWrite() }()
	io.Copy(c, up)
}

func (f *fakeHub) serve(rw http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimSuffix(strings.ToLower(r.URL.Path), "/")
	switch {
	case strings.HasPrefix(path, "/metadata/"):
		f.serveMetadata(rw, r)
	case strings.HasSuffix(path, "/.well-known/openid-configuration"):
		f.serveOpenID(rw, r)
	case strings.HasSuffix(path, "/token"):
		f.serveToken(rw, r)
	default:
		f.serveARM(rw, r, path)
	}
}

func (f *fakeHub) serveMetadata(rw http.ResponseWriter, r *http.Request) {
	if f.metadata != "" {
		io.WriteString(rw, f.metadata)
		return
	}
	login := "https://login.seattle.azurestack.test/"
	if strings.HasPrefix(r.Host, orlando) {
		login = "https://adfs.orlando.azurestack.test/adfs"
	}
	fmt.Fprintf(rw, `{"galleryEndpoint":"","graphEndpoint":"https://graph.test/","portalEndpoint":"",
		"authentication":{"loginEndpoint":%q,"audiences":[%q]}}`, login, audience)
}

func (f *fakeHub) serveOpenID(rw http.ResponseWriter, r *http.Request) {
	base := "https://" + r.Host + strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, "/.well-known/openid-configuration"), "/v2.0")
	fmt.Fprintf(rw, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q}`,
		base+"/v2.0", base+"/oauth2/v2.0/authorize", base+"/oauth2/v2.0/token")
}

func (f *fakeHub) serveToken(rw http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	f.tokens = append(f.tokens, r.PostForm)
	rw.Header().Set("Content-Type", "application/json")
	asserted := r.PostForm.Get("client_assertion") != ""
	if r.PostForm.Get("client_id") != goodID || (!asserted && r.PostForm.Get("client_secret") != goodPass) {
		rw.WriteHeader(http.StatusUnauthorized)
		io.WriteString(rw, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}`)
		return
	}
	io.WriteString(rw, `{"token_type":"Bearer","expires_in":3600,"access_token":"good-token"}`)
}

func (f *fakeHub) serveARM(rw http.ResponseWriter, r *http.Request, path string) {
	if r.Header.Get("Authorization") != "Bearer good-token" {
		rw.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="https://login.seattle.azurestack.test/%s", error="invalid_token"`, tenant))
		armError(rw, http.StatusUnauthorized, "InvalidAuthenticationToken", "no token")
		return
	}
	if op, ok := strings.CutPrefix(path, "/operations/"); ok {
		f.serveOperation(rw, op)
		return
	}
	if r.URL.Query().Get("api-version") == "" {
		armError(rw, http.StatusBadRequest, "MissingApiVersionParameter", "no version")
		return
	}
	if fa := f.faults[r.Method+" "+path]; fa != nil {
		if fa.left > 0 {
			if fa.left--; fa.left == 0 {
				delete(f.faults, r.Method+" "+path)
			}
		}
		f.misbehave(rw, fa)
		return
	}
	switch r.Method {
	case http.MethodGet:
		f.reads = append(f.reads, path)
		f.read(rw, path)
		if hook := f.onRead[path]; hook != nil {
			hook()
		}
	case http.MethodPut, http.MethodPatch:
		f.calls = append(f.calls, r.Method+" "+path)
		f.put(rw, r, path)
	case http.MethodPost:
		f.calls = append(f.calls, r.Method+" "+path)
		f.post(rw, path)
	}
}

func (f *fakeHub) misbehave(rw http.ResponseWriter, fa *fault) {
	rw.Header().Set("Content-Type", "application/json")
	if fa.async {
		f.async(rw, fa.body, nil)
		rw.WriteHeader(http.StatusCreated)
		io.WriteString(rw, `{"properties":{"provisioningState":"Creating"}}`)
		return
	}
	rw.Header().Set("retry-after-ms", "1")
	rw.WriteHeader(fa.status)
	io.WriteString(rw, fa.body)
}

func (f *fakeHub) read(rw http.ResponseWriter, path string) {
	rw.Header().Set("Content-Type", "application/json")
	if doc, ok := f.lists[path]; ok {
		json.NewEncoder(rw).Encode(doc)
		return
	}
	if doc, ok := f.resources[path]; ok {
		json.NewEncoder(rw).Encode(doc)
		return
	}
	armError(rw, http.StatusNotFound, "ResourceNotFound", "The Resource was not found.")
}

// put keeps the document. Resource groups are there at once, the rest after
// an operation that has to be polled twice.
func (f *fakeHub) put(rw http.ResponseWriter, r *http.Request, path string) {
	doc := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
		f.t.Errorf("%s %s: %v", r.Method, path, err)
	}
	doc["id"] = r.URL.Path
	doc["name"] = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	props, _ := doc["properties"].(map[string]any)
	if props == nil {
		props = map[string]any{}
		doc["properties"] = props
	}
	rw.Header().Set("Content-Type", "application/json")
	if !strings.Contains(path, "/providers/") {
		if old := f.resources[path]; old != nil && r.Method == http.MethodPatch {
			old["tags"] = doc["tags"]
			json.NewEncoder(rw).Encode(old)
			return
		}
		f.resources[path] = doc
		rw.WriteHeader(http.StatusCreated)
		json.NewEncoder(rw).Encode(doc)
		return
	}
	props["provisioningState"] = "Creating"
	f.resources[path] = doc
	f.async(rw, `{"status":"Succeeded"}`, func() {
		props["provisioningState"] = "Succeeded"
		if strings.Contains(path, "/publicipaddresses/") {
			dns, _ := props["dnsSettings"].(map[string]any)
			dns["fqdn"] = fmt.Sprint(dns["domainNameLabel"]) + ".seattle.cloudapp.azurestack.test"
			props["ipAddress"] = "127.0.10.1"
		}
		if strings.Contains(path, "/virtualmachines/") {
			props["instanceView"] = map[string]any{"statuses": []any{map[string]any{"code": "PowerState/running"}}}
		}
	})
	rw.WriteHeader(http.StatusCreated)
	json.NewEncoder(rw).Encode(doc)
}

func (f *fakeHub) post(rw http.ResponseWriter, path string) {
	switch {
	case strings.HasSuffix(path, "/register"):
		id := strings.TrimSuffix(path, "/register")
		doc := f.lists[id].(map[string]any)
		doc["registrationState"] = "Registered"
		json.NewEncoder(rw).Encode(doc)
	case strings.HasSuffix(path, "/start"):
		vm := f.resources[strings.TrimSuffix(path, "/start")]
		f.async(rw, `{"status":"Succeeded"}`, func() {
			vm["properties"].(map[string]any)["instanceView"] = map[string]any{"statuses": []any{map[string]any{"code": "PowerState/running"}}}
		})
		rw.WriteHeader(http.StatusAccepted)
	}
}

// async begins an operation that ends with body.
func (f *fakeHub) async(rw http.ResponseWriter, body string, onDone func()) {
	id := fmt.Sprint(len(f.ops))
	f.ops[id] = &operationDoc{body: body, onDone: onDone}
	rw.Header().Set("Azure-AsyncOperation", "https://"+seattle+"/operations/"+id)
	rw.Header().Set("retry-after-ms", "1")
}

func (f *fakeHub) serveOperation(rw http.ResponseWriter, id string) {
	op := f.ops[id]
	rw.Header().Set("Content-Type", "application/json")
	if op.polls++; op.polls < 2 {
		rw.Header().Set("retry-after-ms", "1")
		io.WriteString(rw, `{"status":"InProgress"}`)
		return
	}
	if op.onDone != nil {
		op.onDone()
	}
	io.WriteString(rw, op.body)
}

func armError(rw http.ResponseWriter, status int, code, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(map[string]any{"error": map[string]any{"code": code, "message": message}})
}

func (f *fakeHub) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.calls...)
}

func (f *fakeHub) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// safe holds secrets by name.
type safe map[w.SecretRef]string

func (s safe) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	v, ok := s[ref]
	if !ok {
		return nil, errors.New("no such secret")
	}
	return []byte(v), nil
}

func (f *fakeHub) stack(identity w.IdentitySystem) w.Stack {
	s := w.Stack{
		ID: "stk", Name: "Seattle", ARMEndpoint: "https://" + seattle, Region: "seattle",
		Metadata: w.HubMetadata{Identity: w.IdentityEntra, LoginEndpoint: "https://login.seattle.azurestack.test/", Audience: audience, TenantID: tenant},
		TenantID: tenant, SubscriptionID: subID, CABundle: f.ca, HTTPSProxy: f.proxy,
		Credential: w.Credential{Method: w.AuthSecret, ClientID: goodID, Secret: "pass"},
	}
	if identity == w.IdentityADFS {
		s.ARMEndpoint, s.Region, s.TenantID = "https://"+orlando, "orlando", "adfs"
		s.Metadata.Identity, s.Metadata.LoginEndpoint, s.Metadata.TenantID = identity, "https://adfs.orlando.azurestack.test/adfs", "adfs"
	}
	return s
}

// hub opens the fake with an impatient poller.
func (f *fakeHub) hub(t *testing.T, s w.Stack) *Hub {
	t.Helper()
	h, err := New(safe{"pass": goodPass, "cert": clientPEM(t)}).Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	h.every = time.Millisecond
	return h
}

func clientPEM(t *testing.T) string {
	t.Helper()
	key := rsaKey()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "principal"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func asProblem(t *testing.T, err error) *w.Problem {
	t.Helper()
	var p *w.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%T %v is not a Problem", err, err)
	}
	if p.What == "" || p.Fix == "" {
		t.Errorf("Problem %s lacks words: %+v", p.Code, p)
	}
	return p
}
