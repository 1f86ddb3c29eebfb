package charts

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"embed"
	"io/fs"
	"strings"
	"time"

	"hubwright/workflows"
)

//go:embed all:embedded
var embedded embed.FS

// Ratings is the name of the built-in application.
const Ratings = "ratings"

// BuiltIn is one of our own charts. Its digest changes with its contents
// alone.
func BuiltIn(name string) (workflows.Chart, error) {
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	root := "embedded/" + name
	err := fs.WalkDir(embedded, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(file)
		if err != nil {
			return err
		}
		head := &tar.Header{Name: name + strings.TrimPrefix(file, root), Mode: 0o644, Size: int64(len(body)), ModTime: time.Unix(0, 0)}
		if err := tw.WriteHeader(head); err != nil {
			return err
		}
		_, err = tw.Write(body)
		return err
	})
	if err := cmp.Or(err, tw.Close(), gz.Close()); err != nil {
		return workflows.Chart{}, err
	}
	return Read(buf.Bytes(), workflows.ChartSource{Kind: workflows.ChartBuiltIn, Name: name})
}
