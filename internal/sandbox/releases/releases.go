// Package releases plays the download pages of the engine's releases and of the
// Gateway API's: the page on github.com, which sends clients on, and the host
// that really has the file.
package releases

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"time"
)

// The names that the pages live under.
const (
	Host       = "github.com"
	AssetsHost = "release-assets.githubusercontent.com"
)

var (
	page = regexp.MustCompile(`^/Azure/aks-engine-azurestack/releases/download/(v[0-9][0-9A-Za-z.\-]*)/([^/]+)$`)
	file = regexp.MustCompile(`^/github-production-release-asset/aks-engine-azurestack/(v[0-9][0-9A-Za-z.\-]*)$`)
)

// GatewayAPI are definitions of the Gateway API, of our own writing: three kinds
// in v1 that take whatever they are given. They are published as one release,
// under the name that the real ones have.
//
//go:embed gateway-api.yaml
var GatewayAPI []byte

const (
	gatewayPage = "/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml"
	gatewayFile = "/github-production-release-asset/gateway-api/v1.5.1/standard-install.yaml"
)

// Site serves releases. Archive makes the gzipped tar of one tag; an error
// that is fs.ErrNotExist says that there is no such release.
type Site struct {
	Archive func(tag string) (io.ReadSeeker, error)
}

// Filename is the archive's name for a tag.
func Filename(tag string) string {
	return "aks-engine-azurestack-" + tag + "-linux-amd64.tar.gz"
}

// Page is github.com's part: it sends the client to the assets' host.
func (s Site) Page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == gatewayPage {
		if readOnly(w, r) {
			http.Redirect(w, r, "https://"+AssetsHost+gatewayFile, http.StatusFound)
		}
		return
	}
	m := page.FindStringSubmatch(r.URL.Path)
	if m == nil || m[2] != Filename(m[1]) || !s.exists(m[1]) {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	if !readOnly(w, r) {
		return
	}
	http.Redirect(w, r, fmt.Sprintf("https://%s/github-production-release-asset/aks-engine-azurestack/%s?response-content-disposition=attachment", AssetsHost, m[1]), http.StatusFound)
}

// Assets is the file's host. It answers ranges, so that a broken download can
// be taken up again.
func (s Site) Assets(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == gatewayFile {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(GatewayAPI))
		return
	}
	m := file.FindStringSubmatch(r.URL.Path)
	if m == nil {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	if !readOnly(w, r) {
		return
	}
	content, err := s.Archive(m[1])
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if c, ok := content.(io.Closer); ok {
		defer c.Close()
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+Filename(m[1]))
	w.Header().Set("ETag", `"`+m[1]+`"`)
	http.ServeContent(w, r, "", time.Time{}, content)
}

func (s Site) exists(tag string) bool {
	content, err := s.Archive(tag)
	if c, ok := content.(io.Closer); ok && err == nil {
		c.Close()
	}
	return !errors.Is(err, fs.ErrNotExist)
}

func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	return false
}
