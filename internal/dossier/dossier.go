// Package dossier writes everything about one run into one signed archive of
// plain files, which opens and is verified without Hubwright.
package dossier

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"hubwright/internal/audit"
	"hubwright/web/dossier"
	"hubwright/workflows"
)

// The files that hold an archive together.
const (
	Manifest  = "manifest"     // SHA-256 and name of every other file
	Signature = "manifest.sig" // of the manifest: ed25519, 64 bytes
	PublicKey = "pub.pem"
)

const logBatch = 2000 // lines in memory at a time

// Source is what goes into an archive.
type Source struct {
	Page dossier.Props
	// Files were made by the run and are kept with it.
	Files []File
	// Lines gives up to limit lines of the log with N > after, in order.
	Lines func(ctx context.Context, after int64, limit int) ([]workflows.LogLine, error)
}

// File is a file that the run made. Its reader is used once.
type File struct {
	Name string
	Body io.ReadCloser
}

// Folder is the folder that all files of the archive are in: "run-42".
func (s Source) Folder() string { return fmt.Sprintf("run-%d", s.Page.Run.Number) }

// Write writes the archive as a zip, with the manifest signed. Lines that come
// after Run.Lines are left out. After an error what was written is no archive.
func Write(ctx context.Context, w io.Writer, s Source, key ed25519.PrivateKey) error {
	s.Page.Alone, s.Page.Archive = true, ""
	a := newArchive(w, s.Folder(), s.Page.MadeAt)
	pub, err := publicPEM(key)
	if err != nil {
		return err
	}
	a.add("dossier.html", func(w io.Writer) error { return dossier.Document(s.Page).Render(ctx, w) })
	a.add("timeline.svg", func(w io.Writer) error { return dossier.Timeline(s.Page).Render(ctx, w) })
	a.add("run.json", func(w io.Writer) error { return writeRun(w, s.Page) })
	a.add("audit.jsonl", func(w io.Writer) error { return audit.EncodeJSON(w, s.Page.Events) })
	for i, d := range s.Page.Run.Plan.Documents {
		a.add(dossier.DocumentFile(i, d), text(d.Body))
	}
	for _, m := range s.Page.Models {
		if m.Masked != "" {
			a.add(m.File(), text(m.Masked))
		}
	}
	for _, f := range s.Files {
		a.add("files/"+f.Name, func(w io.Writer) error {
			_, err := io.Copy(w, f.Body)
			return err
		})
	}
	a.add("log.txt", func(w io.Writer) error { return s.writeLog(ctx, w) })
	a.add(PublicKey, text(pub))
	a.add("README.txt", text(readme(s, key.Public().(ed25519.PublicKey))))
	return a.seal(key)
}

func text(body string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, body)
		return err
	}
}

// writeRun is the run for programs.
func writeRun(w io.Writer, p dossier.Props) error {
	type model struct {
		When, Cluster, SHA256, Kubernetes string
		Version                           int
		At                                time.Time
	}
	doc := struct {
		MadeAt time.Time
		MadeBy string
		On     string
		Run    workflows.Run
		Gate   workflows.Gate
		Steps  []workflows.StepRun
		Nodes  []workflows.NodeRow
		Checks []dossier.Check
		Models []model
		Tools  map[string]string
	}{p.MadeAt, p.MadeBy, p.On, p.Run, p.Gate, p.Steps, p.Nodes, p.Checks, nil, map[string]string{}}
	for _, m := range p.Models {
		doc.Models = append(doc.Models, model{m.When, m.Cluster, m.SHA256, m.Kubernetes, m.Version, m.At})
	}
	for _, t := range p.Tools {
		doc.Tools[t.Label] = t.Value
	}
	doc.Run.Plan.Documents = nil // files of their own
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// writeLog writes a line of the log as number, time, attempt, step, level and
// text, with tabs between.
func (s Source) writeLog(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	for after, end := int64(0), s.Page.Run.Lines; after < end; {
		lines, err := s.Lines(ctx, after, int(min(logBatch, end-after)))
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return fmt.Errorf("the log ends at line %d of %d", after, end)
		}
		for _, l := range lines {
			fmt.Fprintf(out, "%d\t%s\t%d\t%s\t%s\t%s\n", l.N, l.At.UTC().Format("2006-01-02T15:04:05.000Z"), l.Attempt, l.StepID, l.Level, l.Text)
		}
		after = lines[len(lines)-1].N
	}
	return out.Flush()
}

func readme(s Source, pub ed25519.PublicKey) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nmade %s by %s\n", s.Page.Title(), s.Page.MadeAt.UTC().Format(time.RFC3339), s.Page.MadeBy)
	b.WriteString(`
dossier.html      everything on one page; opens in any browser, holds no scripts
timeline.svg      the steps over time
run.json          run, steps, nodes, checks and tools for programs
plan/             documents of the plan, secrets masked
apimodel-*.json   the cluster's API model before and after, secrets masked
files/            what the run made and kept, such as the logs of nodes
log.txt           the whole log as it was stored, masked: number, time,
                  attempt, step, level, text
audit.jsonl       what the audit has on this run, one event a line
manifest          SHA-256 of each file
manifest.sig      ed25519 signature of the manifest
pub.pem           the public key of the installation that made this

Verify it in this folder with OpenSSL 3 and sha256sum:

  openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in manifest -sigfile manifest.sig
  sha256sum --check --strict manifest

The first must say "Signature Verified Successfully", the second OK for every
file; a file that is not in the manifest is not part of the dossier. That
pub.pem is the installation's own key, and not that of somebody who made all of
this anew, shows when

`)
	fmt.Fprintf(&b, "  openssl pkey -pubin -in pub.pem -outform DER | tail -c 32 | base64\n\nprints the public key that the server writes to its log when it starts.\nHere it is expected to be %s\n", keyText(pub))
	return b.String()
}
