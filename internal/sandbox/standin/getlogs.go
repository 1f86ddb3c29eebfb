package standin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type logCollection struct {
	*job
	nodeFlags
	script, upload string
	names          []string
	onlyMasters    bool
}

func (p *process) getLogsCommand() *command {
	c := &command{name: "get-logs", short: "Collect logs and current cluster nodes configuration.",
		long: "Collect deployment logs, running daemons/services logs and current nodes configuration.", flags: newFlags("get-logs")}
	l, windows := &logCollection{job: &job{}}, ""
	c.flags.StringVarP(&l.location, "location", "l", "", "Azure location where the cluster is deployed (required)")
	c.flags.StringVarP(&l.file, "api-model", "m", "", "path to the generated apimodel.json file (required)")
	l.nodeFlags.add(c.flags, " (required)")
	c.flags.StringVar(&l.script, "linux-script", "", "path to the log collection script to execute on the cluster's Linux nodes (required if distro is not aks-ubuntu-18.04)")
	c.flags.StringVar(&windows, "windows-script", "", "path to the log collection script to execute on the cluster's Windows nodes (required if distro is not aks-windows)")
	c.flags.StringVarP(&l.output, "output-directory", "o", "", "collected logs destination directory, derived from --api-model if missing")
	c.flags.BoolVar(&l.onlyMasters, "control-plane-only", false, "get logs from control plane VMs only")
	c.flags.StringSliceVar(&l.names, "vm-names", nil, "get logs from the VM name list only (comma-separated names)")
	c.flags.StringVar(&l.upload, "upload-sas-url", "", "Azure Storage Account SAS URL to upload the collected logs")
	c.run = func([]string) error {
		if err := lacking(c.flags, "location", "api-model", "ssh-host", "linux-ssh-private-key"); err != nil {
			return err
		}
		for _, f := range [][2]string{{l.file, "--api-model"}, {l.key, "--linux-ssh-private-key"}, {l.script, "--linux-script"}, {windows, "--windows-script"}} {
			if err := mustExist(f[0], f[1]); err != nil {
				return fmt.Errorf("validating get-logs args: %w", err)
			}
		}
		ctx := context.Background()
		if err := p.open(ctx, l.job, nil); err != nil {
			return fmt.Errorf("loading API model: %w", err)
		}
		if err := p.collect(ctx, l); err != nil {
			return plainError{err}
		}
		return nil
	}
	return c
}

func (p *process) collect(ctx context.Context, l *logCollection) error {
	names, err := p.nodesWithLogs(ctx, l)
	if err != nil {
		return err
	}
	if l.output == "" {
		l.output = filepath.Join(filepath.Dir(l.file), "_logs")
		if err := os.MkdirAll(l.output, 0o755); err != nil {
			return err
		}
	}
	nodes := p.openRemote(l.job, l.nodeFlags)
	for _, name := range names {
		p.log.info("Processing node: %s", name)
		text, err := l.fetch(ctx, nodes, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(l.output, name+".zip"), text, 0o600)
		}
		if err == nil && l.upload != "" {
			err = p.uploadLogs(ctx, l.upload, name, text)
		}
		if err != nil {
			return fmt.Errorf(": %w", err)
		}
	}
	p.log.info("Logs downloaded to %s", l.output)
	return nil
}

// nodesWithLogs are the nodes that the flags leave. Without an API server, those of the control plane are known.
func (p *process) nodesWithLogs(ctx context.Context, l *logCollection) (names []string, err error) {
	k, err := p.openKube(l.job, "", "")
	if err != nil {
		return nil, err
	}
	nodes, err := k.nodes(ctx, "")
	if err != nil {
		p.log.warn("Error retrieving node list from apiserver: %v", err)
		p.log.info("Collecting logs from control plane nodes only")
		for i := range l.props.MasterProfile.Count {
			names = append(names, fmt.Sprintf("k8s-master-%s-%d", l.suffix(), i))
		}
	}
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return l.onlyMasters && !strings.HasPrefix(name, "k8s-master-") || len(l.names) > 0 && !slices.Contains(l.names, name)
	}), nil
}

// fetch lets a node collect its logs, and gets them.
func (l *logCollection) fetch(ctx context.Context, nodes *remote, name string) ([]byte, error) {
	script := "/opt/azure/containers/collect-logs.sh"
	if l.script != "" {
		text, err := os.ReadFile(l.script)
		if err != nil {
			return nil, err
		}
		script = "/tmp/collect-logs.sh"
		if err := nodes.upload(ctx, name, script, "744", text); err != nil {
			return nil, err
		}
	}
	if _, err := nodes.run(ctx, name, `sudo -E bash -c "AZURE_ENV=AzureStackCloud `+script+`"`, nil); err != nil {
		return nil, err
	}
	return nodes.run(ctx, name, `bash -c "cat /tmp/logs.zip > /dev/stdout"`, nil)
}

// uploadLogs puts an archive into the container that a shared access signature is for.
func (p *process) uploadLogs(ctx context.Context, container, name string, text []byte) error {
	target, err := url.Parse(container)
	if err != nil {
		return err
	}
	web, err := newHTTPClient(p.getenv)
	if err != nil {
		return err
	}
	a, err := (&client{http: web}).once(ctx, http.MethodPut, target.JoinPath(name+".zip").String(), text, http.Header{"X-Ms-Blob-Type": {"BlockBlob"}})
	if err == nil && a.status != http.StatusCreated {
		err = a.failure()
	}
	return err
}
