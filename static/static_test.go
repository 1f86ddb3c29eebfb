package static_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"hubwright/static"
)

func get(t *testing.T, method, url string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest(method, url, nil))
	return w.Result()
}

func TestURLCarriesTheHashOfTheContent(t *testing.T) {
	for _, name := range []string{"app.css", "app.js", "run.js", "icon-idle.svg", "icon-running.svg", "icon-ok.svg", "icon-bad.svg"} {
		body, err := os.ReadFile("dist/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		url := static.URL(name)
		if !strings.HasPrefix(url, static.Prefix) || !strings.Contains(url, "."+hex.EncodeToString(sum[:6])+".") {
			t.Errorf("URL(%q) = %q lacks the hash of the content", name, url)
		}
		if res := get(t, http.MethodGet, url); res.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", url, res.StatusCode)
		}
	}
}

func TestHandler(t *testing.T) {
	tests := []struct {
		name, method, url string
		status            int
		cache, kind       string
	}{
		{"hashed name", "GET", static.URL("app.css"), 200, "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		{"plain name", "GET", "/static/app.css", 200, "no-cache", "text/css; charset=utf-8"},
		{"script", "GET", static.URL("run.js"), 200, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"icon", "GET", static.URL("icon-ok.svg"), 200, "public, max-age=31536000, immutable", "image/svg+xml"},
		{"head", "HEAD", static.URL("app.js"), 200, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"unknown", "GET", static.URL("nothing.css"), 404, "", "text/plain; charset=utf-8"},
		{"outside", "GET", "/static/../static.go", 404, "", "text/plain; charset=utf-8"},
		{"other method", "POST", static.URL("app.css"), 405, "", "text/plain; charset=utf-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := get(t, tt.method, tt.url)
			if res.StatusCode != tt.status || res.Header.Get("Cache-Control") != tt.cache || res.Header.Get("Content-Type") != tt.kind {
				t.Errorf("%s %s: %d, %q, %q", tt.method, tt.url, res.StatusCode, res.Header.Get("Cache-Control"), res.Header.Get("Content-Type"))
			}
		})
	}
}

// The stylesheet asks for fonts by the names that the bundler gave them.
func TestFontsOfTheStylesheetAreServed(t *testing.T) {
	css, err := os.ReadFile("dist/app.css")
	if err != nil {
		t.Fatal(err)
	}
	fonts := regexp.MustCompile(`url\("?\./([a-z-]+-[A-Z0-9]+\.woff2)`).FindAllSubmatch(css, -1)
	if len(fonts) != 2 {
		t.Fatalf("the stylesheet names %d fonts, want 2", len(fonts))
	}
	for _, f := range fonts {
		res := get(t, "GET", static.Prefix+string(f[1]))
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "font/woff2" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", f[1], res.StatusCode, res.Header)
		}
	}
}

// What others wrote is what vendor/README.md says.
func TestVendoredFilesHaveTheirSums(t *testing.T) {
	readme, err := os.ReadFile("vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$`).FindAllStringSubmatch(string(readme), -1)
	if len(rows) != 3 {
		t.Fatalf("%d rows, want 3", len(rows))
	}
	for _, r := range rows {
		body, err := fs.ReadFile(os.DirFS("."), strings.TrimPrefix(r[1], "../"))
		if err != nil {
			body, err = os.ReadFile("vendor/" + r[1])
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if got := hex.EncodeToString(sum[:]); got != r[2] {
			t.Errorf("%s has the sum %s", r[1], got)
		}
	}
}
