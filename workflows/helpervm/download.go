package helpervm

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

//go:embed scripts/download.sh
var downloadScript string

// job is the n-th try to download a version.
func job(s *State, n int) string { return fmt.Sprintf("engine-%s-%d", s.Engine, n) }

// lastJob is the newest try that the machine knows, 0 when there is none.
func lastJob(ctx context.Context, s *State, host Host) (n int, state string, size int64, err error) {
	for {
		next, _, bytes, err := host.JobState(ctx, job(s, n+1))
		if err != nil || next == "absent" {
			return n, state, size, err
		}
		n, state, size = n+1, next, bytes
	}
}

// finishDownload follows a try that goes on, or that this run has read only in
// part. How it ended is looked at afterwards, by what lies there.
func (f flow) finishDownload(ctx context.Context, s *State, host Host, log w.Log) error {
	n, state, size, err := lastJob(ctx, s, host)
	if err != nil || n == 0 {
		return err
	}
	cur, err := log.Cursor(ctx, job(s, n))
	if err != nil {
		return err
	}
	if state != "running" && (cur.Offset() == 0 || cur.Offset() >= size) {
		return nil
	}
	if code, err := f.follow(ctx, s, n, cur, log); err != nil || code != 0 {
		return err
	}
	if f.inPlace(ctx, s, host, log) {
		return nil
	}
	return f.unpackAfresh(ctx, s, log)
}

func (f flow) download(ctx context.Context, s *State, host Host, log w.Log) error {
	n, _, _, err := lastJob(ctx, s, host)
	if err != nil {
		return err
	}
	n++
	home := s.Found.Home
	env := map[string]string{"SSL_CERT_FILE": home + "/" + bundlePath, "CURL_CA_BUNDLE": home + "/" + bundlePath}
	if s.Stack.Proxy != "" {
		env["HTTPS_PROXY"] = s.Stack.Proxy
	}
	url := aksengine.DownloadURL(s.Engine)
	log.Command("curl -fL -C - -o " + f.Quote(aksengine.ArchiveName(s.Engine)) + " " + f.Quote(url))
	if _, err := host.StartJob(ctx, Job{
		ID: job(s, n), Env: env, Dir: home,
		Argv: []string{"/bin/sh", "-c", "unset NO_PROXY no_proxy\n" + downloadScript, "download", url, home + "/" + archivePath(s)},
	}); err != nil {
		return err
	}
	cur, err := log.Cursor(ctx, job(s, n))
	if err != nil {
		return err
	}
	code, err := f.follow(ctx, s, n, cur, log)
	if err != nil || code == 0 {
		return err
	}
	return downloadProblem(code, url)
}

// downloadProblem reads curl's exit code.
func downloadProblem(code int, url string) error {
	p := &w.Problem{
		Code: "helper.download", What: "AKS Engine could not be downloaded",
		Fix: "Open the way, set the stack's HTTPS proxy, or give Hubwright the archive in the settings and choose it as the source.",
	}
	switch code {
	case 22:
		p.Why = "The server does not have " + url + "."
		p.Fix = "Look whether that release still exists. Choose another version, or give Hubwright the archive in the settings and choose it as the source."
	case 23:
		p.Why = "The file could not be written: the disk is full, or the home cannot be written to."
		p.Fix = "Make room on the machine's disk, then try again."
	case 60, 77:
		p.Why = "The certificate of github.com is not trusted there; a proxy that looks into TLS may stand between."
		p.Fix = "Add the proxy's root certificate to the machine's trusted roots, or choose the archive."
	default:
		p.Why = curlWhy(code) + " It was tried six times; the log has its words."
	}
	return p
}

// curlWhy says why curl did not get anywhere, by its exit code.
func curlWhy(code int) string {
	switch code {
	case 5:
		return "The machine does not know the proxy's name."
	case 6:
		return "The machine does not know the name github.com: name resolution there has no answer."
	case 7, 28:
		return "github.com does not answer: the machine has no way to the internet."
	case 56:
		return "The proxy does not let the machine through, or the connection broke again and again."
	}
	return fmt.Sprintf("curl ended with exit code %d.", code)
}

var percentLine = regexp.MustCompile(`^downloaded (\d+) %`)

// follow copies a try's output into the log until it has ended.
func (f flow) follow(ctx context.Context, s *State, n int, cur w.Cursor, log w.Log) (int, error) {
	t, err := f.target(ctx, s)
	if err != nil {
		return 0, err
	}
	return f.Follow(ctx, t, job(s, n), cur,
		func(line string) {
			if m := percentLine.FindStringSubmatch(line); m != nil {
				if percent, err := strconv.Atoi(m[1]); err == nil {
					log.Progress(min(percent, 99), "downloading AKS Engine "+s.Engine)
				}
			}
		},
		func(state string) { log.Warn("%s", state) },
	)
}
