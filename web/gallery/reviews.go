package gallery

import (
	"time"

	"hubwright/web/checks"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

func deployPlan() workflows.Plan {
	return workflows.Plan{
		Title: "Deploy the cluster on Orlando",
		Summary: []workflows.SummaryItem{
			{Label: "Kubernetes version", Value: "1.33.10 (newest that Orlando's engine offers: 1.35.0)", Page: "version"},
			{Label: "Control plane", Value: "1 × Standard_D2_v2", Page: "control-plane"},
			{Label: "linuxpool", Value: "2 × Standard_D2_v2, availability set", Page: "pools"},
			{Label: "Network", Value: "kubenet, pods 10.244.0.0/16, services 10.0.0.0/16", Page: "network"},
			{Label: "API server name", Value: "ratings-orl.orlando.cloudapp.azurestack.test", Page: "control-plane"},
		},
		Changes: []workflows.Change{
			{Verb: "create", What: "Resource group ratings-orl"},
			{Verb: "create", What: "Control plane: 1 VM Standard_D2_v2", Note: "k8s-master-29145839-0"},
			{Verb: "create", What: "Node pool linuxpool: 2 VMs Standard_D2_v2", Note: "k8s-linuxpool-29145839-0 and -1"},
			{Verb: "change", What: "API model in custody", Note: "a first version is added"},
			{Verb: "none", What: "Helper VM", Note: "engine v0.85.0 is in place"},
		},
		Commands: []workflows.Command{
			{Title: "On the helper VM", Text: "aks-engine-azurestack deploy --azure-env AzureStackCloud --location orlando \\\n  --identity-system adfs --resource-group ratings-orl --api-model kubernetes.json \\\n  --auth-method client_certificate --certificate-path ~/spn.crt --private-key-path ~/spn.key"},
			{Title: "Afterwards", Text: "kubectl get nodes"},
		},
		Documents:  []workflows.Document{{Name: "apimodel.json", MIME: "application/json", Body: "{\n  \"apiVersion\": \"vlabs\",\n  \"properties\": {\n    \"orchestratorProfile\": {\"orchestratorRelease\": \"1.33\"},\n    \"servicePrincipalProfile\": {\"clientId\": \"2f6c…\", \"secret\": \"(masked)\"}\n  }\n}\n"}},
		Duration:   "about 33 min",
		Disruption: "Nothing else in the subscription is touched.",
	}
}

func reviewChecks() []checks.Item {
	mk := func(id, title, why string, f workflows.Finding) checks.Item {
		return checks.Item{Info: workflows.CheckInfo{ID: id, Title: title, Why: why, Severity: workflows.SeverityBlock, Waivable: id == "extension"}, ChangeURL: "/drafts/dr1/pages/pools",
			Result: workflows.CheckResult{CheckID: id, Finding: f, EndedAt: before(6 * time.Second), WaivedBy: "ana"}}
	}
	return []checks.Item{
		mk("quota", "Quota is enough, with one VM to spare for upgrades", "", workflows.Passed("Needs 3 VMs and 6 cores, plus 1 and 2; free: 14 VMs, 52 cores.")),
		mk("image", "The base image is in the marketplace", "", workflows.Passed("2026.139.1, exactly the one that engine v0.85.0 asks for.")),
		mk("single", "One control plane node has no redundancy", "A restart of its host stops the API; upgrades interrupt it.", workflows.Warn("You chose 1.", "Choose 3, unless this cluster is for trying out.")),
		mk("dns", "The DNS name is free", "", workflows.Passed("Nobody uses ratings-orl.")),
	}
}

func reviewPages() []Page {
	h := head(ui.RoleOperator)
	for i := range h.Rail {
		h.Rail[i].State = wizard.RailDone
	}
	ready := wizard.ReviewProps{Head: h, Zone: "UTC", Plan: deployPlan(), Checks: checks.Props{Items: reviewChecks(), CanRun: true, Version: 4, Now: now}}

	running := ready
	running.Checks = checks.Props{Running: true, CanRun: true, Version: 4, Now: now}
	for i, c := range reviewChecks() {
		if i > 0 {
			c.Result = workflows.CheckResult{Finding: workflows.Finding{Status: map[bool]workflows.CheckStatus{true: workflows.CheckRunning, false: workflows.CheckPending}[i == 1]}}
		}
		running.Checks.Items = append(running.Checks.Items, c)
	}

	failed := ready
	failed.Checks.Items = append(reviewChecks(),
		checks.Item{Info: workflows.CheckInfo{ID: "extension", Title: "The extension CustomScript is there", Why: "AKS Engine starts every node with it. A deploy would fail after about 20 minutes.", Severity: workflows.SeverityBlock, Waivable: true}, WaiveURL: "/drafts/dr1/checks/extension/waive",
			Result: workflows.CheckResult{Finding: workflows.Fail("CustomScript 2.0.6 is not in the marketplace.", "Ask the Hub's operator to download it."), EndedAt: before(6 * time.Second)}},
		checks.Item{Info: workflows.CheckInfo{ID: "peer", Title: "The other Site is healthy", Severity: workflows.SeverityBlock},
			Result: workflows.CheckResult{Finding: workflows.Finding{Status: workflows.CheckWaived, Found: "Seattle has 5 of 6 nodes Ready."}, WaivedBy: "ben", WaiverReason: "The sixth node is being replaced, ticket 4711.", EndedAt: before(time.Minute)}})

	wrong := ready
	wrong.Errors = []workflows.FieldError{{Page: "pools", Field: "pools.1.name", Message: "A pool's name has lower-case letters and digits only, up to 12."}, {Page: "network", Field: "service_cidr", Message: "The services' range 10.244.0.0/16 overlaps with the pods'."}}
	wrong.Rail = append([]wizard.RailPage(nil), h.Rail...)
	wrong.Rail[2].State, wrong.Rail[3].State = wizard.RailError, wizard.RailError
	wrong.Plan, wrong.Checks = workflows.Plan{}, checks.Props{Items: nil, Now: now, Empty: "The checks start when the answers are right."}

	locked := ready
	locked.Locked = &workflows.Run{ID: "r42", Number: 42, Title: "Deploy the cluster on Orlando", CreatedBy: "ben"}
	locked.Stale = &wizard.Stale{By: "ben", At: before(2 * time.Minute)}

	noPlan := ready
	noPlan.Plan = workflows.Plan{}
	noPlan.PlanErr = &workflows.Problem{What: "The plan cannot be made now.", Why: "Orlando did not answer within 8 s.", Fix: "Look whether the Hub is up, then load this page again.", Code: "net.timeout"}

	viewer := ready
	viewer.Role, viewer.Checks.CanRun = ui.RoleViewer, false

	guarded := ready
	guarded.Gate, guarded.Zone = workflows.Gate{Approval: true, Windows: nights()}, "Europe/Berlin"
	late := guarded
	late.StartAt, late.StartAtError = "2026-11-01T02:00", "This time has passed. Choose a later one, or leave it empty."
	behind := locked
	behind.Locked = &workflows.Run{ID: "r41", Number: 41, Title: "Upgrade ratings-orl to Kubernetes 1.34.4", CreatedBy: "ben", Status: workflows.RunWaiting}

	mk := func(name string, p wizard.ReviewProps, opts ...option) Page {
		return page("review."+name, "Review", layout.NavDeployments, wizard.Review(p), opts...)
	}
	return []Page{mk("ready", ready), mk("running", running), mk("guarded", guarded), mk("start-too-late", late), mk("behind-waiting", behind), mk("failed", failed), mk("errors", wrong), mk("locked", locked), mk("no-plan", noPlan), mk("viewer", viewer, as(ui.RoleViewer))}
}
