package charts

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func answer(t *testing.T, l *Library, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestRepositoryAndRegistry: what the index names can be had, and has the
// digest that it names; the registry gives out the same.
func TestRepositoryAndRegistry(t *testing.T) {
	l, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Entries map[string][]struct {
			Version, Digest string
			URLs            []string
		}
	}
	if err := yaml.Unmarshal(answer(t, l, "/stable/index.yaml").Body.Bytes(), &index); err != nil || len(index.Entries) < 3 {
		t.Fatalf("%d charts, %v", len(index.Entries), err)
	}
	for name, versions := range index.Entries {
		for _, v := range versions {
			got := answer(t, l, "/stable/"+v.URLs[0])
			if got.Code != http.StatusOK || sum(got.Body.Bytes()) != v.Digest {
				t.Errorf("%s %s: %d with another digest", name, v.Version, got.Code)
			}
			manifest := answer(t, l, "/v2/some/where/"+name+"/manifests/"+v.Version)
			if !strings.Contains(manifest.Body.String(), "sha256:"+v.Digest) {
				t.Errorf("%s: manifest %s", name, manifest.Body)
			}
			if blob := answer(t, l, "/v2/some/where/"+name+"/blobs/sha256:"+v.Digest); blob.Code != http.StatusOK {
				t.Errorf("%s: blob %d", name, blob.Code)
			}
		}
	}
	for _, path := range []string{"/v2/a/none/manifests/1", "/v2/a/none/blobs/sha256:00", "/none-1.tgz"} {
		if got := answer(t, l, path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}
