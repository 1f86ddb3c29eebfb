package redact

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	minLine = 8 // characters of a line of a longer secret that counts
	// Values of at least this many bytes without white space are taken for
	// opaque when they are made of base64 alone.
	minOpaque = 2 * piece
)

var (
	secretKey = regexp.MustCompile(`(?i)(secret|password|passphrase|token|private-?keys?|key-data|connection-?string|account-?key)$`)
	// A YAML mapping as kubeconfigs have it: one scalar a line.
	yamlPair   = regexp.MustCompile(`^\s*(?:- )?([A-Za-z0-9_.-]+):(?:\s+(.*))?$`)
	base64Only = regexp.MustCompile(`^[A-Za-z0-9+/_-]+={0,2}$`)
)

// secretParts says what of a value is secret. A document is mostly ordinary
// text that logs are full of, so only what its keys call secret counts.
// When no key does, all of it counts.
func secretParts(value string) []part {
	value = strings.TrimSpace(value)
	if utf8.RuneCountInString(value) < MinSecret {
		return nil
	}
	if strings.Contains(value, "-----BEGIN ") && value[0] == '-' {
		return pemParts(value)
	}
	if (value[0] == '{' || value[0] == '[') && json.Valid([]byte(value)) {
		var doc any
		if json.Unmarshal([]byte(value), &doc) == nil {
			if parts := jsonParts("", doc); len(parts) > 0 {
				return parts
			}
		}
	}
	if !strings.ContainsAny(value, "\r\n") {
		return append([]part{{text: value, opaque: isOpaque(value)}}, decodedParts(value)...)
	}
	if parts := pairParts(yamlPairs(value)); len(parts) > 0 {
		return parts
	}
	return lineParts(value)
}

func isOpaque(s string) bool { return len(s) >= minOpaque && base64Only.MatchString(s) }

// decodedParts are those of a key that comes base64-encoded.
func decodedParts(s string) []part {
	if !isOpaque(s) {
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !strings.Contains(string(plain), "PRIVATE KEY-----") {
		return nil
	}
	return secretParts(string(plain))
}

// lineParts is the value as a whole and each line, without those that frame a
// PEM block.
func lineParts(value string) []part {
	var out []part
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		if utf8.RuneCountInString(line) >= minLine && !strings.HasPrefix(line, "-----") {
			out = append(out, part{text: line, opaque: isOpaque(line)})
		}
	}
	if len(out) == 0 && strings.HasPrefix(value, "-----") {
		return nil
	}
	return append(out, part{text: value})
}

// pemParts are the private keys of a PEM file: each as a whole, its body in
// one line, and each line of the body. Certificates are public.
func pemParts(value string) []part {
	var out []part
	rest := []byte(value)
	for {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			text := strings.TrimSpace(string(rest[:len(rest)-len(next)]))
			if i := strings.LastIndex(text, "-----BEGIN "); i >= 0 {
				text = text[i:]
			}
			out = append(out, part{text: text, opaque: true})
			out = append(out, bodyParts(text)...)
		}
		rest = next
	}
	if out == nil && strings.Contains(value, "PRIVATE KEY-----") { // damaged: be safe
		return lineParts(value)
	}
	return out
}

func bodyParts(text string) []part {
	var out []part
	var body strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "-----") || strings.Contains(line, ":") {
			continue
		}
		body.WriteString(line)
		if len(line) >= minLine {
			out = append(out, part{text: line})
		}
	}
	return append(out, part{text: body.String(), opaque: true})
}

// jsonParts are the texts below a key that says secret, and private keys
// anywhere.
func jsonParts(key string, v any) []part {
	var out []part
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			out = append(out, jsonParts(k, x)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, jsonParts(key, x)...)
		}
	case string:
		if secretKey.MatchString(key) || strings.Contains(v, "PRIVATE KEY-----") {
			return secretParts(v)
		}
		return decodedParts(v)
	}
	return out
}

type pair struct{ key, value string }

// yamlPairs are the key: value lines of a YAML document, nil when it is none.
func yamlPairs(value string) []pair {
	var out []pair
	for line := range strings.Lines(value) {
		line = strings.TrimRight(line, "\r\n\t ")
		if line == "" || line == "---" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		m := yamlPair.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		out = append(out, pair{m[1], strings.Trim(m[2], `"'`)})
	}
	return out
}

func pairParts(pairs []pair) []part {
	var out []part
	for _, p := range pairs {
		if secretKey.MatchString(p.key) {
			out = append(out, secretParts(p.value)...)
		} else {
			out = append(out, decodedParts(p.value)...)
		}
	}
	return out
}
