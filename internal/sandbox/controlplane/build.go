package controlplane

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// binaryName is the file that Build leaves in its cache folder.
const binaryName = "sandbox-controlplane"

// buildFlags are part of the cache key. The version must be in the binary before any code runs: Kubernetes takes the
// lowest version that it may emulate from it, three minor versions down, and only then lets it be changed.
var buildFlags = []string{"-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3"}

// Build returns the path of the multi-call control plane binary, building it first if need be: from nothing that takes
// four to five minutes on two cores and 3 GB of Go's build cache. Calls of any number of processes share one build.
//
// $HUBWRIGHT_CONTROLPLANE, if set, names a finished binary and nothing is built. Otherwise the nested module is built
// from its source folder into cache/<hash>, where the hash is of its sources and of the Go version; cache "" stands for
// DefaultCache(). log gets a line of progress every few seconds; it may be nil.
func Build(ctx context.Context, cache string, log func(line string)) (string, error) {
	if log == nil {
		log = func(string) {}
	}
	if given := os.Getenv("HUBWRIGHT_CONTROLPLANE"); given != "" {
		return given, checkExecutable(given)
	}
	source, err := sourceFolder()
	if err != nil {
		return "", err
	}
	if cache == "" {
		if cache, err = DefaultCache(); err != nil {
			return "", err
		}
	}
	key, err := sourceKey(ctx, source)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, key)
	binary := filepath.Join(folder, binaryName)
	if checkExecutable(binary) == nil {
		return binary, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, filepath.Join(folder, "lock"), func() {
		log("another process is building the Kubernetes control plane; waiting for it")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if checkExecutable(binary) == nil {
		return binary, nil
	}
	return binary, compile(ctx, source, binary, log)
}

// DefaultCache is $HUBWRIGHT_CACHE/controlplane or, without that variable, hubwright/controlplane in the user's cache
// folder.
func DefaultCache() (string, error) {
	if dir := os.Getenv("HUBWRIGHT_CACHE"); dir != "" {
		return filepath.Join(dir, "controlplane"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the control plane; set HUBWRIGHT_CACHE: %w", err)
	}
	return filepath.Join(dir, "hubwright", "controlplane"), nil
}

func checkExecutable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the control plane binary: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("the control plane binary %s is not an executable file", path)
	}
	return nil
}

// sourceFolder finds the nested module: beside this file as the compiler saw it or, when paths were trimmed, in the
// checkout that the working folder is in.
func sourceFolder() (string, error) {
	var tried []string
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		tried = append(tried, filepath.Join(filepath.Dir(file), "multicall"))
	}
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "internal", "sandbox", "controlplane", "multicall"))
		}
	}
	for _, dir := range tried {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("the control plane's source is not on this machine; run from a checkout, or set HUBWRIGHT_CONTROLPLANE to a finished binary")
}

// sourceKey is the hash of all that decides what a build gives.
func sourceKey(ctx context.Context, source string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED")
	cmd.Dir = source
	env, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building the control plane needs a Go toolchain; or set HUBWRIGHT_CONTROLPLANE to a finished binary: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s%q\n", env, buildFlags)
	err = filepath.WalkDir(source, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(source, path)
		fmt.Fprintf(sum, "%s %d\n%s", filepath.ToSlash(rel), len(text), text)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}

// compile builds into a file beside binary and renames it, so that a killed build leaves no half binary.
func compile(ctx context.Context, source, binary string, log func(string)) error {
	began := time.Now()
	log("building the Kubernetes control plane (once; up to 5 minutes on 2 cores, later builds reuse it)")
	fetched, total := 0, 0
	err := goCommand(ctx, source, []string{"list", "-deps", "-f", "{{.ImportPath}}", "."}, func(line string) {
		if strings.HasPrefix(line, "go: downloading ") {
			if fetched++; fetched%20 == 1 {
				log(fmt.Sprintf("fetching modules: %d so far", fetched))
			}
			return
		}
		total++
	})
	if err != nil {
		return err
	}

	var compiled atomic.Int64
	done := make(chan struct{})
	defer close(done)
	go tick(done, 5*time.Second, func() {
		log(fmt.Sprintf("compiling: %d of at most %d packages, %s", compiled.Load(), total, time.Since(began).Round(time.Second)))
	})
	part := fmt.Sprintf("%s.%d.part", binary, os.Getpid())
	defer os.Remove(part)
	args := append([]string{"build", "-v", "-buildvcs=false", "-o", part}, append(buildFlags, ".")...)
	if err := goCommand(ctx, source, args, func(string) { compiled.Add(1) }); err != nil {
		return err
	}
	if err := os.Rename(part, binary); err != nil {
		return err
	}
	log(fmt.Sprintf("the Kubernetes control plane is built (%s)", time.Since(began).Round(time.Second)))
	return nil
}

func tick(done <-chan struct{}, every time.Duration, do func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			do()
		case <-done:
			return
		}
	}
}

// goCommand runs the go tool in the source folder and calls line for each line of its output. A failure carries the last
// lines, which is where the go tool says why.
func goCommand(ctx context.Context, source string, args []string, line func(string)) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.WaitDelay = 5 * time.Second
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the go tool: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		write.Close()
	}()
	var last []string
	for scan := bufio.NewScanner(read); scan.Scan(); {
		line(scan.Text())
		if last = append(last, scan.Text()); len(last) > 10 {
			last = last[1:]
		}
	}
	// A line that is too long for the scanner must not block the tool.
	_, _ = io.Copy(io.Discard, read)
	if err := <-ended; err != nil {
		return fmt.Errorf("go %s in %s: %w\n%s", args[0], source, err, strings.Join(last, "\n"))
	}
	return ctx.Err()
}
