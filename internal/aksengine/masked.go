package aksengine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Mask stands where a secret was.
const Mask = "••••••"

// Masked is a JSON document (an input or output API model, template or
// parameters) with the order of its keys kept and every secret replaced by
// Mask. Certificates and public keys are shown. A document that cannot be read
// is an error, never shown as it is.
func Masked(doc []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var out bytes.Buffer
	if err := maskValue(dec, &out, false); err != nil {
		return "", fmt.Errorf("reading the document to mask: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("reading the document to mask: more than one value")
	}
	var nice bytes.Buffer
	if err := json.Indent(&nice, out.Bytes(), "", "  "); err != nil {
		return "", err
	}
	return nice.String(), nil
}

func maskValue(dec *json.Decoder, out *bytes.Buffer, secret bool) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		return maskContainer(dec, out, v, secret)
	case string:
		if v != "" && (secret || strings.Contains(v, "PRIVATE KEY-----")) {
			v = Mask
		}
		return write(out, v)
	default:
		if secret && v != nil {
			if _, isBool := v.(bool); !isBool {
				return write(out, Mask)
			}
		}
		return write(out, v)
	}
}

func maskContainer(dec *json.Decoder, out *bytes.Buffer, open json.Delim, secret bool) error {
	out.WriteByte(byte(open))
	for first := true; dec.More(); first = false {
		if !first {
			out.WriteByte(',')
		}
		inner := secret
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if err := write(out, name); err != nil {
				return err
			}
			out.WriteByte(':')
			inner = secret || secretKey(name)
		}
		if err := maskValue(dec, out, inner); err != nil {
			return err
		}
	}
	end, err := dec.Token()
	if err != nil {
		return err
	}
	if d, ok := end.(json.Delim); ok {
		out.WriteByte(byte(d))
	}
	return nil
}

var secretParts = []string{"privatekey", "password", "secret", "encryptionkey", "workspacekey", "accountkey", "accesskey", "connectionstring", "sastoken", "customdata", "commandtoexecute", "protectedsettings", "kubeconfigdata"}

func secretKey(name string) bool {
	name = strings.ToLower(name)
	for _, p := range secretParts {
		if strings.Contains(name, p) {
			return true
		}
	}
	return false
}

func write(out *bytes.Buffer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line break that Encode adds
	return nil
}
