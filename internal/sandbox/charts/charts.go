// Package charts plays a Helm repository and an OCI registry. Its charts are
// small ones of our own, named like those that they stand for: they take the
// values that people give to those, and make the objects that matter.
package charts

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Hosts are the names under which real charts of these kinds are published,
// and one of a company's own mirror.
func Hosts() []string {
	return []string{Mirror, "helm.nginx.com", "kubernetes.github.io", "raw.githubusercontent.com", "ghcr.io"}
}

// Mirror is the company's own repository and registry.
const Mirror = "charts.contoso.test"

//go:embed all:files
var files embed.FS

// made is when everything was published.
var made = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// further are versions of charts besides that of their folder. The driver has
// one for each Kubernetes.
var further = map[string][]string{"azuredisk-csi-driver": {"1.34.3"}}

// Library is what the repository has. It is an http.Handler for any of Hosts.
type Library struct {
	charts []packed
	blobs  map[string][]byte // what the registry gives out, by digest
	mux    *http.ServeMux
}

type packed struct {
	meta     map[string]any
	name     string
	version  string
	archive  []byte
	digest   string // of the archive, hex
	manifest []byte // of the registry
}

// Open packs the charts.
func Open() (*Library, error) {
	l := &Library{blobs: map[string][]byte{}, mux: http.NewServeMux()}
	folders, err := files.ReadDir("files")
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		for _, version := range append([]string{""}, further[f.Name()]...) {
			p, err := pack(f.Name(), version)
			if err != nil {
				return nil, fmt.Errorf("chart %s: %w", f.Name(), err)
			}
			if err := l.publish(&p); err != nil {
				return nil, err
			}
			l.charts = append(l.charts, p)
		}
	}
	l.mux.HandleFunc("GET /v2/{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) })
	l.mux.HandleFunc("GET /v2/{rest...}", l.registry)
	l.mux.HandleFunc("GET /", l.repository)
	return l, nil
}

// ServeHTTP answers as repository below any path, and as registry below /v2/.
func (l *Library) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.mux.ServeHTTP(w, r) }

// pack makes the same archive of a folder each time, in another version where
// one is given.
func pack(folder, version string) (packed, error) {
	var p packed
	text, err := files.ReadFile("files/" + folder + "/Chart.yaml")
	if err != nil {
		return p, err
	}
	if err := yaml.Unmarshal(text, &p.meta); err != nil {
		return p, err
	}
	own := fmt.Sprint(p.meta["version"])
	if version != "" {
		p.meta["version"], p.meta["appVersion"] = version, version
	}
	p.name, p.version = fmt.Sprint(p.meta["name"]), fmt.Sprint(p.meta["version"])
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	err = fs.WalkDir(files, "files/"+folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if path.Base(name) == "Chart.yaml" {
			body = bytes.ReplaceAll(body, []byte(own), []byte(p.version))
		}
		inside := p.name + strings.TrimPrefix(name, "files/"+folder)
		if err := tw.WriteHeader(&tar.Header{Name: inside, Mode: 0o644, Size: int64(len(body)), ModTime: made}); err != nil {
			return err
		}
		_, err = tw.Write(body)
		return err
	})
	if err = cmp.Or(err, tw.Close(), gz.Close()); err != nil {
		return p, err
	}
	p.archive = buf.Bytes()
	p.digest = sum(p.archive)
	return p, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// Archive is a chart as people would download it, and its file name.
func (l *Library) Archive(name string) (archive []byte, file string, ok bool) {
	for _, p := range l.charts {
		if p.name == name {
			return p.archive, p.file(), true
		}
	}
	return nil, "", false
}

func (p packed) file() string { return p.name + "-" + p.version + ".tgz" }

func (l *Library) repository(w http.ResponseWriter, r *http.Request) {
	base := path.Base(r.URL.Path)
	if base == "index.yaml" {
		w.Header().Set("Content-Type", "application/yaml")
		w.Write(l.index())
		return
	}
	for _, p := range l.charts {
		if base == p.file() {
			w.Header().Set("Content-Type", "application/gzip")
			http.ServeContent(w, r, base, made, bytes.NewReader(p.archive))
			return
		}
	}
	http.NotFound(w, r)
}

func (l *Library) index() []byte {
	entries := map[string][]map[string]any{}
	for _, p := range l.charts {
		e := map[string]any{"created": made, "digest": p.digest, "urls": []string{p.file()}}
		for k, v := range p.meta {
			e[k] = v
		}
		entries[p.name] = append(entries[p.name], e)
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "generated": made, "entries": entries})
	if err != nil {
		panic(err) // only maps, slices and strings come here
	}
	return text
}

const (
	configType   = "application/vnd.cncf.helm.config.v1+json"
	layerType    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
)

// publish puts a chart into the registry.
func (l *Library) publish(p *packed) error {
	config, err := json.Marshal(p.meta)
	if err != nil {
		return err
	}
	blob := func(kind string, b []byte) map[string]any {
		d := "sha256:" + sum(b)
		l.blobs[d] = b
		return map[string]any{"mediaType": kind, "digest": d, "size": len(b)}
	}
	p.manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": blob(configType, config), "layers": []any{blob(layerType, p.archive)},
	})
	return err
}

// registry answers /v2/<path>/<chart>/(manifests|blobs)/<reference>.
func (l *Library) registry(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.PathValue("rest"), "/")
	if len(parts) < 3 {
		refuse(w, "NAME_UNKNOWN")
		return
	}
	name, what, ref := parts[len(parts)-3], parts[len(parts)-2], parts[len(parts)-1]
	switch what {
	case "blobs":
		if b, ok := l.blobs[ref]; ok {
			give(w, r, "application/octet-stream", ref, b)
			return
		}
		refuse(w, "BLOB_UNKNOWN")
	case "manifests":
		i := slices.IndexFunc(l.charts, func(p packed) bool {
			return p.name == name && (ref == strings.ReplaceAll(p.version, "+", "_") || ref == "sha256:"+sum(p.manifest))
		})
		if i < 0 {
			refuse(w, "MANIFEST_UNKNOWN")
			return
		}
		give(w, r, manifestType, "sha256:"+sum(l.charts[i].manifest), l.charts[i].manifest)
	default:
		refuse(w, "UNSUPPORTED")
	}
}

func give(w http.ResponseWriter, r *http.Request, kind, digest string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewReader(b))
	}
}

func refuse(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": "not found"}}})
}
