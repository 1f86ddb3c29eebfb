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

// follow polls a deployment to its end, and then reads it. A deployment that is over with its first answer isn't polled.
func (c *client) follow(ctx context.Context, put answer, target string) error {
	if status := provisioning(put.body); ended(status) {
		return outcome(put, status)
	}
	if poll := put.header.Get("Azure-AsyncOperation"); poll != "" {
		if err := c.poll(ctx, put.header, poll, operation); err != nil {
			return err
		}
		return c.read(ctx, target)
	}
	return c.poll(ctx, put.header, target, provisioning)
}

func (c *client) read(ctx context.Context, target string) error {
	a, err := c.call(ctx, http.MethodGet, target, nil)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusNoContent {
		err = a.failure()
	}
	return err
}

// poll asks for a status until it is final. The headers of each answer say when to ask again.
func (c *client) poll(ctx context.Context, header http.Header, url string, status func([]byte) string) error {
	pause, wait := retryAfter(header)
	for {
		if wait {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
		}
		a, err := c.call(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK && a.status != http.StatusCreated && a.status != http.StatusAccepted {
			return a.failure()
		}
		switch s := status(a.body); {
		case s == "":
			return errors.New("the response did not contain a status")
		case ended(s):
			return outcome(a, s)
		}
		if pause, wait = retryAfter(a.header); !wait {
			pause, wait = pollPause, true
		}
	}
}

// change sends a request that changes something, and waits until that is done.
func (c *client) change(ctx context.Context, method, target string) error {
	a, err := c.call(ctx, method, target, nil)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK || a.status == http.StatusNoContent:
		return nil
	case a.status != http.StatusAccepted:
		return a.failure()
	}
	place := a.header.Get("Location")
	if poll := a.header.Get("Azure-AsyncOperation"); poll != "" {
		if err := c.poll(ctx, a.header, poll, operation); err != nil || method != http.MethodPost || place == "" {
			return err
		}
		return c.read(ctx, place)
	}
	if place == "" {
		return errors.New("response is missing polling URL")
	}
	return c.followLocation(ctx, a, place)
}

// followLocation polls where an answer of 202 means not yet.
func (c *client) followLocation(ctx context.Context, a answer, place string) error {
	for first := true; a.status == http.StatusAccepted; first = false {
		pause, ok := retryAfter(a.header)
		if !ok && !first {
			pause = pollPause
		}
		err := sleep(ctx, pause)
		if err == nil {
			a, err = c.call(ctx, http.MethodGet, place, nil)
		}
		if err != nil {
			return err
		}
	}
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		return a.failure()
	}
	return nil
}

func operation(body []byte) string {
	var doc struct {
		Status string `json:"status"`
	}
	_ = json.Unmarshal(body, &doc)
	return doc.Status
}

func provisioning(body []byte) string {
	var doc struct {
		Properties struct {
			State string `json:"provisioningState"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(body, &doc)
	return doc.Properties.State
}

func ended(status string) bool {
	return strings.EqualFold(status, "Succeeded") || strings.EqualFold(status, "Failed") || strings.EqualFold(status, "Canceled")
}

func outcome(a answer, status string) error {
	if strings.EqualFold(status, "Succeeded") {
		return nil
	}
	return a.failure()
}
