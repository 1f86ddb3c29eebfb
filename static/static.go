// Package static holds the styles, scripts and fonts, embedded and served
// under names that carry a hash of the content.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// Prefix is where Handler is mounted.
const Prefix = "/static/"

// Everything in dist is made by this command and committed, so that a build
// needs nothing but Go.
//
//go:generate go tool esbuild css/app.css js/app.js js/run.js icons/icon-idle.svg icons/icon-running.svg icons/icon-ok.svg icons/icon-bad.svg --bundle --minify --format=esm --target=es2022,chrome123,firefox120,safari17.5 --outdir=dist --entry-names=[name] --asset-names=[name]-[hash] --loader:.woff2=file --loader:.svg=copy --legal-comments=none --log-level=warning

//go:embed dist
var dist embed.FS

type file struct {
	body  []byte
	mime  string
	fixed bool // the name carries a hash of the content
}

type manifest struct {
	urls  map[string]string // name: URL
	files map[string]file   // name in the URL: file
}

var load = sync.OnceValue(func() manifest {
	m := manifest{urls: map[string]string{}, files: map[string]file{}}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded: it cannot be missing
	}
	for _, e := range entries {
		body, err := fs.ReadFile(dist, "dist/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(e.Name())
		hashed := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		kind := mime.TypeByExtension(ext)
		if ext == ".woff2" {
			kind = "font/woff2"
		}
		m.urls[e.Name()] = Prefix + hashed
		m.files[hashed] = file{body, kind, true}
		// Fonts are asked for by the name that the bundler wrote into the
		// stylesheet; it carries a hash as well.
		m.files[e.Name()] = file{body, kind, ext == ".woff2"}
	}
	return m
})

// URL is where the browser finds the file of that name: "app.css". An unknown
// name is a mistake of the programmer and gives a URL that answers 404.
func URL(name string) string {
	if u, ok := load().urls[name]; ok {
		return u
	}
	return Prefix + name
}

// Handler serves the files below Prefix. Names with a hash may be cached for
// ever, the others have to be asked for again.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := load().files[strings.TrimPrefix(r.URL.Path, Prefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		cache := "no-cache"
		if f.fixed {
			cache = "public, max-age=31536000, immutable"
		}
		w.Header().Set("Cache-Control", cache)
		w.Header().Set("Content-Type", f.mime)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method == http.MethodGet {
			_, _ = w.Write(f.body)
		}
	})
}
