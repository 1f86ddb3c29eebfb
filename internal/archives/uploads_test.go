package archives_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hubwright/internal/archives"
	"hubwright/workflows"
)

func TestUploads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "uploads")
	u := archives.NewUploads(dir)
	digest, err := u.Keep(t.Context(), strings.NewReader("\x1f\x8b a chart"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := u.Keep(t.Context(), strings.NewReader("\x1f\x8b a chart")); again != digest || err != nil {
		t.Errorf("the second time %s, %v", again, err)
	}
	if got, err := u.Read(digest); err != nil || !bytes.Equal(got, []byte("\x1f\x8b a chart")) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "files", digest), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{digest, strings.Repeat("0", 64), "../files/" + digest, ""} {
		if _, err := u.Read(wrong); !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
