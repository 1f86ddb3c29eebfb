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
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const (
	retries          = 3
	firstPause       = 800 * time.Millisecond
	longestPause     = time.Minute
	pollPause        = 30 * time.Second // without a header that says otherwise
	deployLimit      = 150 * time.Minute
	resourcesVersion = "2019-10-01"
	computeVersion   = "2020-06-01"
)

type object = map[string]any

// client speaks to ARM.
type client struct {
	http         *http.Client
	endpoint     string // https://management.region.domain
	subscription string
	token        string
	language     string
	hasten       time.Duration // pauses are divided by it; 0 for none
}

func (c *client) subscriptionPath() string { return "/subscriptions/" + c.subscription }

func (c *client) groupPath(group string) string {
	return c.subscriptionPath() + "/resourcegroups/" + url.PathEscape(group)
}

// newHTTPClient honours HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR of the environment, as Go programs do.
func newHTTPClient(getenv func(string) string) (*http.Client, error) {
	either := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return getenv(strings.ToLower(name))
	}
	proxies := (&httpproxy.Config{HTTPProxy: either("HTTP_PROXY"), HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}).ProxyFunc()
	pool, err := trusted(getenv)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:           func(r *http.Request) (*url.URL, error) { return proxies(r.URL) },
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: transport, Timeout: 2 * time.Minute}, nil
}

func trusted(getenv func(string) string) (*x509.CertPool, error) {
	var files []string
	if file := getenv("SSL_CERT_FILE"); file != "" {
		files = append(files, file)
	}
	if dir := getenv("SSL_CERT_DIR"); dir != "" {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			files = append(files, dir+"/"+e.Name())
		}
	}
	if files == nil {
		return x509.SystemCertPool()
	}
	pool := x509.NewCertPool()
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil { // one that can't be read counts for nothing
			pool.AppendCertsFromPEM(text)
		}
	}
	return pool, nil
}

// answer is an HTTP answer with its body.
type answer struct {
	method string
	url    *url.URL
	status int
	header http.Header
	body   []byte
}

// call sends a request to ARM, and again while ARM is throttled or ill. The target is a path, or a whole URL.
func (c *client) call(ctx context.Context, method, target string, body any) (answer, error) {
	var raw []byte
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
		header.Set("Content-Type", "application/json")
	}
	if c.language != "" {
		header.Set("Accept-Language", c.language)
	}
	if strings.HasPrefix(target, "/") {
		target = c.endpoint + target
	}
	return c.try(ctx, func() (answer, error) { return c.once(ctx, method, target, raw, header) })
}

// try repeats what fails in a way that may pass.
func (c *client) try(ctx context.Context, send func() (answer, error)) (answer, error) {
	for n := 0; ; n++ {
		a, err := send()
		if n == retries || err == nil && !mayPass(a.status) || ctx.Err() != nil {
			return a, err
		}
		// 0.8, 2.4 and 5.6 seconds, give or take some.
		pause := time.Duration(float64(firstPause) * float64(int(2)<<n-1) * (0.8 + rand.Float64()*0.5))
		if asked, ok := retryAfter(a.header); ok {
			pause = asked
		}
		if err := sleep(ctx, min(pause, longestPause)/max(1, c.hasten)); err != nil {
			return a, err
		}
	}
}

func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *client) once(ctx context.Context, method, target string, raw []byte, header http.Header) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(raw))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
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
	return answer{method, req.URL, res.StatusCode, res.Header, text}, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter is how long an answer asks to wait.
func retryAfter(h http.Header) (time.Duration, bool) {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.Atoi(h.Get(name)); err == nil && ms > 0 {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil && time.Until(at) > 0 {
		return time.Until(at), true
	}
	return 0, false
}

var dashes = strings.Repeat("-", 80) + "\n"

// failure is a refusal in the words in which the SDK prints it.
func (a answer) failure() error {
	var doc struct {
		Code  string `json:"code"`
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(a.body, &doc)
	code := "ERROR CODE UNAVAILABLE"
	for _, found := range []string{a.header.Get("X-Ms-Error-Code"), doc.Error.Code, doc.Code} {
		if found != "" {
			code = "ERROR CODE: " + found
			break
		}
	}
	text := "Response contained no body\n"
	if len(a.body) > 0 {
		var pretty bytes.Buffer
		if json.Indent(&pretty, a.body, "", "  ") != nil {
			pretty.Reset()
			pretty.Write(a.body)
		}
		text = pretty.String() + "\n"
	}
	return fmt.Errorf("%s %s://%s%s\n%sRESPONSE %d: %d %s\n%s\n%s%s%s", a.method, a.url.Scheme, a.url.Host, a.url.Path,
		dashes, a.status, a.status, http.StatusText(a.status), code, dashes, text, dashes)
}

var tenantFormat = regexp.MustCompile(`authorization_uri=".*/([0-9a-f\-]+)"`)

// tenant asks with a token that nobody issued: the refusal names the tenant.
func (c *client) tenant(ctx context.Context) (string, error) {
	stranger := *c
	stranger.token = "fake_token"
	a, err := stranger.call(ctx, http.MethodGet, c.subscriptionPath()+"?api-version=2016-06-01", nil)
	if err != nil {
		return "", &crashError{}
	}
	if a.status != http.StatusUnauthorized {
		return "", fmt.Errorf("Unexpected response from Get Subscription: %d", a.status)
	}
	header := a.header.Get("WWW-Authenticate")
	if header == "" {
		return "", errors.New("Header WWW-Authenticate not found in Get Subscription response")
	}
	m := tenantFormat.FindStringSubmatch(header)
	if m == nil {
		return "", fmt.Errorf("Could not find the tenant ID in header: WWW-Authenticate %q", header)
	}
	return m[1], nil
}
