package operate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// What the bed's world answers: the Hub, the helper VM, the cluster.

type hub struct{ b *bed }

func (h hub) Login(context.Context) error { return errors.Join(h.b.loginErr, h.b.hubErr) }
func (h hub) CanContribute(context.Context) (bool, string, error) {
	return !h.b.forbidden, "Reader on the subscription", h.b.hubErr
}
func (h hub) Providers(context.Context, ...string) ([]w.Provider, error) { return nil, h.b.hubErr }
func (h hub) Sizes(context.Context) ([]w.VMSize, error) {
	return []w.VMSize{{Name: "Standard_F8", Cores: 8}, {Name: "Standard_A1", Cores: 1}, {Name: "Basic_A3", Cores: 4}, {Name: "Standard_D2_v2", Cores: 2}}, h.b.hubErr
}
func (h hub) Usages(context.Context) ([]w.Usage, error) { return h.b.usages, h.b.hubErr }
func (h hub) HasImage(context.Context, w.ImageRef) (bool, []string, error) {
	return h.b.images == nil, h.b.images, h.b.hubErr
}
func (h hub) HasExtension(context.Context, string, string, string) (bool, []string, error) {
	return true, nil, h.b.hubErr
}
func (h hub) ResourceGroupTags(context.Context, string) (bool, map[string]string, error) {
	return true, nil, h.b.hubErr
}
func (h hub) DNSLabelTaken(context.Context, string) (bool, string, error) {
	return false, "", h.b.hubErr
}
func (h hub) SubnetExists(context.Context, string) (bool, string, error) {
	return false, "", h.b.hubErr
}
func (h hub) VMs(context.Context, string) ([]w.VM, error) { return slices.Clone(h.b.vms), h.b.hubErr }
func (h hub) VMExtensions(_ context.Context, _, vm string) ([]string, error) {
	return append([]string{"cse-agent-0"}, h.b.extensions[vm]...), h.b.hubErr
}
func (h hub) Deployments(context.Context, string) ([]w.ARMDeployment, error) {
	return nil, h.b.hubErr
}
func (h hub) DeploymentOperations(_ context.Context, _, name string) ([]w.DeploymentOperation, error) {
	return slices.DeleteFunc(slices.Clone(h.b.ops), func(o w.DeploymentOperation) bool { return o.ID != name }), h.b.hubErr
}

type host struct{ b *bed }

var noteScript = regexp.MustCompile(`printf '%s\\n' '([^']+)' >> '([^']+)'`)

func (h host) Close() error { return nil }
func (h host) Run(_ context.Context, script string, _ io.Reader) (operate.Output, error) {
	if m := noteScript.FindStringSubmatch(script); m != nil && !strings.Contains(h.b.files[m[2]], m[1]+"\n") {
		h.b.files[m[2]] += m[1] + "\n"
	}
	if h.b.answer != nil {
		if out := h.b.answer(script); out != "" {
			return operate.Output{Stdout: out}, nil
		}
	}
	if strings.Contains(script, "'version'") {
		if h.b.noEngine {
			return operate.Output{ExitCode: 127}, nil
		}
		return operate.Output{Stdout: `{"GitTag":"` + h.b.helper.EngineVersion + `"}`}, nil
	}
	return operate.Output{}, nil
}
func (h host) Upload(_ context.Context, name string, mode os.FileMode, _ int64, r io.Reader, _ func(int64)) error {
	data, err := io.ReadAll(r)
	if mode != 0o600 {
		h.b.t.Errorf("%s is written with %04o", name, mode)
	}
	h.b.files[name] = string(data)
	return err
}
func (h host) Download(_ context.Context, name string, _ int64) ([]byte, error) {
	if s, ok := h.b.files[name]; ok {
		return []byte(s), nil
	}
	return nil, fmt.Errorf("%s: %w", name, w.ErrNotFound)
}
func (h host) StartJob(_ context.Context, j operate.Job) (bool, error) {
	if h.b.jobs[j.ID] != nil {
		return false, nil
	}
	n := &job{Job: j, state: operate.JobRunning}
	n.turns = h.b.engine(n)
	h.b.jobs[j.ID] = n
	h.b.order = append(h.b.order, j.ID)
	return true, nil
}
func (h host) JobState(_ context.Context, id string) (string, int, int64, error) {
	j := h.b.jobs[id]
	if j == nil {
		return operate.JobAbsent, 0, 0, nil
	}
	return j.state, j.code, int64(j.out.Len()), nil
}
func (h host) ReadJob(_ context.Context, id string, offset int64, max int) ([]byte, error) {
	data := []byte(h.b.jobs[id].out.String())[offset:]
	return bytes.Clone(data[:min(len(data), max)]), nil
}
func (h host) SignalJob(_ context.Context, id, signal string) error {
	h.b.signals = append(h.b.signals, signal)
	if h.b.jobs[id] == nil {
		h.b.jobs[id] = &job{state: operate.JobLost}
		return w.ErrNotFound
	}
	h.b.jobs[id].end(143)
	return nil
}

func (j *job) say(lines ...string) {
	for _, l := range lines {
		j.out.WriteString(l + "\n")
	}
}
func (j *job) end(code int) { j.state, j.code = operate.JobExited, code }
func (j *job) flag(name string) string {
	if i := slices.Index(j.Argv, name); i >= 0 && i+1 < len(j.Argv) {
		return j.Argv[i+1]
	}
	return ""
}

type kube struct{ b *bed }

func (k kube) Close() error    { return nil }
func (k kube) ViaHelper() bool { return true }
func (k kube) Uncordon(_ context.Context, node string) error {
	k.b.uncordoned = append(k.b.uncordoned, node)
	return k.b.kubeErr
}
func (k kube) Disruption(context.Context) (w.Disruption, error) {
	return k.b.disruption, k.b.kubeErr
}
func (k kube) Nodes(context.Context) ([]w.Node, error) {
	if k.b.nodes != nil {
		return k.b.nodes(), k.b.kubeErr
	}
	return k.b.all(), k.b.kubeErr
}

// all are Ready nodes for every VM of the Hub.
func (b *bed) all() []w.Node {
	var out []w.Node
	for _, vm := range b.vms {
		out = append(out, w.Node{Name: vm.Name, Ready: true, Status: "Ready", Version: "v" + strings.TrimPrefix(vm.Tags["orchestrator"], "Kubernetes:")})
	}
	return out
}
