package standin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

var tagForm = regexp.MustCompile(`^v0\.(8[0-5]|7[5-9])\.\d+$`)

// Command is the subcommand of the program that carries the stand-in, which
// the wrapper in the archive calls.
const Command = "aks-engine-standin"

// Archive makes the release archive of a tag, as the project publishes it: one
// top folder with the program, its licence and its readme. The program is
// engineBin, or a wrapper that starts self as the stand-in. A tag that was
// never released is os.ErrNotExist.
func Archive(tag, self, engineBin string) (io.ReadSeeker, error) {
	if !tagForm.MatchString(tag) {
		return nil, fmt.Errorf("release %s: %w", tag, os.ErrNotExist)
	}
	body := []byte(fmt.Sprintf("#!/bin/sh\n%s=%s exec %s %s \"$@\"\n", VersionVariable, tag, quoted(self), Command))
	if engineBin != "" {
		var err error
		if body, err = os.ReadFile(engineBin); err != nil {
			return nil, fmt.Errorf("reading the engine: %w", err)
		}
	}
	folder := program + "-" + tag + "-linux-amd64/"
	var out bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	w := tar.NewWriter(zip)
	made := time.Date(2026, 6, 9, 12, 0, 0, 0, time.UTC)
	for _, f := range []struct {
		name string
		mode int64
		body []byte
	}{
		{"LICENSE", 0o644, []byte("MIT License\n")},
		{"README.md", 0o644, []byte("# AKS Engine on Azure Stack Hub " + tag + "\n")},
		{program, 0o755, body},
	} {
		if err := w.WriteHeader(&tar.Header{Name: folder + f.name, Mode: f.mode, Size: int64(len(f.body)), ModTime: made, Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.body); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return bytes.NewReader(out.Bytes()), nil
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
