package devops

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// agentVersion is what the emulated service offers.
const agentVersion = "4.261.0"

const packagePrefix = "/agent/" + agentVersion + "/"

//go:embed agent
var agentFiles embed.FS

func packageName() string { return "pipelines-agent-linux-x64-" + agentVersion + ".tar.gz" }

// packages names the agent's archive; the download is on a host of its own.
func (s *Server) packages(c call) (any, error) {
	platform := c.URL.Query().Get("platform")
	if len(c.rest) > 3 {
		platform = c.rest[3]
	}
	if platform != "linux-x64" {
		return list([]any(nil)), nil
	}
	body, err := agentPackage()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	v := strings.Split(agentVersion, ".")
	number := func(i int) int { n, _ := strconv.Atoi(v[i]); return n }
	return list([]any{map[string]any{
		"type": "agent", "platform": platform, "createdOn": "2026-10-02T00:00:00Z", "filename": packageName(), "hashValue": hex.EncodeToString(sum[:]),
		"version": map[string]int{"major": number(0), "minor": number(1), "patch": number(2)}, "downloadUrl": "https://" + DownloadHost + packagePrefix + packageName(),
	}}), nil
}

// Downloads serves the agent's archive.
func Downloads() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := agentPackage()
		if err != nil || r.URL.Path != packagePrefix+packageName() {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, packageName(), time.Time{}, bytes.NewReader(body))
	})
}

// agentPackage is a small agent: the scripts that people call, which register
// it and keep asking for work.
func agentPackage() ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	box := tar.NewWriter(zip)
	root, err := fs.Sub(agentFiles, "agent")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte("@VERSION@"), []byte(agentVersion))
		if err := box.WriteHeader(&tar.Header{Name: "./" + path, Mode: 0o755, Size: int64(len(text)), ModTime: time.Unix(1790000000, 0)}); err != nil {
			return err
		}
		_, err = box.Write(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := box.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
