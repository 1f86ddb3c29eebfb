package pipelines

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	w "hubwright/workflows"
)

//go:embed image/Dockerfile
var dockerfileText string

//go:embed image/start.sh
var startScript string

var dockerfile = template.Must(template.New("Dockerfile").Delims("<<", ">>").Parse(dockerfileText))

const mostAgents = 10

var (
	// setName fits a StatefulSet: the labels of its pods have the name with ten
	// characters more.
	setName   = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$`)
	imageName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$`)
)

func onPods(s *State) bool { return s.setsUp() && s.Where == WhereCluster }

// agentNames are the agents that a number of pods registers.
func agentNames(name string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = name + "-" + strconv.Itoa(i)
	}
	return out
}

func (f flow) podsPage() w.Page[State] {
	had := func(v func(p w.AgentPods) string, otherwise string) func(*State) string {
		return func(s *State) string { return cmp.Or(v(s.Before.AgentPods), otherwise) }
	}
	return w.Page[State]{
		ID: "pods", Title: "The agents' pods", Why: "A pod is an agent. They only open connections outwards, have no token of the cluster, and do not run as root.",
		When: onPods,
		Fields: []w.Field[State]{
			{Name: "image", Label: "Image of the agent", Kind: w.FieldText, Placeholder: "registry.contoso.com/azure-agent:1@sha256:…", Observed: f.observedPackage, Default: had(func(p w.AgentPods) string { return p.Image }, ""),
				Help: "Microsoft publishes none: a team builds its own, and the two files below do. With its registry, and best with its digest. Its user has to be a number, and not 0."},
			{Name: "pull_secret", Label: "Pull secret", Kind: w.FieldText, Optional: true, Help: "Name of one that is in the namespace already, where the registry asks for a login.", Default: had(func(p w.AgentPods) string { return p.PullSecret }, "")},
			{Name: "replicas", Label: "How many agents", Kind: w.FieldNumber, Help: "Each runs one job at a time. Of two, one goes on while the other moves to another node.", Default: had(func(p w.AgentPods) string { return number(p.Replicas) }, "2")},
			{Name: "pods_namespace", Label: "Namespace of the agents", Kind: w.FieldText, Help: "Of their own, so that nothing else reads their token. Made if it is not there.", Default: had(func(p w.AgentPods) string { return p.Namespace }, "azure-agents")},
			{Name: "token", Label: "Token of the agents", Kind: w.FieldSecret, Optional: true, Default: had(func(p w.AgentPods) string { return string(p.Token) }, ""),
				Help: "A personal access token with the scope Agent Pools (read and manage) alone. Without it they register with what the Connection has, and whoever writes a job can read that."},
		},
		Documents: f.imageFiles, Bind: bindPods,
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func bindPods(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	p := w.AgentPods{Image: a.Get("image"), Namespace: a.Get("pods_namespace"), PullSecret: a.Get("pull_secret"), Token: w.SecretRef(a.Get("token"))}
	registry, path, _ := strings.Cut(p.Image, "/")
	switch {
	case !imageName.MatchString(p.Image) || !strings.ContainsAny(registry, ".:"):
		bad("image", "Give the image with its registry, such as registry.contoso.com/azure-agent:1.")
	case !strings.ContainsAny(path, ":@"):
		bad("image", "Give a tag or a digest as well: without one, each pod takes what is newest when it starts.")
	}
	const rule = " has small letters, digits and dashes, at most 63 of them, and neither begins nor ends with a dash."
	if !w.IsDNSLabel(p.Namespace) {
		bad("pods_namespace", "A namespace"+rule)
	} else if ofKubernetes(p.Namespace) {
		bad("pods_namespace", "This namespace belongs to Kubernetes itself. Choose one of your own.")
	}
	if p.PullSecret != "" && !w.IsDNSLabel(p.PullSecret) {
		bad("pull_secret", "A Secret's name"+rule)
	}
	n, err := strconv.Atoi(a.Get("replicas"))
	if err != nil || n < 1 || n > mostAgents {
		n = 1
		bad("replicas", "Give a whole number from 1 to 10.")
	}
	p.Replicas = n
	if s.Login == w.AuthCertificate && p.Token == "" {
		bad("token", "The Connection "+s.Connection+" has a certificate, with which no agent registers. Give a personal access token.")
	}
	s.Pods = p
	return errs
}

// podsFault says what does not go together with pods, on other pages.
func podsFault(s *State) []w.FieldError {
	switch b := s.Before; {
	case !onPods(s):
		return nil
	case !setName.MatchString(s.Agent):
		return []w.FieldError{{Page: "agents", Field: "agent", Message: "The name of agents on the cluster begins with a small letter, has small letters, digits and dashes, at most 52 of them, and does not end with a dash. Each pod adds its number."}}
	case b.Agent != "" && b.Pool != s.Pool:
		return []w.FieldError{{Page: "agents", Field: "pool", Message: "The agents " + b.Agent + " are in the pool " + b.Pool + ". Keep it, or take them away first (first page)."}}
	case s.usesAccount() && s.Namespace == s.Pods.Namespace:
		return []w.FieldError{{Page: "access", Field: "namespace", Message: "The agents' pods are in this namespace, and the account could read the token with which they register. Choose another one."}}
	}
	return nil
}

// observedPackage says what the image would hold.
func (f flow) observedPackage(ctx context.Context, s *State) string {
	if p := f.offered(ctx, s); p.Version != "" {
		return "Azure DevOps offers agent " + p.Version + " now."
	}
	return ""
}

// offered is the agent's archive as the organization names it, empty when it
// does not answer: the page is of use without.
func (f flow) offered(ctx context.Context, s *State) Package {
	var p Package
	err := f.inOrganization(ctx, s, func(o Organization) (err error) { p, err = o.AgentPackage(ctx); return err })
	if err != nil {
		return Package{}
	}
	return p
}

// imageFiles are all that building an image of an agent takes.
func (f flow) imageFiles(ctx context.Context, s *State) []w.Document {
	var text strings.Builder
	if err := dockerfile.Execute(&text, f.offered(ctx, s)); err != nil {
		return nil
	}
	return []w.Document{{Name: "Dockerfile", MIME: "text/plain", Body: text.String()}, {Name: "start.sh", MIME: "text/x-shellscript", Body: startScript}}
}

func (s *State) podsPlace() string {
	return fmt.Sprintf("%s as pods on the cluster itself, in %s", strings.Join(agentNames(s.Agent, s.Pods.Replicas), ", "), s.Pods.Namespace)
}
