package helpervm

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

var (
	//go:embed scripts/ca.sh
	caScript string
	//go:embed scripts/unpack.sh
	unpackScript string
)

// installEngine puts the chosen version below the user's home, beside others.
func (f flow) installEngine(ctx context.Context, s *State, log w.Log) error {
	host, err := f.dial(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	// A download that this run followed is read to its end first, so that the
	// log is whole also when the server was away.
	if s.Source == SourceDownload {
		if err := f.finishDownload(ctx, s, host, log); err != nil {
			return err
		}
	}
	if f.inPlace(ctx, s, host, log) {
		return nil
	}
	switch s.Source {
	case SourceArchive:
		err = f.upload(ctx, s, host, log)
	default:
		err = f.download(ctx, s, host, log)
	}
	if err != nil {
		return err
	}
	return f.unpackAfresh(ctx, s, log)
}

// unpackAfresh unpacks over a new connection: the one before was idle for as
// long as the file took and may be gone.
func (f flow) unpackAfresh(ctx context.Context, s *State, log w.Log) error {
	host, err := f.dial(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	if err := f.unpack(ctx, s, host, log); err != nil {
		return err
	}
	s.changed("AKS Engine " + s.Engine)
	return nil
}

// inPlace says that the engine at the path says that it is the version.
func (f flow) inPlace(ctx context.Context, s *State, host Host, log w.Log) bool {
	version, err := f.askVersion(ctx, s, host)
	if err != nil || (version != s.Engine && version != aksengine.HandMade) {
		return false
	}
	log.Good("AKS Engine %s is in place at ~/%s.", s.Engine, aksengine.BinaryPath(s.Engine))
	return true
}

func (f flow) askVersion(ctx context.Context, s *State, host Host) (string, error) {
	out, err := host.Run(ctx, binary(s)+" version", nil)
	if err != nil {
		return "", err
	}
	if out.ExitCode != 0 {
		return "", asProblem("helper.engine", "AKS Engine does not start on "+s.where(),
			"Look whether the machine is Linux on amd64 and may run programs from the user's home (mount option noexec).", out)
	}
	return aksengine.ParseVersion([]byte(out.Stdout))
}

// binary is the engine's path for a shell. Versions come from our own table,
// so they hold nothing that a shell would read.
func binary(s *State) string { return `"$HOME/` + aksengine.BinaryPath(s.Engine) + `"` }

func archivePath(s *State) string { return ".hubwright/downloads/" + aksengine.ArchiveName(s.Engine) }

// upload brings the server's archive, unless the same bytes lie there.
func (f flow) upload(ctx context.Context, s *State, host Host, log w.Log) error {
	a, err := f.Archives.Archive(ctx, s.Engine)
	if errors.Is(err, w.ErrNotFound) {
		return &w.Problem{
			Code: "helper.noarchive", What: "The archive of AKS Engine " + s.Engine + " is not here",
			Why: "Nobody has given it to Hubwright, or it was taken away again.",
			Fix: "Add " + aksengine.ArchiveName(s.Engine) + " in the settings, then retry from this step.",
		}
	}
	if err != nil {
		return problem.Wrap(err, "The archive of AKS Engine "+s.Engine+" cannot be read")
	}
	sum := func() (string, error) {
		out, err := host.Run(ctx, `sha256sum "$HOME/`+archivePath(s)+`" 2>/dev/null | cut -d ' ' -f 1`, nil)
		return strings.TrimSpace(out.Stdout), err
	}
	there, err := sum()
	if err != nil {
		return err
	}
	if there == a.SHA256 {
		log.Info("The archive lies there already.")
		return nil
	}
	if err := f.send(ctx, s, host, a, log); err != nil {
		return err
	}
	if there, err = sum(); err != nil {
		return err
	}
	if there != a.SHA256 {
		return &w.Problem{Code: "helper.upload", What: "The archive did not arrive as it was sent",
			Why: fmt.Sprintf("Its SHA-256 there is %s, here it is %s.", cmp.Or(there, "not told"), a.SHA256), Fix: "Try again. If it happens again, add the archive anew in the settings."}
	}
	log.Good("Uploaded %s, SHA-256 %s.", a.FileName, a.SHA256)
	return nil
}

func (f flow) send(ctx context.Context, s *State, host Host, a Archive, log w.Log) error {
	r, err := f.Archives.OpenArchive(ctx, s.Engine)
	if err != nil {
		return problem.Wrap(err, "The archive of AKS Engine "+s.Engine+" cannot be read")
	}
	defer r.Close()
	log.Info("Uploading %s, %d MiB.", a.FileName, a.Size>>20)
	told := time.Time{}
	return host.Upload(ctx, archivePath(s), 0o600, a.Size, io.Reader(r), func(sent int64) {
		if now := f.Clock(); a.Size > 0 && now.Sub(told) >= 500*time.Millisecond {
			told = now
			log.Progress(int(min(sent*100/a.Size, 99)), "uploading AKS Engine "+s.Engine)
		}
	})
}

func (f flow) unpack(ctx context.Context, s *State, host Host, log w.Log) error {
	home := s.Found.Home
	archive, folder := home+"/"+archivePath(s), home+"/.hubwright/engine/"+s.Engine
	log.Command("tar -xzf " + f.Quote(aksengine.ArchiveName(s.Engine)) + " -C " + f.Quote(folder) + " --strip-components=1 " +
		f.Quote(aksengine.ArchiveFolder(s.Engine)+"/"+aksengine.BinaryName))
	out, err := host.Run(ctx, "set -- "+f.Quote(archive, folder)+"\n"+unpackScript, nil)
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return s.badArchive(out)
	}
	log.Info("%s", strings.TrimSpace(out.Stdout))
	return nil
}

// badArchive says why a file that came is not what it should be.
func (s *State) badArchive(out Output) error {
	p := &w.Problem{
		Code: "helper.archive", What: "The archive of AKS Engine cannot be unpacked",
		Why:    "It was damaged on the way, or something between, such as a proxy's own page, answered in place of the download.",
		Fix:    "Retry: it is downloaded again. If it happens again, give Hubwright the archive in the settings and choose it as the source.",
		Detail: out.Stderr,
	}
	if s.Source == SourceArchive {
		p.Why, p.Fix = "The file that an admin gave is not a release of AKS Engine for Linux.", "Take it away in the settings, add it anew, and retry."
	}
	return p
}

// asksAgain is how often the engine is asked when the connection ends meanwhile.
const asksAgain = 3

// verify asks the engine itself; since that changes nothing, once more where
// the connection was lost.
func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	for again := 0; ; again++ {
		err := f.askEngine(ctx, s, log)
		var p *w.Problem
		if again == asksAgain || !errors.As(err, &p) || p.Code != "ssh.lost" {
			return err
		}
		log.Warn("%s. Asking again.", p.What)
	}
}

func (f flow) askEngine(ctx context.Context, s *State, log w.Log) error {
	host, err := f.dial(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	log.Command(aksengine.BinaryName + " version")
	version, err := f.askVersion(ctx, s, host)
	if err != nil {
		return err
	}
	switch version {
	case s.Engine:
		log.Good("It says that it is %s.", version)
	case aksengine.HandMade:
		log.Warn("It says that it was built by hand (%s); it is taken for %s.", version, s.Engine)
	default:
		return &w.Problem{Code: "helper.version", What: "Another AKS Engine lies where " + s.Engine + " should be", Why: "It says that it is " + version + ".",
			Fix: "Run this workflow again; if it stays, the archive holds another version than its name says."}
	}
	log.Command(aksengine.BinaryName + " get-versions --azure-env AzureStackCloud -o json")
	out, err := host.Run(ctx, binary(s)+" get-versions --azure-env AzureStackCloud -o json", nil)
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return asProblem("helper.versions", "AKS Engine does not tell which Kubernetes versions it makes", "Look at the technical detail; the file may be damaged. Run this workflow again.", out)
	}
	s.Found.Kubernetes, err = aksengine.ParseGetVersions([]byte(out.Stdout))
	if err != nil {
		return &w.Problem{Code: "helper.versions", What: "AKS Engine does not tell which Kubernetes versions it makes", Why: err.Error(),
			Fix: "Run this workflow again; if it stays, choose another engine version.", Detail: firstLine(out.Stdout)}
	}
	s.Found.Engine = s.Engine
	log.Good("It makes Kubernetes %s.", strings.Join(versions(s.Found.Kubernetes), ", "))
	return nil
}

func versions(list []w.KubernetesVersion) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.Version)
	}
	return out
}
