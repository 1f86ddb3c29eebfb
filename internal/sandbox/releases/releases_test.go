package releases_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hubwright/internal/sandbox/releases"
)

func site() releases.Site {
	return releases.Site{Archive: func(tag string) (io.ReadSeeker, error) {
		switch tag {
		case "v0.85.0":
			return strings.NewReader("archive of " + tag), nil
		case "v0.0.1":
			return nil, errors.New("cannot build it")
		}
		return nil, fs.ErrNotExist
	}}
}

func TestDownload(t *testing.T) {
	const good = "/Azure/aks-engine-azurestack/releases/download/v0.85.0/aks-engine-azurestack-v0.85.0-linux-amd64.tar.gz"
	cases := []struct {
		method, path, rng string
		page, asset       int
		body              string
	}{
		{"GET", good, "", 302, 200, "archive of v0.85.0"},
		{"GET", good, "bytes=11-", 302, 206, "v0.85.0"},
		{"HEAD", good, "", 302, 200, ""},
		{"POST", good, "", 405, 0, ""},
		{"GET", strings.ReplaceAll(good, "v0.85.0", "v9.9.9"), "", 404, 0, ""},
		{"GET", strings.ReplaceAll(good, "v0.85.0", "v0.0.1"), "", 302, 500, "cannot build it\n"},
		{"GET", "/Azure/aks-engine-azurestack/releases/download/v0.85.0/aks-engine-azurestack-v0.84.0-linux-amd64.tar.gz", "", 404, 0, ""},
		{"GET", "/Azure/aks-engine-azurestack/releases/download/v0.85.0/aks-engine-azurestack-v0.85.0-windows-amd64.tar.gz", "", 404, 0, ""},
		{"GET", "/", "", 404, 0, ""},
	}
	for _, c := range cases {
		rec := httptest.NewRecorder()
		site().Page(rec, httptest.NewRequest(c.method, "https://github.com"+c.path, nil))
		if rec.Code != c.page {
			t.Errorf("%s %s: page %d, want %d", c.method, c.path, rec.Code, c.page)
			continue
		}
		if rec.Code != http.StatusFound {
			continue
		}
		next, err := url.Parse(rec.Header().Get("Location"))
		if err != nil || next.Host != releases.AssetsHost {
			t.Fatalf("Location %s: %v", rec.Header().Get("Location"), err)
		}
		req := httptest.NewRequest(c.method, next.String(), nil)
		if c.rng != "" {
			req.Header.Set("Range", c.rng)
		}
		rec = httptest.NewRecorder()
		site().Assets(rec, req)
		if rec.Code != c.asset || rec.Body.String() != c.body {
			t.Errorf("%s %s: asset %d %q, want %d %q", c.method, c.path, rec.Code, rec.Body, c.asset, c.body)
		}
	}
}

func TestAssetsOfNoRelease(t *testing.T) {
	for _, path := range []string{"/", "/github-production-release-asset/aks-engine-azurestack/v9.9.9", "/github-production-release-asset/aks-engine-azurestack/../x"} {
		rec := httptest.NewRecorder()
		site().Assets(rec, httptest.NewRequest("GET", "https://"+releases.AssetsHost+path, nil))
		if rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, rec.Code)
		}
	}
}

// TestGatewayAPI: the definitions come from where the real ones do.
func TestGatewayAPI(t *testing.T) {
	page := httptest.NewRecorder()
	site().Page(page, httptest.NewRequest("GET", "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml", nil))
	file := httptest.NewRecorder()
	site().Assets(file, httptest.NewRequest("GET", page.Header().Get("Location"), nil))
	if page.Code != http.StatusFound || file.Code != http.StatusOK || file.Body.String() != string(releases.GatewayAPI) {
		t.Errorf("%d, then %d with %d bytes", page.Code, file.Code, file.Body.Len())
	}
}
