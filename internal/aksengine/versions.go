// Package aksengine knows aks-engine-azurestack: its versions, API model,
// validation rules, command lines, files, output and exit codes. It holds
// values and functions over them and talks to nobody.
package aksengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hubwright/workflows"
)

// Default is the engine version that new helper VMs get.
const Default = "v0.85.0"

// Distro is the operating system image that the API model names.
const Distro = "aks-ubuntu-22.04"

// Engine is one released version of AKS Engine and what belongs to it.
type Engine struct {
	Version    string // v0.85.0
	Released   string // year-month-day, "" where we don't know
	BaseImage  workflows.ImageRef
	Kubernetes []string // versions that it can create, oldest first
}

// CustomScript is the VM extension that node set-up needs on the stamp.
var CustomScript = struct{ Publisher, Type, MinVersion string }{"Microsoft.Azure.Extensions", "CustomScript", "2.0.6"}

const (
	sku2204 = "aks-engine-azurestack-ubuntu-2204"
	sku2004 = "aks-engine-azurestack-ubuntu-2004"
)

func baseImage(sku, version string) workflows.ImageRef {
	return workflows.ImageRef{Publisher: "microsoft-aks", Offer: "aks", SKU: sku, Version: version}
}

// Versions are the engine versions under the name aks-engine-azurestack that
// we know, newest first.
func Versions() []Engine {
	return []Engine{
		{"v0.85.0", "2026-06-09", baseImage(sku2204, "2026.139.1"), []string{"1.33.10", "1.34.4", "1.35.0"}},
		{"v0.84.2", "", baseImage(sku2204, "2025.337.1"), []string{"1.31.13", "1.32.9", "1.33.5"}},
		{"v0.83.1", "", baseImage(sku2204, "2025.227.1"), []string{"1.30.14", "1.31.11"}},
		{"v0.82.2", "", baseImage(sku2204, "2025.079.2"), []string{"1.29.15", "1.30.10"}},
		{"v0.81.2", "", baseImage(sku2004, "2024.311.1"), []string{"1.28.15", "1.29.10"}},
		{"v0.80.3", "", baseImage(sku2004, "2024.032.1"), []string{"1.27.10", "1.28.6"}},
		{"v0.79.0", "", baseImage(sku2004, "2023.296.1"), []string{"1.26.9", "1.27.6"}},
		{"v0.78.0", "", baseImage(sku2004, "2023.242.3"), []string{"1.25.13", "1.26.8"}},
		{"v0.77.0", "", baseImage(sku2004, "2023.206.1"), []string{"1.25.7", "1.26.6"}},
		{"v0.76.0", "", baseImage(sku2004, "2023.116.3"), []string{"1.24.11", "1.25.7"}},
		{"v0.75.3", "", baseImage(sku2004, "2023.032.2"), []string{"1.23.15", "1.24.9"}},
	}
}

// Find is the engine of that version, with or without the leading v.
func Find(version string) (Engine, bool) {
	want := "v" + strings.TrimPrefix(strings.TrimSpace(version), "v")
	for _, e := range Versions() {
		if e.Version == want {
			return e, true
		}
	}
	return Engine{}, false
}

// ArchiveFolder is the one top directory inside the release archive.
func ArchiveFolder(version string) string {
	return "aks-engine-azurestack-" + version + "-linux-amd64"
}

// ArchiveName is the file name of the Linux release archive.
func ArchiveName(version string) string { return ArchiveFolder(version) + ".tar.gz" }

// DownloadURL is where the project publishes the Linux release archive.
func DownloadURL(version string) string {
	return "https://github.com/Azure/aks-engine-azurestack/releases/download/" + version + "/" + ArchiveName(version)
}

// BinaryName is the engine's file name in the archive and where we put it.
const BinaryName = "aks-engine-azurestack"

// BinaryPath is where the engine of a version lies on a helper VM, below the
// user's home.
func BinaryPath(version string) string {
	return ".hubwright/engine/" + version + "/" + BinaryName
}

// ParseGetVersions reads the output of get-versions -o json.
func ParseGetVersions(out []byte) ([]workflows.KubernetesVersion, error) {
	var doc struct {
		Orchestrators []struct {
			OrchestratorVersion string `json:"orchestratorVersion"`
			Default             bool   `json:"default"`
			Upgrades            []struct {
				OrchestratorVersion string `json:"orchestratorVersion"`
			} `json:"upgrades"`
		} `json:"orchestrators"`
	}
	if err := json.Unmarshal(jsonPart(out), &doc); err != nil {
		return nil, fmt.Errorf("the output of get-versions is not the JSON that was expected: %w", err)
	}
	versions := make([]workflows.KubernetesVersion, 0, len(doc.Orchestrators))
	for _, o := range doc.Orchestrators {
		v := workflows.KubernetesVersion{Version: o.OrchestratorVersion, Default: o.Default}
		for _, u := range o.Upgrades {
			v.Upgrades = append(v.Upgrades, u.OrchestratorVersion)
		}
		versions = append(versions, v)
	}
	if len(versions) == 0 {
		return nil, errors.New("get-versions offered no Kubernetes version")
	}
	return versions, nil
}

var versionLine = regexp.MustCompile(`(?m)^Version:\s*(\S+)`)

// HandMade is the version that an engine says that was built without a tag.
const HandMade = "canary"

// ParseVersion reads the output of version, in its JSON or its human form. It
// may be HandMade.
func ParseVersion(out []byte) (string, error) {
	var doc struct{ GitTag string }
	if json.Unmarshal(jsonPart(out), &doc) == nil && doc.GitTag != "" {
		return doc.GitTag, nil
	}
	if m := versionLine.FindSubmatch(out); m != nil {
		return string(m[1]), nil
	}
	return "", errors.New("the engine did not say its version")
}

// jsonPart cuts warnings before the document: both streams may be mixed.
func jsonPart(out []byte) []byte {
	if i := strings.IndexByte(string(out), '{'); i > 0 {
		return out[i:]
	}
	return out
}

// OneStep says whether Kubernetes supports going from one version to the other
// in one upgrade: a newer patch, or the next minor version.
func OneStep(from, to string) bool {
	a, aok := numbers(from)
	b, bok := numbers(to)
	if !aok || !bok || a[0] != b[0] {
		return false
	}
	return b[1] == a[1]+1 || b[1] == a[1] && b[2] > a[2]
}

func numbers(version string) (n [3]int, ok bool) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) != len(n) {
		return n, false
	}
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(p); err != nil {
			return n, false
		}
	}
	return n, true
}
