package pipelines

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeConfig notes what it is asked for. The agent cannot be removed while the
// file job is there.
const fakeConfig = `#!/bin/bash
echo "$*|${VSTS_AGENT_INPUT_TOKEN:-}${VSTS_AGENT_INPUT_CLIENTSECRET:-}|${VSTS_AGENT_INPUT_CLIENTID:-}" >>asked
[ "$1" != remove ] || [ ! -f job ] || { rm job; exit 1; }
[ "$1" = remove ] && rm -f .agent || touch .agent
`

// fakeRun notes its environment and listens.
const fakeRun = `#!/bin/bash
env >environment
touch listens
exec sleep 60
`

// The start script keeps the secret from arguments and from jobs, lets a job
// come to its end when the container is told to end, and leaves the pool then.
func TestStartScript(t *testing.T) {
	for name, c := range map[string]struct {
		env       []string
		configure string
		remove    string
	}{
		"file": {[]string{"AZP_TOKEN_FILE=@/token", "AZP_CA_FILE=/ca", "VSTS_HTTP_PROXY=http://p:1"},
			"--agent a-0 --url https://o --pool My pool --work /work --sslcacert /ca --proxyurl http://p:1 --replace --acceptTeeEula --unattended --auth PAT|the-secret|", "remove --unattended --auth PAT|the-secret|"},
		"variable":  {[]string{"AZP_TOKEN=the-secret"}, "--agent a-0 --url https://o --pool My pool --work /work --replace --acceptTeeEula --unattended --auth PAT|the-secret|", "remove --unattended --auth PAT|the-secret|"},
		"principal": {[]string{"AZP_TOKEN_FILE=@/token", "AZP_AUTH=SP", "AZP_CLIENTID=id", "AZP_TENANTID=t"}, "--agent a-0 --url https://o --pool My pool --work /work --replace --acceptTeeEula --unattended --auth SP|the-secret|id", "remove --unattended --auth SP|the-secret|id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{"start.sh": startScript, "config.sh": fakeConfig, "run.sh": fakeRun, "token": "the-secret\n", "job": ""} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			// A job is a process of this name.
			worker := exec.CommandContext(ctx, "bash", "-c", "exec -a Agent.Worker sleep 60")
			if err := worker.Start(); err != nil {
				t.Fatal(err)
			}
			defer worker.Wait()
			defer worker.Process.Kill()
			cmd := exec.CommandContext(ctx, "bash", filepath.Join(dir, "start.sh"))
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AZP_URL=https://o", "AZP_POOL=My pool", "AZP_AGENT_NAME=a-0", "AZP_WORK=/work", "AZP_PATIENCE=0.1", "TMPDIR=" + dir}
			for _, e := range c.env {
				cmd.Env = append(cmd.Env, strings.ReplaceAll(e, "@", dir))
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			read := func(file string) string { raw, _ := os.ReadFile(filepath.Join(dir, file)); return string(raw) }
			for ctx.Err() == nil && !exists(filepath.Join(dir, "listens")) {
				<-time.After(10 * time.Millisecond)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if want := c.configure + "\n" + c.remove + "\n" + c.remove + "\n"; read("asked") != want {
				t.Errorf("asked:\n%s\nwant:\n%s", read("asked"), want)
			}
			if env := read("environment"); strings.Contains(env, "the-secret") || strings.Contains(env, "AZP_TOKEN") {
				t.Errorf("jobs inherit the secret:\n%s", env)
			}
		})
	}
}

func exists(file string) bool { _, err := os.Stat(file); return err == nil }
