package aksengine

import (
	"regexp"
	"slices"
	"strings"

	"hubwright/workflows"
)

var (
	ansi       = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	shortForm  = regexp.MustCompile(`^(INFO|WARN|ERRO|DEBU|FATA|PANI)\[\d+\]\s?`)
	longForm   = regexp.MustCompile(`^time="[^"]*" level=(\w+) msg="((?:[^"\\]|\\.)*)"`)
	goneWrong  = regexp.MustCompile(`^(Error: |panic: |fatal error: )`)
	harmless   = regexp.MustCompile(`failed to open file .*known_hosts`)
	startedDep = regexp.MustCompile(`Starting ARM Deployment (\S+) in resource group (\S+)\. `)
	endedDep   = regexp.MustCompile(`Finished ARM Deployment \(([^)]+)\)\. (Succeeded|Error)`)
)

// Plain is a line without colours.
func Plain(line string) string { return ansi.ReplaceAllString(line, "") }

// message is what a line says, and its log level in lower case ("" when the
// line is no log line).
func message(line string) (level, text string) {
	line = Plain(line)
	if m := shortForm.FindStringSubmatch(line); m != nil {
		return strings.ToLower(m[1]), strings.TrimRight(line[len(m[0]):], " ")
	}
	if m := longForm.FindStringSubmatch(line); m != nil {
		return m[1], strings.NewReplacer(`\"`, `"`, `\n`, "\n", `\\`, `\`).Replace(m[2])
	}
	return "", line
}

// Classify is the weight of a line of the engine's output.
func Classify(line string) workflows.Level {
	level, text := message(line)
	switch {
	case endedDep.MatchString(text):
		if strings.Contains(text, "). Succeeded") {
			return workflows.LevelGood
		}
		return workflows.LevelError
	case harmless.MatchString(text):
		return workflows.LevelOutput
	case goneWrong.MatchString(text):
		return workflows.LevelError
	}
	switch level {
	case "warn", "warning":
		return workflows.LevelWarn
	case "erro", "error", "fata", "fatal", "pani", "panic":
		return workflows.LevelError
	}
	return workflows.LevelOutput
}

// Phase is how far a deploy command has come.
type Phase int

// The phases of deploy, in their order.
const (
	PhaseStarting     Phase = iota // nothing printed yet
	PhaseModel                     // the model is read and the stamp's endpoints known
	PhaseCertificates              // defaults are set; certificates are being made
	PhaseDeploying                 // Resource Manager works on the deployment
	PhaseFinished                  // Resource Manager said Succeeded
	PhaseFailed                    // Resource Manager said otherwise
)

// Doing is the phase in words.
func (p Phase) Doing() string {
	switch p {
	case PhaseModel:
		return "reading the API model and logging in"
	case PhaseCertificates:
		return "making certificates and the template"
	case PhaseDeploying:
		return "the Hub makes the resources"
	case PhaseFinished:
		return "the Hub has made all resources"
	case PhaseFailed:
		return "the Hub reported a failure"
	}
	return "starting the engine"
}

// DeployProgress follows the lines of a deploy command.
type DeployProgress struct {
	Phase      Phase
	Deployment string // name of the ARM deployment, "" before it starts
}

// Read takes the next line and says whether something changed. Lines may come
// again: phases only go forward.
func (p *DeployProgress) Read(line string) bool {
	_, text := message(line)
	before := *p
	to := func(ph Phase) { p.Phase = max(p.Phase, ph) }
	if m := startedDep.FindStringSubmatch(text); m != nil {
		p.Deployment = m[1]
		to(PhaseDeploying)
	} else if m := endedDep.FindStringSubmatch(text); m != nil {
		p.Deployment = m[1]
		if m[2] == "Succeeded" {
			to(PhaseFinished)
		} else {
			to(PhaseFailed)
		}
	} else if strings.HasPrefix(text, "Writing cloud profile to:") {
		to(PhaseModel)
	} else if strings.HasPrefix(text, "apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase") {
		to(PhaseCertificates)
	}
	return *p != before
}

// StartedDeployment is the name of the ARM deployment that the line says was
// begun, "" when it says something else.
func StartedDeployment(line string) string {
	_, text := message(line)
	if m := startedDep.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

var scaleLines = regexp.MustCompile(`^Node (\S+) (will be cordoned and drained|has been marked unschedulable)|^deleting (VM|NIC|managed disk) (\S+) in`)

// Deletions follows which VMs a command takes away: first the VM goes, then its
// network interface, then its disk. A command that is stopped in between leaves
// the rest, and the next one does not look for it.
type Deletions struct {
	Begun []string // VMs
	Whole []string // VMs whose disk's deletion was begun too
}

// Read takes the next line.
func (d *Deletions) Read(line string) {
	_, text := message(line)
	m := scaleLines.FindStringSubmatch(text)
	if m == nil {
		return
	}
	switch m[3] {
	case "VM":
		if !slices.Contains(d.Begun, m[4]) {
			d.Begun = append(d.Begun, m[4])
		}
	case "managed disk":
		for _, vm := range d.Begun {
			if strings.HasPrefix(m[4], vm+"_") && !slices.Contains(d.Whole, vm) {
				d.Whole = append(d.Whole, vm)
			}
		}
	}
}

// Half are the VMs of which an interface or a disk may be left.
func (d *Deletions) Half() []string {
	return slices.DeleteFunc(slices.Clone(d.Begun), func(vm string) bool { return slices.Contains(d.Whole, vm) })
}

// ScaleDoing is what a line of a scale command says is being done, "" when it
// says nothing of that.
func ScaleDoing(line string) string {
	_, text := message(line)
	if startedDep.MatchString(text) {
		return "the Hub makes the new VMs"
	}
	m := scaleLines.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[1] != "":
		return "draining " + m[1]
	}
	return "deleting the " + m[3] + " " + m[4]
}
