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
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	callTries    = 4
	callPause    = 800 * time.Millisecond
	pollPause    = 30 * time.Second // without a header that says otherwise
	deployLimit  = 150 * time.Minute
	groupVersion = "2019-10-01"
)

// client speaks to a Hub's ARM and token service.
type client struct {
	http     *http.Client
	endpoint string // https://management.local.azurestack.external
	token    string
}

// newClient honours HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE of the given
// environment, as Go programs do.
func newClient(getenv func(string) string) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if file := getenv("SSL_CERT_FILE"); file != "" {
		pem, err := os.ReadFile(file)
		if err == nil {
			pool = x509.NewCertPool()
			pool.AppendCertsFromPEM(pem)
		}
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: false}
	proxy := getenv("HTTPS_PROXY")
	if proxy == "" {
		proxy = getenv("https_proxy")
	}
	if proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, err
		}
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if excepted(r.URL.Hostname(), getenv("NO_PROXY")) {
				return nil, nil
			}
			return u, nil
		}
	}
	return &http.Client{Transport: t, Timeout: 2 * time.Minute}, nil
}

func excepted(host, noProxy string) bool {
	for _, part := range strings.Split(noProxy, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), ".")
		if part != "" && (part == "*" || host == part || strings.HasSuffix(host, "."+part)) {
			return true
		}
	}
	return false
}

// answer is an HTTP answer with its body.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL
	method string
}

func (a answer) json(v any) error { return json.Unmarshal(a.body, v) }

// call sends one request, again after throttling and faults of the server.
func (c *client) call(ctx context.Context, method, target string, body any) (answer, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	if !strings.HasPrefix(target, "https://") {
		target = c.endpoint + target
	}
	var last answer
	var err error
	for try := range callTries {
		if last, err = c.once(ctx, method, target, raw); err == nil && !passing(last.status) {
			return last, nil
		}
		pause := callPause<<try + time.Duration(try)*callPause
		if d, ok := retryAfter(last.header); ok {
			pause = min(d, time.Minute)
		}
		if try+1 < callTries && !sleep(ctx, pause) {
			return last, ctx.Err()
		}
	}
	return last, err
}

func passing(status int) bool {
	switch status {
	case 408, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

func (c *client) once(ctx context.Context, method, target string, raw []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(raw))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	if raw != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	return answer{res.StatusCode, res.Header, text, req.URL, method}, err
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func retryAfter(h http.Header) (time.Duration, bool) {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.Atoi(h.Get(name)); err == nil {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil {
		return time.Duration(s) * time.Second, true
	}
	return 0, false
}

var dashes = strings.Repeat("-", 80)

// failure is a refused request, in the words in which the SDK prints it.
func (a answer) failure() error {
	code := "ERROR CODE UNAVAILABLE"
	var doc struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(a.body, &doc)
	if doc.Error.Code != "" {
		code = "ERROR CODE: " + doc.Error.Code
	}
	if h := a.header.Get("X-Ms-Error-Code"); h != "" {
		code = "ERROR CODE: " + h
	}
	text := a.body
	var pretty bytes.Buffer
	if json.Indent(&pretty, bytes.TrimSpace(a.body), "", "  ") == nil {
		text = pretty.Bytes()
	}
	place := *a.url
	place.RawQuery = ""
	return fmt.Errorf("%s %s\n%s\nRESPONSE %d: %d %s\n%s\n%s\n%s\n%s\n", a.method, place.String(), dashes, a.status, a.status, http.StatusText(a.status), code, dashes, text, dashes)
}

// endpoints asks the Hub for its metadata.
func (c *client) endpoints(ctx context.Context) (metadata, error) {
	var m metadata
	target := c.endpoint + "/metadata/endpoints?api-version=1.0"
	a, err := c.once(ctx, http.MethodGet, target, nil)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("Status Code %d", a.status)
	}
	if err == nil {
		err = a.json(&m)
	}
	if err == nil && (m.Graph == "" || m.Authentication.Login == "" || len(m.Authentication.Audiences) == 0) {
		err = errors.New("the metadata is incomplete")
	}
	if err != nil {
		return m, fmt.Errorf("%w . apimodel invalid: failed to retrieve custom endpoints from metadataURL %s", err, target)
	}
	return m, nil
}

type metadata struct {
	Gallery        string `json:"galleryEndpoint"`
	Graph          string `json:"graphEndpoint"`
	Portal         string `json:"portalEndpoint"`
	Authentication struct {
		Login     string   `json:"loginEndpoint"`
		Audiences []string `json:"audiences"`
	} `json:"authentication"`
}

var tenantForm = regexp.MustCompile(`authorization_uri=".*/([0-9a-f\-]+)"`)

// tenant asks with a token that nobody issued: the refusal names the tenant.
func (c *client) tenant(ctx context.Context, subscription string) (string, error) {
	probe := *c
	probe.token = "fake_token"
	a, err := probe.call(ctx, http.MethodGet, "/subscriptions/"+subscription+"?api-version=2016-06-01", nil)
	if err != nil {
		return "", &crashError{}
	}
	if a.status != http.StatusUnauthorized {
		return "", fmt.Errorf("Unexpected response from Get Subscription: %d", a.status)
	}
	m := tenantForm.FindStringSubmatch(a.header.Get("WWW-Authenticate"))
	if m == nil {
		return "", errors.New("Header WWW-Authenticate not found in Get Subscription response")
	}
	return m[1], nil
}

// follow polls a deployment to its end. The error is how the real program
// prints a failure.
func (c *client) follow(ctx context.Context, put answer) error {
	poll := put.header.Get("Azure-AsyncOperation")
	if poll == "" {
		return nil
	}
	if d, ok := retryAfter(put.header); ok && !sleep(ctx, d) {
		return ctx.Err()
	}
	for {
		a, err := c.call(ctx, http.MethodGet, poll, nil)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return a.failure()
		}
		var doc struct {
			Status string `json:"status"`
		}
		if err := a.json(&doc); err != nil {
			return err
		}
		switch strings.ToLower(doc.Status) {
		case "succeeded":
			return nil
		case "failed", "canceled", "cancelled":
			return a.failure()
		}
		pause, ok := retryAfter(a.header)
		if !ok {
			pause = pollPause
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}
