package upgrade

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

const (
	soon      = 30 * 24 * time.Hour // what ends sooner is worth a word
	docRemove = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
	docBuilds = "https://learn.microsoft.com/azure-stack/user/kubernetes-aks-engine-release-notes"
)

// advice are the checks that only an upgrade needs: what the hop takes away,
// and what would end or break on the way.
func (f flow) advice() []w.Check[State] {
	block, warn := w.SeverityBlock, w.SeverityWarn
	pools := func(s *State) bool { return s.Reach == ReachAll }
	hops := func(s *State) bool { return s.What == WhatVersion }
	return []w.Check[State]{
		{ID: "hop", Title: "What this hop brings is accepted", Why: "An upgrade cannot leave it out, and it cannot be undone.", Page: "target", Severity: block, Waivable: true, Timeout: slow, Run: f.checkHop},
		{ID: "removed-apis", Title: "Nothing uses APIs that go away", Why: "What is written with them cannot be changed any more, and its next deployment fails.", Page: "target", Severity: block, Waivable: true, Timeout: slow, When: hops, Run: f.checkAPIs},
		{ID: "model-version", Title: "API model and control plane have one version", Why: "The engine takes the version that it starts from out of the model.", Severity: block, Timeout: slow, Run: f.checkModelVersion},
		{ID: "path", Title: "The way goes on after this hop", Why: "A cluster that no engine leads on is supported for some months only.", Page: "target", Severity: warn, Waivable: true, When: hops, Run: f.checkPath},
		{ID: "hub-build", Title: "The engine is listed for the Hub's build", Why: "With another build it may meet APIs and images that it was never tried with.", Severity: block, Waivable: true, Run: f.checkBuild},
		{ID: "air-gapped", Title: "The stamp lets the control plane go alone", Why: "Without the internet kube-proxy stops working until the pools follow.", Page: "target", Severity: block, When: func(s *State) bool { return s.Reach == ReachMaster }, Run: f.checkAirGapped},
		{ID: "certificates", Title: "The cluster's certificates last", Why: "New nodes get them; once they have ended the engine cannot reach the API server.", Severity: block, Waivable: true, Timeout: slow, Run: f.checkCertificates},
		{ID: "principal-ends", Title: "The service principal lasts", Why: "Without it neither the engine nor the cluster itself can make VMs, disks and addresses.", Severity: block, Waivable: true, Timeout: slow, Run: f.checkPrincipalEnds},
		{ID: "disks", Title: "Disks have a driver of the new version", Why: "Volumes hang on it: with none, or one that is too old, pods with disks do not start again.", Severity: block, Waivable: true, Timeout: slow, Run: f.checkDisks},
		{ID: "static-pods", Title: "No static pods of your own", Why: "They lie on the node's disk, which is made anew.", Severity: warn, Waivable: true, Timeout: slow, Run: f.checkStatic},
		{ID: "grace", Title: "Pods end within the time to drain", Why: "After it the node is deleted with what still runs on it.", Page: "patience", Severity: warn, Waivable: true, Timeout: slow, When: pools, Run: f.checkGrace},
	}
}

// checkHop says what becomes of runtime, system and disks. What interrupts the
// work has to be accepted by a person.
func (f flow) checkHop(ctx context.Context, s *State) w.Finding {
	nodes, _, err := f.Nodes(ctx, &s.Ground, s.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	var hard, soft []string
	from, to := aksengine.Minor(s.Cluster.Version), aksengine.Minor(s.Target)
	if slices.ContainsFunc(nodes, func(n w.Node) bool { return strings.HasPrefix(n.ContainerRuntime, "docker:") }) && to >= 24 {
		hard = append(hard, "Nodes change from Docker to containerd: what mounts the Docker socket or reads its logs stops working.")
	}
	if from < 21 && to >= 21 {
		hard = append(hard, "In-tree disks move to the CSI driver: pods with disks are down while their volumes move.")
	}
	if engine, ok := aksengine.Find(s.Helper.EngineVersion); ok {
		for _, old := range oldSystems(nodes, engine.BaseImage.SKU) {
			soft = append(soft, fmt.Sprintf("Nodes change from Ubuntu %s to %s: kernel, OpenSSL and cgroups are others, and what was installed by hand is gone.", old, system(engine.BaseImage.SKU)))
		}
	}
	if s.What == WhatVersion && to-from > 0 {
		soft = append(soft, aksengine.Changes(s.Cluster.Version, s.Target)...)
	}
	switch {
	case len(hard) > 0:
		return w.Fail(strings.Join(append(hard, soft...), " "), "Try it on a cluster that matters less, prepare those who own the work, then waive this with a word on it.")
	case len(soft) > 0:
		return w.Warn(strings.Join(soft, " "), "Try it on a cluster that matters less first.")
	}
	return w.Passed("Nothing out of the ordinary: the same runtime, the same system.")
}

// system is the Ubuntu version of an image, 22.04 of ...-ubuntu-2204.
func system(sku string) string {
	if i := strings.LastIndex(sku, "ubuntu-"); i >= 0 && len(sku) == i+len("ubuntu-2204") {
		return sku[i+7:i+9] + "." + sku[i+9:]
	}
	return ""
}

// oldSystems are the Ubuntu versions of nodes that are not the image's.
func oldSystems(nodes []w.Node, sku string) []string {
	var out []string
	for _, n := range nodes {
		words := strings.Fields(n.OSImage) // Ubuntu 18.04.6 LTS
		if len(words) < 2 || words[0] != "Ubuntu" || len(words[1]) < 5 || system(sku) == "" {
			continue
		}
		if v := words[1][:5]; v != system(sku) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func (f flow) checkAPIs(ctx context.Context, s *State) w.Finding {
	to := aksengine.Minor(s.Target)
	watched := slices.DeleteFunc(aksengine.RemovedAPIs(), func(a w.RemovedAPI) bool { return a.GoneIn <= aksengine.Minor(s.Cluster.Version) })
	uses, err := f.apiUses(ctx, s, watched)
	if err != nil {
		return problem.Finding(err)
	}
	var now, later []string
	for _, u := range uses {
		text := fmt.Sprintf("%s (%s, written by %s, gone in 1.%d", u.Object, u.Version, u.By, u.GoneIn)
		if u.Instead != "" {
			text += ", use " + u.Instead
		}
		if text += ")"; u.GoneIn <= to {
			now = append(now, text)
		} else {
			later = append(later, text)
		}
	}
	const remedy = "Change the manifests and charts, then deploy them again: kubectl apply, or helm upgrade of the release, before the upgrade."
	var finding w.Finding
	switch {
	case len(now) > 0:
		finding = w.Fail("This hop takes away: "+operate.Some(now)+".", remedy)
	case len(later) > 0:
		finding = w.Warn("A later hop takes away: "+operate.Some(later)+".", remedy)
	default:
		return w.Passed(fmt.Sprintf("No object and no Helm release uses one of the %d APIs that are still to go.", len(watched)))
	}
	finding.Link = docRemove
	return finding
}

func (f flow) checkModelVersion(ctx context.Context, s *State) w.Finding {
	model, err := f.Model(ctx, &s.Change)
	if err != nil {
		return problem.Finding(err)
	}
	nodes, _, err := f.Nodes(ctx, &s.Ground, s.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	for _, n := range nodes {
		if strings.HasPrefix(n.Name, "k8s-master-") && strings.TrimPrefix(n.Version, "v") != model.Version {
			return w.Fail(fmt.Sprintf("The API model says %s, but %s runs %s.", model.Version, n.Name, n.Version),
				"An upgrade went on outside Hubwright, or was interrupted: retry that run, or bring the API model that it wrote.")
		}
	}
	return w.Passed("Both say " + model.Version + ".")
}

func (f flow) checkPath(_ context.Context, s *State) w.Finding {
	hops, broken := aksengine.Ladder(s.Target)
	switch {
	case broken != "":
		return w.Warn(broken, "Plan a new cluster beside this one.")
	case len(hops) == 0:
		return w.Passed(s.Target + " is the newest version that AKS Engine makes.")
	}
	text := fmt.Sprintf("%s more to %s, the next one to %s", operate.Plural(len(hops), "hop"), hops[len(hops)-1].To, hops[0].To)
	if hops[0].Engine != s.Helper.EngineVersion {
		return w.Passed(text + " with AKS Engine " + hops[0].Engine + ".")
	}
	return w.Passed(text + " with the same engine.")
}

func (f flow) checkBuild(_ context.Context, s *State) w.Finding {
	build, engine := s.Stack.HubBuild, s.Helper.EngineVersion
	if build == "" {
		return w.Skip("Nobody said which build the Hub has. Its operator knows; say it on the Stack's page.")
	}
	listed, known := aksengine.HubListed(engine, build)
	switch {
	case listed:
		return w.Passed(fmt.Sprintf("AKS Engine %s is listed for build %s.", engine, build))
	case !known:
		return w.Warn(fmt.Sprintf("The published list says nothing of AKS Engine %s with build %s.", engine, build), "Ask the Hub's operator, or Microsoft's support, whether they go together.")
	}
	f2 := w.Fail(fmt.Sprintf("AKS Engine %s is listed for build %s, and the Hub has %s.", engine, aksengine.HubBuilds(engine), build),
		"Have the Hub updated first, or prepare the helper VM with an engine that is listed for its build.")
	f2.Link = docBuilds
	return f2
}

func (f flow) checkAirGapped(_ context.Context, s *State) w.Finding {
	if s.Stack.AirGapped {
		return w.Fail(s.Stack.Name+" is cut off from the internet, where the engine does not support the control plane alone.", "Upgrade all nodes.")
	}
	return w.Passed(s.Stack.Name + " is connected.")
}

func (f flow) checkCertificates(ctx context.Context, s *State) w.Finding {
	doc, err := f.KeptModel(ctx, &s.Change)
	if err != nil {
		return problem.Finding(err)
	}
	which, end, err := aksengine.CertificatesEnd(doc)
	if err != nil {
		return w.Skip("The API model does not tell when its certificates end.")
	}
	return f.lasts("The certificate "+which, end, "Rotate the certificates first: with the engine that made the cluster, "+s.Cluster.EngineVersion+".")
}

func (f flow) checkPrincipalEnds(ctx context.Context, s *State) w.Finding {
	c := s.Stack.Credential
	if c.Method == w.AuthSecret {
		if c.EndsAt.IsZero() {
			return w.Skip("Nobody said when the client secret ends. The directory's portal shows it; say it on the Stack's page.")
		}
		return f.lasts("The client secret", c.EndsAt, "Make a new secret in the directory, give it to the Stack and to the cluster, then upgrade.")
	}
	bundle, err := f.Vault.Open(ctx, c.Certificate)
	if err != nil {
		return problem.Finding(err)
	}
	block, _ := pem.Decode(bundle)
	for rest := bundle; block != nil && block.Type != "CERTIFICATE"; {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return w.Skip("What the Stack has as certificate cannot be read.")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return w.Skip("What the Stack has as certificate cannot be read.")
	}
	return f.lasts("The service principal's certificate", cert.NotAfter, "Make a new certificate in the directory, give it to the Stack and to the cluster, then upgrade.")
}

// lasts judges the end of something.
func (f flow) lasts(what string, end time.Time, remedy string) w.Finding {
	left, day := end.Sub(f.Clock()), end.UTC().Format("2 January 2006")
	switch {
	case left <= 0:
		return w.Fail(what+" ended on "+day+".", remedy)
	case left < soon:
		return w.Warn(fmt.Sprintf("%s ends on %s, in %s.", what, day, operate.Plural(int(left/(24*time.Hour)), "day")), remedy)
	}
	return w.Passed(what + " lasts until " + day + ".")
}

func (f flow) checkDisks(ctx context.Context, s *State) w.Finding {
	survey, err := f.survey(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	want := aksengine.DiskDriver(s.Target)
	switch {
	case len(survey.InTree) > 0 && aksengine.Minor(s.Target) >= 21:
		return w.Fail("On the in-tree driver, which is gone: "+operate.Some(survey.InTree)+".",
			"Move them to "+want+" of the Azure Disk CSI driver: keep the volumes, make them again with the CSI driver, and replace the classes.")
	case survey.DiskDriver != "" && aksengine.Older(survey.DiskDriver, want):
		return w.Warn(fmt.Sprintf("The Azure Disk CSI driver is %s; Kubernetes %s goes with %s.", survey.DiskDriver, s.Target, want), "Upgrade the driver's chart to "+want+" after the control plane; an addon of the engine is upgraded with it.")
	case survey.DiskDriver == "":
		return w.Passed("No disks are used: there is no disk driver.")
	}
	return w.Passed("The Azure Disk CSI driver is " + survey.DiskDriver + ".")
}

func (f flow) checkStatic(ctx context.Context, s *State) w.Finding {
	survey, err := f.survey(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	if len(survey.Static) > 0 {
		return w.Warn("They are lost: "+operate.Some(survey.Static)+".", "Make them DaemonSets, or keep their manifests and put them on the new nodes.")
	}
	return w.Passed("There are none.")
}

func (f flow) checkGrace(ctx context.Context, s *State) w.Finding {
	survey, err := f.survey(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	if limit := time.Duration(s.DrainMinutes) * time.Minute; survey.SlowFor > limit {
		return w.Warn(fmt.Sprintf("%s may take %s to end, and a drain has %s.", survey.Slow, minutes(survey.SlowFor), minutes(limit)), "Give the drain more time, or end that work before.")
	}
	return w.Passed(fmt.Sprintf("The slowest may take %s.", minutes(survey.SlowFor)))
}

func minutes(d time.Duration) string {
	if d < time.Minute {
		return operate.Plural(int(d.Seconds()), "second")
	}
	return operate.Plural(int((d+time.Minute-1)/time.Minute), "minute")
}
