package gallery

import (
	"time"

	"hubwright/web/dossier"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Dossier is a dossier of a failed run, full of everything.
func Dossier() dossier.Props {
	p := dossier.Props{Run: deployRun(workflows.RunFailed), On: "Ratings / Orlando", MadeAt: now, MadeBy: "ana", Archive: "/runs/gallery/dossier.zip",
		Actions: []ui.Choice{{Value: "run.start", Label: "Run started"}, {Value: "run.retry", Label: "Run retried"}, {Value: "run.end", Label: "Run ended"}},
		Tools:   []ui.Fact{{Label: "Hubwright", Value: "v0.1.0"}, {Label: "AKS Engine of the Cluster", Value: "v0.85.0"}, {Label: "Kubernetes of the Cluster", Value: "1.34.4"}},
		Checks: []dossier.Check{
			{Title: "The Hub has room for the nodes", Result: workflows.CheckResult{Finding: workflows.Passed("Needs 3 VMs and 6 cores; free: 14 VMs, 52 cores.")}},
			{Title: "The other Site is healthy", Result: workflows.CheckResult{Finding: workflows.Finding{Status: workflows.CheckWaived, Found: "5 of 6 nodes of Seattle are Ready."}, WaivedBy: "ben", WaiverReason: "The sixth node is being replaced, ticket 4711."}},
			{Title: long, Severity: workflows.SeverityWarn, Result: workflows.CheckResult{Finding: workflows.Fail(long, long)}},
		},
		Events: []workflows.AuditEvent{
			{Seq: 1180, At: before(15 * time.Minute), Actor: "ana", Action: "run.start", Detail: map[string]string{"workflow": "deploy-cluster", "waived.peer": "ben: ticket 4711"}},
			{Seq: 1190, At: before(9 * time.Minute), Actor: "ben", Action: "run.retry", Detail: map[string]string{"from": "Deploy"}},
			{Seq: 1203, At: before(2 * time.Minute), Actor: "hubwright", Action: "run.end", Detail: map[string]string{"status": "failed"}},
		},
		Models: []dossier.Model{{When: "before", Cluster: "ratings-orl", Version: 1, SHA256: sha, At: before(9 * 24 * time.Hour), Kubernetes: "1.33.10", Masked: "{}"}, {When: "after", Cluster: "ratings-orl", Version: 2, SHA256: sha, At: before(3 * time.Minute), Kubernetes: "1.34.4"}},
	}
	p.Run.ID, p.Run.Attempt, p.Nodes = "gallery", 2, upgradeNodes()
	p.Run.Problem = &workflows.Problem{Code: "arm.QuotaExceeded", What: "The quota of cores on Orlando is used up.", Why: "k8s-linuxpool-29145839-1 needs 2 cores, 1 is free.", Fix: "Ask the Hub's operator for 6 more cores.", Detail: "{\n  \"error\": {\"code\": \"QuotaExceeded\"}\n}"}
	p.Steps = deploySteps(1, workflows.StepFailed)[:2]
	p.Steps[1].EndedAt = before(10 * time.Minute)
	again := deploySteps(1, workflows.StepFailed)[1:]
	again[0].Attempt, again[0].StartedAt = 2, before(9*time.Minute)
	again[1].Title = long
	p.Steps = append(p.Steps, again...)
	return p
}

func dossierPages() []Page {
	crumbs := []ui.Crumb{{Label: "Ratings", URL: "/deployments/d1"}, {Label: "Orlando"}, {Label: "Runs", URL: "/runs"}, {Label: "Run 42", URL: "/runs/gallery"}}
	full, queued := Dossier(), Dossier()
	queued.Run = deployRun(workflows.RunQueued)
	queued.Run.ID, queued.Run.StartedAt, queued.Run.Lines, queued.Run.Plan = "gallery", time.Time{}, 0, workflows.Plan{}
	queued.Steps, queued.Checks, queued.Events, queued.Models, queued.Nodes, queued.Archive = deploySteps(-1, ""), nil, nil, nil, nil, ""
	return []Page{
		page("dossier.failed", "Dossier of run 42", layout.NavRuns, dossier.Page(full, crumbs)),
		page("dossier.viewer", "Dossier of run 42", layout.NavRuns, dossier.Page(queued, crumbs), as(ui.RoleViewer)),
	}
}
