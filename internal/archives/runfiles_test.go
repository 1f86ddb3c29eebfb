package archives_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"hubwright/internal/archives"
	"hubwright/workflows"
)

func TestRunFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	files, ctx := archives.NewRunFiles(dir), context.Background()
	if _, err := files.Open("run_1", "logs.zip"); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
	write := func(text string, failure error) (string, int64, error) {
		return files.Write(ctx, "run_1", "logs.zip", func(to io.Writer) error {
			_, err := io.WriteString(to, text)
			return errors.Join(err, failure)
		})
	}
	path, size, err := write("the logs", nil)
	if err != nil || size != 8 || path != filepath.Join(dir, "run_1", "logs.zip") {
		t.Fatalf("%s, %d bytes, %v", path, size, err)
	}
	broken := errors.New("the connection broke")
	if _, _, err := write("half of", broken); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	f, err := files.Open("run_1", "logs.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "the logs" {
		t.Errorf("%q, %v", text, err)
	}
	for name, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(path): 0o700, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestRunFilesStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	files := archives.NewRunFiles(filepath.Join(dir, "runs"))
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("the key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]string{{"..", "key"}, {"run_1", "../../key"}, {"run_1", ".."}, {"", "key"}, {"run_1", ""}, {".", "key"}, {"run_1/..", "key"}} {
		if _, err := files.Open(at[0], at[1]); !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("opening %q: %v", at, err)
		}
		if _, _, err := files.Write(context.Background(), at[0], at[1], func(io.Writer) error { return nil }); err == nil {
			t.Errorf("%q was written", at)
		}
	}
}
