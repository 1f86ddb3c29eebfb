package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// needles are the ways in which a secret could lie somewhere, by their name.
// Of a PEM block, which may be wrapped and indented, one line is looked for.
func needles(secret string) map[string]string {
	if lines := strings.Split(strings.TrimSpace(secret), "\n"); len(lines) > 3 && strings.HasPrefix(lines[0], "-----BEGIN") {
		secret = lines[2]
	}
	out := map[string]string{"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret)}
	quoted, _ := json.Marshal(secret)
	out["json"] = strings.Trim(string(quoted), `"`)
	// In a longer text base64 depends on where the secret begins. What does not
	// depend on its neighbours is cut out.
	for shift := range 3 {
		whole := (len(secret) + shift) / 3 * 4
		for name, enc := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.URLEncoding} {
			code := enc.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			out[fmt.Sprintf("%s%d", name, shift)] = code[(shift*8+5)/6 : whole]
		}
	}
	return out
}

// leaks says in which ways the text holds a secret.
func leaks(text string, secrets map[string]string) []string {
	var out []string
	for name, secret := range secrets {
		for form, n := range needles(secret) {
			if strings.Contains(text, n) {
				out = append(out, name+", "+form)
			}
		}
	}
	return out
}

// stampSecrets are what the stamps' principals log in with.
func (w *world) stampSecrets() map[string]string {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, "seed.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var seed struct {
		Stacks []struct{ Name, ClientSecret, Certificate string }
	}
	if err := json.Unmarshal(raw, &seed); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, s := range seed.Stacks {
		if s.ClientSecret != "" {
			out[s.Name+"'s secret"] = s.ClientSecret
		}
		if _, key, ok := strings.Cut(s.Certificate, "-----BEGIN PRIVATE KEY-----"); ok {
			out[s.Name+"'s certificate"] = "-----BEGIN PRIVATE KEY-----" + key
		}
	}
	if len(out) == 0 {
		w.t.Fatalf("no secret in the seed: %s", raw)
	}
	return out
}

// clientKey is the private key inside a kubeconfig.
func (w *world) clientKey(kubeconfig string) string {
	w.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil || len(cfg.KeyData) == 0 {
		w.t.Fatalf("no client key in the kubeconfig: %v", err)
	}
	return string(cfg.KeyData)
}

// checkNoLeaks greps all that the server keeps and shows: its folder but for
// the sealing key, its log, the given pages and its arguments.
func (w *world) checkNoLeaks(secrets map[string]string, pages map[string]answer, arguments string) {
	w.t.Helper()
	look := func(where, text string) {
		for _, l := range leaks(text, secrets) {
			w.t.Errorf("%s holds %s", where, l)
		}
		if strings.Contains(text, "PRIVATE KEY-----\n") {
			w.t.Errorf("%s holds a private key", where)
		}
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(w.dir, "server"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		look(filepath.Base(path), string(raw))
		files++
		return err
	})
	if err != nil || files < 2 {
		w.t.Errorf("the server's folder: %d files, %v", files, err)
	}
	look("the server's log", w.server.output())
	look("the server's arguments", arguments)
	for path, a := range pages {
		look(path, a.body)
	}
}

// watchArguments collects the arguments of the server and of what it starts,
// until the returned function is called.
func (w *world) watchArguments() func() string {
	stop, seen := make(chan struct{}), map[string]bool{}
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, pid := range family(w.server.cmd.Process.Pid) {
				raw, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
				seen[strings.ReplaceAll(string(raw), "\x00", " ")] = true
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return sync.OnceValue(func() string {
		close(stop)
		done.Wait()
		var all strings.Builder
		for line := range seen {
			all.WriteString(line + "\n")
		}
		return all.String()
	})
}

// family is a process with its descendants.
func family(pid int) []string {
	out := []string{fmt.Sprint(pid)}
	for i := 0; i < len(out); i++ {
		lists, _ := filepath.Glob(filepath.Join("/proc", out[i], "task", "*", "children"))
		for _, l := range lists {
			raw, _ := os.ReadFile(l)
			out = append(out, strings.Fields(string(raw))...)
		}
	}
	return out
}

// What looks for secrets must find each form, wherever it begins.
func TestNeedlesAreFound(t *testing.T) {
	secret := "a S3cret+of/~\"the\" stamp&more"
	quoted, _ := json.Marshal(map[string]string{"secret": secret})
	hay := map[string]string{
		"plain": "x " + secret + " y", "json": string(quoted), "query": "secret=" + url.QueryEscape(secret), "path": "/" + url.PathEscape(secret),
	}
	for i := range 6 {
		hay[fmt.Sprintf("base64 behind %d", i)] = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", i) + secret + "tail"))
		hay[fmt.Sprintf("base64url behind %d", i)] = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("k", i) + secret))
	}
	for name, text := range hay {
		if len(leaks(text, map[string]string{"it": secret})) == 0 {
			t.Errorf("%s was not found in %q", name, text)
		}
	}
	if l := leaks("nothing in here", map[string]string{"it": secret}); l != nil {
		t.Errorf("found in nothing: %v", l)
	}
}
