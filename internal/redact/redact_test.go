package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func masking(secrets ...string) *Redactor {
	r := New()
	for _, s := range secrets {
		r.Add(s)
	}
	return r
}

func TestMask(t *testing.T) {
	pem := "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7+/=\nqqqqwwwweeee\nshort\n-----END PRIVATE KEY-----\n"
	kubeconfig := "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-key-data: c2VjcmV0c2VjcmV0\n"
	for _, tc := range []struct {
		name, in, want string // *** for the mask
		secrets        []string
	}{
		{"nothing known", "all is well", "all is well", nil},
		{"alone", "hunter2", "***", []string{"hunter2"}},
		{"in text, twice", "--secret=hunter2 --again hunter2.", "--secret=*** --again ***.", []string{"hunter2"}},
		{"too short", "abcde", "abcde", []string{"abcde"}},
		{"too short in characters", "äöüßé", "äöüßé", []string{"äöüßé"}},
		{"the longer one", "password1234", "***", []string{"password", "password1234"}},
		{"overlapping", "x abcdefghi y", "x *** y", []string{"abcdef", "defghi"}},
		{"touching", "abcdefuvwxyz", "***", []string{"abcdef", "uvwxyz"}},
		{"white space around", "is s3cr3t-value!", "is ***!", []string{" s3cr3t-value\n"}},
		{"a part of it", "hunter", "hunter", []string{"hunter2"}},
		{"lines of a value", "say second line here", "say *** here", []string{"first line\nsecond line\nshort"}},
		{"a short line of a value", "short", "short", []string{"first line\nsecond line\nshort"}},
		{"lines of a key", "have MIIEpAIBAAKCAQEA7+/= and qqqqwwwweeee", "have *** and ***", []string{pem}},
		{"a short line of a key", "short", "short", []string{pem}},
		{"frames", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", []string{pem, "-----BEGIN PRIVATE KEY-----"}},
		{"key as a whole", "k:" + pem, "k:***\n", []string{pem}},
		{"key in JSON", `{"k":"` + strings.ReplaceAll(strings.TrimSpace(pem), "\n", `\n`) + `"}`, `{"k":"***"}`, []string{pem}},
		{"kubeconfig", "kind: Config, key c2VjcmV0c2VjcmV0", "kind: Config, key ***", []string{kubeconfig}},
		{"JSON document", `{"clientId":"abc-def-ghi"} and tops3cret`, `{"clientId":"abc-def-ghi"} and ***`, []string{`{"clientId":"abc-def-ghi","secret":"tops3cret"}`}},
		{"no key says secret", "pw: hunter2hunter2", "***", []string{"user: ana\npw: hunter2hunter2"}},
		{"JSON without a secret", `x {"pw":"abcdefg"}`, `x ***`, []string{`{"pw":"abcdefg"}`}},
		{"JSON for HTML", `a\"b\u003cc\u003ed`, `***`, []string{`a"b<c>d`}},
		{"form", "p=a%2Fb+c%26d%3D", "p=***", []string{"a/b c&d="}},
		{"small hex digits", "p=a%2fb%20c%26d%3d", "p=***", []string{"a/b c&d="}},
		{"shell", `echo 'it'\''s-me'`, `echo '***'`, []string{"it's-me"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := strings.ReplaceAll(tc.want, "***", Mask)
			if got := masking(tc.secrets...).Mask(tc.in); got != want {
				t.Errorf("Mask(%q) = %q, want %q", tc.in, got, want)
			}
		})
	}
}

// Whatever stands around a secret before it is encoded, all characters that
// belong to it alone are masked.
func TestMaskInBase64(t *testing.T) {
	secret := "c0rrect>>horse??battery~staple"
	r := masking(secret)
	encodings := map[string]*base64.Encoding{
		"std": base64.StdEncoding, "raw": base64.RawStdEncoding, "url": base64.URLEncoding, "rawurl": base64.RawURLEncoding,
	}
	for name, enc := range encodings {
		for before := range 7 {
			for after := range 7 {
				in := enc.EncodeToString([]byte(strings.Repeat("u", before) + secret + strings.Repeat("\xff", after)))
				begin, end := (before*8+5)/6, (before+len(secret))*8/6
				if before+after == 0 {
					end = len(in) // nobody else has a part in the last character
				}
				want := in[:begin] + Mask + in[end:]
				if got := r.Mask(in); got != want {
					t.Errorf("%s, %d before, %d behind: %s became %s, want %s", name, before, after, in, got, want)
				}
			}
		}
	}
}

// Tools break base64 into lines; none of them shows a piece of a key.
func TestMaskLinesOfWrappedBase64(t *testing.T) {
	var secret strings.Builder
	for i := range 20 {
		fmt.Fprintf(&secret, "%x", i*7919*104729)
	}
	r := masking(base64.StdEncoding.EncodeToString([]byte(secret.String())))
	text := base64.StdEncoding.EncodeToString([]byte(secret.String()))
	for _, width := range []int{64, 76} {
		for from := 0; from+width <= len(text); from += width {
			if line := text[from : from+width]; r.Mask(line) != Mask {
				t.Errorf("width %d: %s", width, r.Mask(line))
			}
		}
	}
}

func TestAddWhileMasking(t *testing.T) {
	r := New()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				s := fmt.Sprintf("secret-%d-%d!", w, i)
				r.Add(s)
				if got := r.Mask("is " + s); got != "is "+Mask {
					t.Errorf("right after Add: %s", got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzMask(f *testing.F) {
	f.Add("hunter2hunter2", "a", "b")
	f.Add("aaaaaaa", "a", "aaa")
	f.Add("ab\ncdefghijk\r\nlmnopqrst", "\"", "\\")
	f.Add("p%2F+ <&> ü'\"", "%", "=")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		whole := strings.TrimSpace(secret)
		if utf8.RuneCountInString(whole) < MinSecret || strings.ContainsAny(whole, "\r\n{[") || strings.HasPrefix(whole, "-") || onlyMask(whole) {
			return // not a secret, or a document
		}
		r := masking(secret)
		quoted, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{whole, url.QueryEscape(whole), url.PathEscape(whole), string(quoted[1 : len(quoted)-1]),
			base64.StdEncoding.EncodeToString([]byte(whole)), base64.RawURLEncoding.EncodeToString([]byte(whole))} {
			out := r.Mask(before + form + after)
			if strings.Contains(out, form) {
				t.Fatalf("%q is still in %q", form, out)
			}
			if !strings.Contains(out, Mask) {
				t.Fatalf("no mask in %q", out)
			}
		}
		if plain := strings.ToUpper(before); !strings.Contains(r.Mask(plain), Mask) && r.Mask(plain) != plain {
			t.Fatalf("text without a secret was changed: %q", plain)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	r := New()
	for i := range 100 {
		r.Add(fmt.Sprintf("%x-secret-%d\nand-a-second-line-%d", i*7919, i, i))
	}
	line := strings.Repeat("INFO[0042] Deployment operation 7 of 41: Microsoft.Compute/virtualMachines Running ", 2)
	for name, text := range map[string]string{"clean": line, "secret": line + "and-a-second-line-50"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r.Mask(text)
			}
		})
	}
}
