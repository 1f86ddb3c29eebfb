package aksengine

import (
	"fmt"
	"slices"

	"hubwright/workflows"
)

// Hop is one upgrade on the way to a newer Kubernetes version.
type Hop struct {
	From, To string             // Kubernetes, without v
	Engine   string             // v0.85.0: the engine that makes the hop
	Image    workflows.ImageRef // that the stamp must have for it; its Version is "" where we don't know it
	Changes  []string           // what the hop does besides, in sentences
}

// Ladder is the way from a Kubernetes version to the newest one that an engine
// offers, one minor version a hop: Kubernetes supports no more, although the
// engine itself would skip some. It prefers the newest patch and, for the same
// patch, the older engine, since that runs on more Hub builds. broken says in
// a sentence why the ladder ends before the newest version, "" when it doesn't.
func Ladder(from string) (hops []Hop, broken string) {
	newest := Versions()[0].Kubernetes
	goal := newest[len(newest)-1]
	for at := from; at != goal; {
		hop, ok := next(at)
		if !ok {
			return hops, fmt.Sprintf("No engine that we know leads on from Kubernetes %s: deploy a new cluster and move the work there.", at)
		}
		hops = append(hops, hop)
		at = hop.To
	}
	return hops, ""
}

// next is the hop to the newest patch of the next minor version. Where no
// engine makes that, it is the newest patch of the same minor.
func next(at string) (Hop, bool) {
	if _, ok := numbers(at); !ok {
		return Hop{}, false
	}
	var best Hop
	var bestVersion [3]int
	for _, e := range allEngines() {
		for _, to := range e.Kubernetes {
			v, _ := numbers(to)
			if OneStep(at, to) && slices.Compare(v[:], bestVersion[:]) >= 0 {
				best, bestVersion = Hop{From: at, To: to, Engine: e.Version, Image: e.BaseImage}, v
			}
		}
	}
	best.Changes = Changes(at, best.To)
	return best, best.To != ""
}

// allEngines are the engines under their present and their former name, newest
// first.
func allEngines() []Engine { return slices.Concat(Versions(), formerEngines()) }

// formerEngines are the releases under the name aks-engine. Their base images
// have SKUs that we don't know for sure.
func formerEngines() []Engine {
	return []Engine{
		{Version: "v0.73.0", Kubernetes: []string{"1.22.15", "1.23.13"}},
		{Version: "v0.71.0", Kubernetes: []string{"1.22.7", "1.23.6"}},
		{Version: "v0.70.0", Kubernetes: []string{"1.21.10", "1.22.7"}},
		{Version: "v0.67.3", Kubernetes: []string{"1.19.15", "1.20.11"}},
		{Version: "v0.63.0", Kubernetes: []string{"1.18.18", "1.19.10", "1.20.6"}},
		{Version: "v0.60.1", Kubernetes: []string{"1.16.15", "1.17.17", "1.18.15"}},
		{Version: "v0.55.4", Kubernetes: []string{"1.15.12", "1.16.14", "1.17.11"}},
		{Version: "v0.51.0", Kubernetes: []string{"1.15.12", "1.16.9"}},
		{Version: "v0.48.0", Kubernetes: []string{"1.14.7", "1.15.10"}},
		{Version: "v0.43.1", Kubernetes: []string{"1.14.8", "1.15.5"}},
	}
}

// Changes are the things that minor versions between brought and that an
// upgrade cannot leave out, in sentences.
func Changes(from, to string) []string {
	all := []struct {
		minor int
		what  string
	}{
		{16, "Deployments, DaemonSets and others leave extensions/v1beta1: manifests and Helm releases that use it must be changed before."},
		{21, "In-tree disks move to the Azure Disk CSI driver, with a pause for what uses them."},
		{22, "Ingress, CRDs and webhooks leave their beta versions: manifests and Helm releases that use them must be changed before."},
		{24, "Nodes change from Docker to containerd; token Secrets are no longer made for service accounts."},
		{25, "PodSecurityPolicy, CronJob v1beta1 and PodDisruptionBudget v1beta1 are gone."},
		{26, "HorizontalPodAutoscaler v2beta2 is gone."},
		{32, "FlowSchema v1beta3 is gone."},
	}
	var out []string
	for _, c := range all {
		if c.minor > Minor(from) && c.minor <= Minor(to) {
			out = append(out, c.what)
		}
	}
	return out
}

// HubBuilds are the Azure Stack Hub builds that an engine is listed for, ""
// where the list that we know ends.
func HubBuilds(engine string) string {
	v, ok := numbers(engine)
	if !ok {
		return ""
	}
	var fit []string
	for _, b := range hubBuilds() {
		least, _ := numbers(b.least)
		most, _ := numbers(b.most)
		if slices.Compare(v[:], least[:]) >= 0 && slices.Compare(v[:], most[:]) <= 0 {
			fit = append(fit, b.hub)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	return joinRange(fit)
}

// hubBuild is a build of Azure Stack Hub with the oldest and the newest engine
// that are listed for it.
type hubBuild struct{ least, most, hub string }

func hubBuilds() []hubBuild {
	return []hubBuild{
		{"v0.63.0", "v0.76.0", "2108"}, {"v0.70.0", "v0.77.0", "2206"}, {"v0.75.3", "v0.79.0", "2301"},
		{"v0.78.0", "v0.80.3", "2306"}, {"v0.80.3", "v0.80.3", "2311"}, {"v0.80.3", "v0.81.2", "2406"}, {"v0.80.3", "v0.81.2", "2408"},
	}
}

func joinRange(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return all[0] + " to " + all[len(all)-1]
}
