package secrets

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hubwright/workflows"
)

type memory map[string][]byte

func (m memory) PutSecret(_ context.Context, ref, _ string, sealed []byte) error {
	m[ref] = sealed
	return nil
}

func (m memory) GetSecret(_ context.Context, ref string) ([]byte, error) {
	if b, ok := m[ref]; ok {
		return b, nil
	}
	return nil, workflows.ErrNotFound
}

func (m memory) DeleteSecret(_ context.Context, ref string) error {
	delete(m, ref)
	return nil
}

func vault(t *testing.T, key byte, m memory) *Vault {
	t.Helper()
	v, err := New(bytes.Repeat([]byte{key}, KeySize), m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func seal(t *testing.T, v *Vault, purpose, plain string) workflows.SecretRef {
	t.Helper()
	ref, err := v.Seal(t.Context(), purpose, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestSealOpenForget(t *testing.T) {
	m := memory{}
	v := vault(t, 1, m)
	refs := map[workflows.SecretRef]string{}
	for _, plain := range []string{"", "hunter2 hunter2", "hunter2 hunter2", string(make([]byte, 1<<20))} {
		refs[seal(t, v, "client secret of Seattle", plain)] = plain
	}
	if len(refs) != 4 {
		t.Fatal("references repeat")
	}
	for ref, want := range refs {
		if got, err := v.Open(t.Context(), ref); err != nil || string(got) != want {
			t.Errorf("opened %d bytes, %v; want %d", len(got), err, len(want))
		}
		if bytes.Contains(m[string(ref)], []byte("hunter2")) {
			t.Error("the secret is readable in what is stored")
		}
		for range 2 {
			if err := v.Forget(t.Context(), ref); err != nil {
				t.Error(err)
			}
		}
		if _, err := v.Open(t.Context(), ref); !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("after Forget: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	code := func(t *testing.T, want string, err error) {
		t.Helper()
		var p *workflows.Problem
		if !errors.As(err, &p) || p.Code != want || p.Fix == "" {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	m := memory{}
	v := vault(t, 1, m)
	a, b := seal(t, v, "a key", "first secret"), seal(t, v, "b key", "second secret")
	delete(m, witnessRef) // nobody warned at the start
	_, err := vault(t, 2, m).Open(t.Context(), a)
	code(t, "secrets.key", err)

	stored := maps.Clone(m)
	m[string(a)] = stored[string(b)] // another secret in its place
	_, err = v.Open(t.Context(), a)
	code(t, "secrets.damaged", err)
	whole := stored[string(a)]
	for i := range whole {
		m[string(a)] = slices.Clone(whole)
		m[string(a)][i] ^= 1
		if _, err := v.Open(t.Context(), a); err == nil {
			t.Errorf("byte %d was changed and nobody noticed", i)
		}
		m[string(a)] = whole[:i]
		_, err := v.Open(t.Context(), a)
		var p *workflows.Problem
		if !errors.As(err, &p) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := New([]byte("short"), m); err == nil {
		t.Error("a short key was taken")
	}
}

func TestNewRefusesTheKeyOfAnotherDatabase(t *testing.T) {
	m := memory{}
	ref := seal(t, vault(t, 1, m), "a key", "first secret")
	_, err := New(bytes.Repeat([]byte{2}, KeySize), m, KeyFile("/etc/hubwright/key"))
	var p *workflows.Problem
	if !errors.As(err, &p) || p.Code != "secrets.key" || !strings.Contains(p.Why, "/etc/hubwright/key") {
		t.Fatalf("error %v", err)
	}
	if got, err := vault(t, 1, m).Open(t.Context(), ref); err != nil || string(got) != "first secret" {
		t.Errorf("the right key opens %q, %v", got, err)
	}
}

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "key")
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = LoadOrCreateKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if len(k) != KeySize || !bytes.Equal(k, keys[0]) {
			t.Fatalf("keys differ: %x, %x", k, keys[0])
		}
	}
	if bytes.Equal(keys[0], make([]byte, KeySize)) {
		t.Error("the key is not random")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	refused := func(what, code string) {
		t.Helper()
		var p *workflows.Problem
		if _, err := LoadOrCreateKey(path); !errors.As(err, &p) || p.Code != code {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, mode := range []fs.FileMode{0o644, 0o660, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(mode.String(), "secrets.keymode")
	}
	for _, text := range []string{"", "c2hvcnQ=", "no base64!"} {
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		refused(text, "secrets.keyfile")
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Error("a broken key file was replaced")
		}
	}
}
