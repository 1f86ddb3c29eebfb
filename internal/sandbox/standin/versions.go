package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// The Kubernetes versions that the engine knows, oldest first. Clusters are made in one of the creatable versions only;
// the others may be upgraded from.
var (
	creatableVersions = []string{"1.33.10", "1.34.4", "1.35.0"}
	knownVersions     = []string{"1.30.10", "1.30.14", "1.31.11", "1.31.13", "1.32.9", "1.33.5", "1.33.10", "1.34.4", "1.35.0"}
)

const defaultVersion = "1.33.10"

// Windows nodes are offered in the same versions.

// resolveVersion gives the version that a release and a version of a model mean together, or "".
func resolveVersion(release, version string) string {
	release, version = strings.TrimPrefix(release, "v"), strings.TrimPrefix(version, "v")
	if release == "" && version == "" {
		return defaultVersion
	}
	for _, v := range slices.Backward(creatableVersions) {
		if (version == "" || v == version) && (release == "" || minorOf(v) == release) {
			return v
		}
	}
	return ""
}

// minorOf is the release of a version: 1.33 of 1.33.10.
func minorOf(version string) string {
	return version[:strings.LastIndexByte(version, '.')]
}

func compareVersions(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

// upgradesOf lists the versions that a cluster may be upgraded to: up to the next minor or, where none of that can be made,
// up to the nearest.
func upgradesOf(version string) []string {
	var newer []string
	for _, v := range creatableVersions {
		if compareVersions(v, version) > 0 {
			newer = append(newer, v)
		}
	}
	if len(newer) == 0 {
		return nil
	}
	limit := max(numbers(version)[1]+1, numbers(newer[0])[1])
	return slices.DeleteFunc(newer, func(v string) bool { return numbers(v)[1] > limit })
}

type orchestrator struct {
	Type     string         `json:"orchestratorType"`
	Version  string         `json:"orchestratorVersion"`
	Default  bool           `json:"default,omitempty"`
	Upgrades []orchestrator `json:"upgrades,omitempty"`
}

func (p *process) getVersionsCommand() *command {
	c := &command{name: "get-versions", short: "Display info about supported Kubernetes versions",
		long: "Display supported Kubernetes versions and upgrade versions", flags: newFlags("get-versions")}
	version := c.flags.String("version", "", "Kubernetes version (optional)")
	c.flags.Bool("windows", false, "Kubernetes cluster with Windows nodes (optional)")
	c.flags.String("azure-env", "AzurePublicCloud", "The target Azure cloud")
	output := c.flags.StringP("output", "o", "human", "Output format. Allowed values: human, json")
	c.run = func([]string) error {
		list := creatableVersions
		if *version != "" {
			if !slices.Contains(knownVersions, *version) {
				return fmt.Errorf("Kubernetes version %s is not supported", *version)
			}
			list = []string{*version}
		}
		return p.printVersions(list, *output)
	}
	return c
}

func (p *process) printVersions(list []string, output string) error {
	switch output {
	case "json":
		var all []orchestrator
		for _, v := range list {
			o := orchestrator{Type: "Kubernetes", Version: v, Default: v == defaultVersion}
			for _, u := range upgradesOf(v) {
				o.Upgrades = append(o.Upgrades, orchestrator{Version: u})
			}
			all = append(all, o)
		}
		return p.printJSON(map[string]any{"orchestrators": all})
	case "human":
		w := tabwriter.NewWriter(p.stdout, 0, 4, 1, ' ', tabwriter.FilterHTML)
		fmt.Fprintln(w, "Version\tUpgrades")
		for _, v := range slices.Backward(list) {
			fmt.Fprintf(w, "%s\t%s\n", v, strings.Join(upgradesOf(v), ", "))
		}
		return w.Flush()
	}
	return fmt.Errorf("output format %q is not supported", output)
}

func (p *process) versionCommand() *command {
	const text = "Print the version of aks-engine"
	c := &command{name: "version", short: text, long: text, flags: newFlags("version")}
	output := c.flags.StringP("output", "o", "human", "Output format. Allowed values: human, json")
	c.run = func([]string) error {
		tag := p.version()
		switch *output {
		case "json":
			return p.printJSON(struct{ GitTag, GitCommit, GitTreeState string }{tag, standinCommit, "clean"})
		case "human":
			fmt.Fprintf(p.stdout, "Version: %s\nGitCommit: %s\nGitTreeState: %s\n", tag, standinCommit, "clean")
			return nil
		}
		return fmt.Errorf("output format %q is not supported", *output)
	}
	return c
}

// standinCommit is where a release names its commit. It tells the stand-in from a release.
const standinCommit = "sandbox"

func (p *process) version() string {
	if tag := p.getenv(VersionVariable); tag != "" {
		return tag
	}
	return "canary"
}

func (p *process) printJSON(v any) error {
	text, err := indented(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	return err
}

// indented is JSON as the engine writes it: two blanks, characters of HTML as they are, a line feed at the end.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
