//go:build interop

package interop

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hubwright/internal/sandbox/traffic"
)

// What differs between two runs of one program is made equal.
var accidents = []struct {
	form *regexp.Regexp
	with string
}{
	{regexp.MustCompile("\x1b\\[[0-9;]*m"), ""},
	{regexp.MustCompile(`\[\d{4}\]`), "[TIME]"},
	{regexp.MustCompile(`time="[^"]*"`), `time=""`},
	{regexp.MustCompile(`(azurestackcloud\.json|mergedApiModel)\d+`), "${1}N"},
	{regexp.MustCompile(`\brg1-\d{1,10}\b`), "rg1-N"},
	{regexp.MustCompile(`-\d\d-\d\d-\d\dT\d\d\.\d\d\.\d\d-\d+`), "-TIME-N"},
	{regexp.MustCompile(`_OsDisk_1_[0-9a-f]+`), "_OsDisk_1_HEX"},
	{regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`operation(s|Statuses)/\d+`), "operation$1/N"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.0-9]*Z?`), "TIME"},
	{regexp.MustCompile(`\b10\.240\.0\.\d+\b`), "10.240.0.N"},
	{regexp.MustCompile(`\b127\.\d+\.1\.(\d+)\b`), "127.BLOCK.1.$1"},
	{regexp.MustCompile(`-[0-9a-f]{8,10}-[a-z0-9]{5} pod`), "-HASH pod"},
	{regexp.MustCompile(`00-15-5D(-[0-9A-F]{2}){3}`), "MAC"},
	{regexp.MustCompile(`0x[0-9a-f]{6,}`), "ADDRESS"},
}

func (p *program) normal(text string) string {
	text = strings.ReplaceAll(text, p.dir, "DIR")
	text = strings.ReplaceAll(text, p.proxy, "PROXY")
	for _, a := range accidents {
		text = a.form.ReplaceAllString(text, a.with)
	}
	return text
}

// drained says what ran on a node.
var drained = regexp.MustCompile(`has no scheduled pods|\d+ pods will be deleted|pod successfully evicted`)

// meeting is said when somebody else changed an object at the same time.
var meeting = regexp.MustCompile(`the object has been modified|a concurrent modification`)

// place is a line of a stack trace.
var place = regexp.MustCompile(`^(\t/\S+:\d+|(github\.com/|main\.|runtime\.)\S+)$`)

// chance is a line that depends on how two clients of a cluster meet, on how
// often one looks, or on which node the scheduler gave a pod.
func chance(line string, before []string) bool {
	return drained.MatchString(line) || meeting.MatchString(line) || strings.Contains(line, "Successfully copied custom annotations") || strings.Contains(line, " is ready") && slices.Contains(before, line)
}

// normalLines drops what names places in a program: stack traces, and what is
// behind a panic's first line.
func (p *program) normalLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(p.normal(line), " \n")
		if line == "" || place.MatchString(line) || chance(line, out) {
			continue
		}
		out = append(out, line)
		if strings.HasPrefix(line, "panic:") {
			break
		}
	}
	return out
}

// normalCalls are the requests in their order. Polls of an operation count
// once: how many there are is a matter of time. Images are asked for in any
// order.
func (p *program) normalCalls(calls []traffic.Call) []string {
	var out []string
	for _, c := range calls {
		if c.Agent == ownAgent {
			continue
		}
		line := p.normal(c.Method + " " + c.Host + c.Path)
		if c.Query != "" {
			line += "?" + p.normal(c.Query)
		}
		if len(out) > 0 && out[len(out)-1] == line {
			continue
		}
		out = append(out, line)
		if n := len(out); n > 1 && strings.Contains(line, "/vmimage/") && strings.Contains(out[n-2], "/vmimage/") {
			slices.Sort(out[n-2:])
		}
	}
	return out
}

// tree lists the files below the folder.
func (p *program) tree() (files map[string]string, contents map[string][]byte, err error) {
	files, contents = map[string]string{}, map[string][]byte{}
	err = filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.dir, path)
		name = p.normal(name)
		if d.IsDir() {
			files[name] = info.Mode().String()
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kind := ""
		if block, _ := pem.Decode(text); block != nil {
			kind = " " + pemKind(block)
		}
		files[name] = info.Mode().String() + kind
		if json.Valid(text) {
			contents[name] = text
		}
		return nil
	})
	return files, contents, err
}

// pemKind tells what a certificate or key is, but for what is random in it.
func pemKind(block *pem.Block) string {
	switch block.Type {
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return fmt.Sprintf("%s of %d bits", block.Type, key.N.BitLen())
		}
	case "CERTIFICATE":
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			key, ok := c.PublicKey.(*rsa.PublicKey)
			if !ok {
				return block.Type
			}
			years := c.NotAfter.Sub(c.NotBefore).Hours() / 24 / 365
			return fmt.Sprintf("certificate of %s by %s, %d bits, %s, CA %t, usage %d %v, names %v %v, %.0f years", c.Subject, c.Issuer, key.N.BitLen(), c.SignatureAlgorithm, c.IsCA,
				c.KeyUsage, c.ExtKeyUsage, c.DNSNames, c.IPAddresses, years)
		}
	}
	return block.Type
}

// shape flattens a JSON text: each path with its value, where that is no
// accident. Elements of a list go by their name, when they have one. Below
// depth nothing is looked at.
func (p *program) shape(text []byte, depth int) (map[string]string, error) {
	out := map[string]string{}
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		shallow := strings.Count(path, "/") < depth
		switch v := v.(type) {
		case object:
			out[path] = "{}"
			for k, e := range v {
				// Each program has its own expressions; what they come to is seen on the Hub.
				if !shallow || depth == 2 && (path == "/variables" || path == "/resources") {
					break
				}
				walk(path+"/"+strings.ReplaceAll(k, "/", "~"), e)
			}
		case []any:
			out[path] = "[]"
			for i, e := range v {
				if !shallow || depth == 2 {
					break
				}
				walk(path+"/"+elementName(i, e), e)
			}
		case string:
			if out[path] = "text"; depth > 2 && len(v) < 200 && !strings.Contains(v, "-----BEGIN") {
				out[path] = strconv.Quote(p.normal(v))
			}
		default:
			if out[path] = fmt.Sprintf("%T", v); depth > 2 {
				out[path] = fmt.Sprint(v)
			}
		}
	}
	walk("", v)
	return out, nil
}

func elementName(i int, e any) string {
	if m, ok := e.(object); ok {
		name, _ := m["name"].(string)
		kind, _ := m["type"].(string)
		if name != "" {
			return strings.ReplaceAll(strings.TrimPrefix(kind+" "+name, " "), "/", "~")
		}
	}
	return strconv.Itoa(i)
}

// differences lists how the stand-in's trace differs from the real one's, each
// as one line that starts with what it is about.
func differences(r, s *program, real, stand trace) []string {
	var out []string
	if real.code != stand.code {
		out = append(out, fmt.Sprintf("exit code: %d, stand-in %d", real.code, stand.code))
	}
	out = append(out, inOrder("stdout", real.stdout, stand.stdout)...)
	out = append(out, inOrder("stderr", real.stderr, stand.stderr)...)
	out = append(out, inOrder("request", real.requests, stand.requests)...)
	out = append(out, byKey("file", real.files, stand.files)...)
	for name, text := range real.contents {
		if stand.contents[name] == nil {
			continue
		}
		depth := 100
		if strings.HasSuffix(name, "azuredeploy.json") {
			depth = 2
		}
		a, err1 := r.shape(text, depth)
		b, err2 := s.shape(stand.contents[name], depth)
		if err1 != nil || err2 != nil {
			out = append(out, fmt.Sprintf("json %s: %v, stand-in %v", name, err1, err2))
			continue
		}
		out = append(out, byKey("in "+name, a, b)...)
	}
	slices.Sort(out)
	return out
}

// inOrder compares two lists of lines: what only one has, and whether what both
// have comes in the same order.
func inOrder(what string, real, stand []string) []string {
	var out []string
	left := slices.Clone(stand)
	var both []string
	for _, l := range real {
		if i := slices.Index(left, l); i >= 0 {
			left = slices.Delete(left, i, i+1)
			both = append(both, l)
		} else {
			out = append(out, what+" of the real one alone: "+l)
		}
	}
	rest := slices.Clone(left)
	for _, l := range rest {
		out = append(out, what+" of the stand-in alone: "+l)
	}
	var theirs []string
	for _, l := range stand {
		if i := slices.Index(rest, l); i >= 0 && !slices.Contains(both, l) {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		theirs = append(theirs, l)
	}
	if len(rest) == 0 && !slices.Equal(both, theirs) {
		out = append(out, what+": the order differs")
	}
	return out
}

// byKey compares two maps. Of what one lacks as a whole, the top is told.
func byKey(what string, real, stand map[string]string) []string {
	var out []string
	alone := func(who string, mine, other map[string]string) {
		for k := range mine {
			if _, ok := other[k]; ok {
				continue
			}
			if up := k[:max(strings.LastIndexByte(k, '/'), 0)]; up != k {
				if _, ok := other[up]; !ok && mine[up] != "" {
					continue
				}
			}
			out = append(out, what+" of "+who+" alone: "+k+" = "+mine[k])
		}
	}
	alone("the real one", real, stand)
	alone("the stand-in", stand, real)
	for k, v := range real {
		if w, ok := stand[k]; ok && v != w {
			out = append(out, fmt.Sprintf("%s: %s = %s, stand-in %s", what, k, v, w))
		}
	}
	return out
}
