package collectlogs

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

const (
	mostBytes     = 1 << 30   // of all nodes together
	mostNodeBytes = 128 << 20 // of one node; it is held in memory for a moment
)

func (f flow) prepare(ctx context.Context, s *State, log w.Log) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	return f.Settle(ctx, &s.Change, "logs", host, log)
}

// collect goes around nodes that do not answer: the engine stops at each of
// them, and logs are wanted most when some are ill.
func (f flow) collect(ctx context.Context, s *State, log w.Log) error {
	return f.Stoppable(ctx, &s.Change, log, func() error {
		s.Seen, s.Rest, s.Failed = nil, nil, nil
		for {
			ended := s.JobsEnded
			err := f.Work(ctx, &s.Change, log, operate.Task{
				Before:  func(ctx context.Context, x *operate.World) (bool, error) { return true, f.ready(ctx, s, x.Host, log) },
				Command: s.command,
				Read:    func(line string) { s.read(line, log) },
			})
			if err != nil && s.JobsEnded > ended && s.ofNode(err) {
				if f.around(ctx, s, err, log) {
					continue
				}
				err = f.salvage(ctx, s, err)
			}
			s.Collected = err == nil
			return err
		}
	})
}

// ofNode says whether the engine failed at a node. If it cannot even log in to
// the SSH host, the others are no better.
func (s *State) ofNode(err error) bool {
	code := problem.From(err).Code
	return len(s.Seen) > 0 && !strings.HasPrefix(code, "job.") && !slices.Contains([]string{"engine.hostkey", "engine.sshkey", "engine.ssh"}, code)
}

// around makes the nodes that the engine has not come to the next ones, and
// says no when there are none, or it is not known which.
func (f flow) around(ctx context.Context, s *State, cause error, log w.Log) bool {
	at := s.Seen[len(s.Seen)-1]
	s.Failed = append(s.Failed, at+" ("+strings.TrimRight(problem.From(cause).Error(), ".")+")")
	log.Warn("The logs of %s could not be collected.", at)
	names := s.Names
	if s.Which != WhichNamed {
		vms, err := f.VMs(ctx, &s.Change)
		if err != nil {
			log.Warn("The Hub does not tell which other nodes there are. Run this again with their names.")
			return false
		}
		names = s.members(vms)
	}
	s.Rest = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(s.Seen, name) })
	return len(s.Rest) > 0
}

// members are the names of the VMs whose logs are wanted.
func (s *State) members(vms []w.VM) []string {
	pools := []string{"master"}
	if s.Which == WhichAll {
		for _, p := range s.Cluster.Pools {
			pools = append(pools, p.Name)
		}
	}
	var names []string
	for _, pool := range pools {
		names = append(names, operate.Members(vms, s.Cluster.NameSuffix, pool)...)
	}
	return names
}

// salvage makes do with what was collected, if anything was.
func (f flow) salvage(ctx context.Context, s *State, cause error) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return cause
	}
	defer host.Close()
	if there, err := f.archives(ctx, s, host); err != nil || len(there) == 0 {
		return cause
	}
	return nil
}

func (s *State) read(line string, log w.Log) {
	node := aksengine.CollectedNode(line)
	if node == "" || slices.Contains(s.Seen, node) {
		return
	}
	s.Seen = append(s.Seen, node)
	log.Progress(min(99, 100*(len(s.Seen)-1)/s.expected()), "collecting from "+node)
}

// ready puts on the helper VM what the command needs.
func (f flow) ready(ctx context.Context, s *State, host operate.Host, log w.Log) error {
	folder := f.Quote(s.folder())
	out, err := host.Run(ctx, "umask 077 && mkdir -p "+folder, nil)
	if err := operate.RanWell(out, err, "The folder for the logs could not be made on the helper VM"); err != nil {
		return err
	}
	if err := operate.Upload(ctx, host, s.script(), script); err != nil {
		return err
	}
	return f.PutKey(ctx, &s.Change, &s.Shells, host, log)
}

// archive is what the engine fetched from a node.
type archive struct {
	node, path string
	size       int64
}

func (f flow) archives(ctx context.Context, s *State, host operate.Host) ([]archive, error) {
	out, err := host.Run(ctx, "cd "+f.Quote(s.folder())+` && for f in *.zip; do [ ! -f "$f" ] || printf '%s %s\n' "$(wc -c <"$f")" "$f"; done`, nil)
	if err := operate.RanWell(out, err, "The folder with the logs could not be read"); err != nil {
		return nil, err
	}
	var all []archive
	for line := range strings.Lines(out.Stdout) {
		count, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil || strings.Contains(name, "/") {
			return nil, fmt.Errorf("the helper VM told %q of an archive", line)
		}
		all = append(all, archive{strings.TrimSuffix(name, ".zip"), s.folder() + "/" + name, n})
	}
	return all, nil
}

// keep brings the nodes' archives here, one after the other, as one archive.
func (f flow) keep(ctx context.Context, s *State, log w.Log) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	all, err := f.archives(ctx, s, host)
	if err != nil {
		return err
	}
	all, err = s.fitting(all, log)
	if err != nil {
		return err
	}
	name := "logs-" + s.Cluster.Name + "-" + f.Clock().UTC().Format("20060102-150405") + ".zip"
	if s.File != "" {
		name = s.File // of an earlier attempt
	}
	s.Path, s.Size, err = f.keepFile(ctx, w.OriginOf(ctx).RunID, name, func(to io.Writer) error { return pack(ctx, host, all, to, log) })
	if err != nil {
		return unkept(err)
	}
	s.File, s.Packed = name, nil
	for _, a := range all {
		s.Packed = append(s.Packed, a.node)
	}
	log.Good("%s with the logs of %s lies at %s on this server (%s).", name, operate.Plural(len(all), "node"), s.Path, size(s.Size))
	log.Warn("Logs may hold secrets, and nothing in them is masked.")
	return nil
}

// unkept puts into words that the archive could not be written here.
func unkept(err error) error {
	var p *w.Problem
	if errors.As(err, &p) {
		return err
	}
	return &w.Problem{Code: "logs.write", What: "The archive could not be kept on this server", Why: err.Error() + ".", Fix: "Look whether the data folder's disk is full, then retry.", Detail: err.Error()}
}

// fitting leaves out what is too large, and refuses what is too large together.
func (s *State) fitting(all []archive, log w.Log) ([]archive, error) {
	if len(all) == 0 {
		return nil, &w.Problem{Code: "logs.none", What: "There are no logs", Why: "The engine fetched no archive from any node.", Fix: "Begin anew: look whether the names are those of nodes that exist."}
	}
	s.Left = nil
	var fit []archive
	var sum int64
	for _, a := range all {
		if a.size > mostNodeBytes {
			s.Left = append(s.Left, fmt.Sprintf("%s (%s)", a.node, size(a.size)))
			log.Warn("The logs of %s have %s; at most %s are brought here. They are in /tmp/logs.zip on the node.", a.node, size(a.size), size(mostNodeBytes))
			continue
		}
		sum += a.size
		fit = append(fit, a)
	}
	if len(fit) == 0 || sum > mostBytes {
		return nil, &w.Problem{
			Code: "logs.large", What: "The logs are too large to bring here", Why: fmt.Sprintf("%s have %s; at most %s of one node and %s together are kept.", operate.Plural(len(all), "node"), size(sum), size(mostNodeBytes), size(mostBytes)),
			Fix: "Begin anew with fewer nodes, by name. Each node has its own logs in /tmp/logs.zip.",
		}
	}
	return fit, nil
}

func pack(ctx context.Context, host operate.Host, all []archive, to io.Writer, log w.Log) error {
	z := zip.NewWriter(to)
	for i, a := range all {
		log.Progress(100*i/len(all), "bringing the logs of "+a.node)
		doc, err := host.Download(ctx, a.path, mostNodeBytes)
		if err != nil {
			return err
		}
		// They are compressed already.
		entry, err := z.CreateHeader(&zip.FileHeader{Name: a.node + ending(doc), Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := entry.Write(doc); err != nil {
			return err
		}
	}
	return z.Close()
}

// ending is the file name's ending of what a node packed: without zip and
// Python it packs with tar.
func ending(doc []byte) string {
	if bytes.HasPrefix(doc, []byte{0x1f, 0x8b}) {
		return ".tar.gz"
	}
	return ".zip"
}

// sweep keeps nothing of the nodes on the helper VM, but what a retry is to
// bring here.
func (f flow) sweep(ctx context.Context, s *State, log w.Log) error {
	if s.JobBase == "" {
		return nil
	}
	if s.Collected && s.File == "" {
		log.Warn("The nodes' logs stay in ~/%s on the helper VM until a retry of this run has brought them here.", s.folder())
		return f.Sweep(ctx, &s.Change, log)
	}
	return f.Sweep(ctx, &s.Change, log, s.folder())
}
