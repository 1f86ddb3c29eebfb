package gallery

import (
	"fmt"
	"time"

	"hubwright/web/layout"
	"hubwright/web/run"
	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func deployRun(status workflows.RunStatus) workflows.Run {
	r := workflows.Run{ID: "r2", Number: 42, WorkflowID: "deploy-cluster", Title: "Deploy the cluster on Orlando", Status: status, Attempt: 1, Percent: 43, Lines: 4127,
		Doing: "Creating 12 of 29 resources: k8s-linuxpool-29145839-1", CreatedBy: "ana", CreatedAt: before(15 * time.Minute), StartedAt: before(14*time.Minute + 20*time.Second), Plan: deployPlan()}
	if status.Ended() {
		r.EndedAt = before(2 * time.Minute)
	}
	return r
}

func deploySteps(at int, now workflows.StepStatus) []workflows.StepRun {
	var out []workflows.StepRun
	for i, s := range deployInfo().Steps {
		st := workflows.StepRun{Index: i, StepID: s.ID, Title: s.Title, Status: workflows.StepPending, Percent: -1}
		switch {
		case i < at:
			st.Status, st.FirstLine = workflows.StepSucceeded, int64(i*40+1)
			st.StartedAt, st.EndedAt = before(14*time.Minute), before(14*time.Minute-time.Duration(i+1)*17*time.Second)
		case i == at:
			st.Status, st.FirstLine, st.StartedAt = now, int64(i*40+1), before(13*time.Minute+2*time.Second)
			if now == workflows.StepRunning {
				st.Percent, st.Doing = 43, "12 of 29 resources"
			} else {
				st.EndedAt = before(2 * time.Minute)
			}
		}
		out = append(out, st)
	}
	return out
}

func logLines(n int) []workflows.LogLine {
	texts := []struct {
		level workflows.Level
		text  string
	}{
		{workflows.LevelPhase, "Deploying with AKS Engine"},
		{workflows.LevelCommand, "aks-engine-azurestack deploy --azure-env AzureStackCloud --location orlando --identity-system adfs --resource-group ratings-orl --api-model kubernetes.json"},
		{workflows.LevelOutput, "\x1b[36mINFO\x1b[0m[0000] Writing assets to _output/ratings-orl"},
		{workflows.LevelOutput, "\x1b[36mINFO\x1b[0m[0004] Starting ARM Deployment ratings-orl-1837 in resource group ratings-orl. This will take some time..."},
		{workflows.LevelInfo, "12 of 29 resources are made; k8s-master-29145839-0 runs its extension"},
		{workflows.LevelWarn, "429 from the Hub, trying again in 10 s <Retry-After>"},
		{workflows.LevelGood, "k8s-master-29145839-0 is up"},
		{workflows.LevelError, "\x1b[31mFATA\x1b[0m[1121] resource Microsoft.Compute/virtualMachines/k8s-linuxpool-29145839-1 failed: \x1b[1mQuotaExceeded\x1b[0m"},
	}
	var out []workflows.LogLine
	for i := range n {
		t := texts[i%len(texts)]
		out = append(out, workflows.LogLine{N: int64(4108 + i), At: before(time.Duration(n-i) * time.Second), StepID: "deploy", Level: t.level, Text: t.text})
	}
	return out
}

func upgradeNodes() []workflows.NodeRow {
	row := func(name, doing string, status workflows.StepStatus, began, ended time.Duration) workflows.NodeRow {
		r := workflows.NodeRow{Name: name, From: "1.33.10", To: "1.34.4", Doing: doing, Status: status}
		if began > 0 {
			r.StartedAt = before(began)
		}
		if ended > 0 {
			r.EndedAt = before(ended)
		}
		return r
	}
	added := row("k8s-linuxpool-29145839-3", "Ready", workflows.StepSucceeded, 24*time.Minute, 12*time.Minute)
	added.From = ""
	gone := row("k8s-linuxpool-29145839-2", "gone", workflows.StepSucceeded, 12*time.Minute, 3*time.Minute)
	gone.To = ""
	return []workflows.NodeRow{
		row("k8s-master-29145839-0", "Ready since before", workflows.StepSucceeded, 0, 0), row("k8s-master-29145839-1", "Ready", workflows.StepSucceeded, 51*time.Minute, 38*time.Minute),
		row("k8s-master-29145839-2", "Ready", workflows.StepSucceeded, 38*time.Minute, 24*time.Minute), added, gone,
		row("k8s-linuxpool-29145839-0", "draining", workflows.StepRunning, 3*time.Minute, 0), row("k8s-linuxpool-29145839-1", "waiting", workflows.StepPending, 0, 0),
	}
}

func runPages() []Page {
	crumbs := []ui.Crumb{{Label: "Ratings", URL: "/deployments/d1"}, {Label: "Orlando", URL: "/clusters/c2"}, {Label: "Runs", URL: "/runs"}}
	base := run.Props{Role: ui.RoleOperator, Crumbs: crumbs, Tail: logLines(20), Now: now}
	mk := func(name string, p run.Props, opts ...option) Page {
		p.Run.ID = "gallery"
		return page("run."+name, p.WindowTitle(), layout.NavRuns, run.Page(p), append(opts, icon(p.Icon()), going(!p.Run.Status.Ended()))...)
	}
	running := base
	running.Run, running.Steps, running.CanCancel = deployRun(workflows.RunRunning), deploySteps(1, workflows.StepRunning), true

	queued := base
	queued.Run, queued.Steps, queued.Tail, queued.CanCancel = deployRun(workflows.RunQueued), deploySteps(-1, ""), nil, true
	queued.Run.StartedAt, queued.Run.Lines, queued.Run.Percent = time.Time{}, 0, 0

	upgrading := running
	upgrading.Run.Title, upgrading.Run.WorkflowID, upgrading.Run.Doing = "Upgrade ratings-orl to Kubernetes 1.34.4", "upgrade", "5 of 7 nodes: draining k8s-linuxpool-29145839-0"
	upgrading.Run.Plan.Duration, upgrading.Nodes = "about 103 min on a real stamp", upgradeNodes()
	upgrading.Steps = deploySteps(1, workflows.StepRunning)
	for i, title := range []string{"Make sure of the API model", "Upgrade with AKS Engine", "Keep the API model", "Wait for the nodes", "Compare the cluster with the API model"} {
		upgrading.Steps[i].Title = title
	}
	upgrading.Steps[1].Doing = upgrading.Run.Doing

	waiting := queued
	waiting.Run.Status, waiting.Run.Title, waiting.Run.WorkflowID = workflows.RunWaiting, "Upgrade ratings-orl to Kubernetes 1.34.4", "upgrade"
	waiting.Gate = workflows.Gate{Approval: true, Askers: []string{"ana"}, Windows: nights()}
	waiting.OpensAt = now.Add(107 * time.Hour)
	decide := waiting
	decide.Decides = true
	decide.Waived = []run.Waiver{{Title: "Disruption budgets let pods go", By: "ana", Reason: "The budget is wrong; its owner mends it on Friday."}}
	wrong := decide
	wrong.Reason, wrong.ReasonError = "no", "Say why you reject it, in 8 characters or more."
	approved := waiting
	approved.Gate.Verdicts = []workflows.Verdict{{By: "bob", Approved: true, At: before(time.Hour), Reason: "As talked over on Monday.", Attempt: 1}}
	rejected := base
	rejected.Run, rejected.Steps, rejected.CanRetry, rejected.Tail = deployRun(workflows.RunCancelled), deploySteps(0, workflows.StepCancelled), true, nil
	rejected.Run.StartedAt, rejected.Run.Percent, rejected.Run.Lines, rejected.Gate = time.Time{}, 0, 0, waiting.Gate
	rejected.Run.Problem = &workflows.Problem{Code: "run.rejected", What: "bob has rejected this run", Why: "The release of the ratings app is on the same evening.", Fix: "Talk it over. A new draft can be planned differently; a retry asks for approval of this plan once more."}

	cancelling := running
	cancelling.Run.Status, cancelling.CanCancel = workflows.RunCancelling, false
	cancelling.Lost = "The connection to the helper VM is lost; the command goes on there. Trying again in 8 s."

	failed := base
	failed.Run, failed.Steps, failed.CanRetry = deployRun(workflows.RunFailed), deploySteps(1, workflows.StepFailed), true
	failed.Run.Attempt = 2
	failed.Run.Problem = &workflows.Problem{Code: "arm.QuotaExceeded", What: "The quota of cores on Orlando is used up.", Why: "k8s-linuxpool-29145839-1 needs 2 cores, 1 is free.", Fix: "Ask the Hub's operator for 6 more cores, or delete what is not needed. Then retry: it goes on from here.", Detail: "{\n  \"error\": {\n    \"code\": \"QuotaExceeded\",\n    \"message\": \"Operation results in exceeding quota limits of Core.\"\n  }\n}", Link: "https://learn.microsoft.com/azure-stack/user/"}
	failed.LastLines, failed.FirstError = logLines(20), 4115

	cancelled := base
	cancelled.Run, cancelled.Steps, cancelled.CanRetry = deployRun(workflows.RunCancelled), deploySteps(1, workflows.StepCancelled), true
	stopped := cancelled
	stopped.Run.Title, stopped.Run.WorkflowID = "Deploy the application on Orlando", "app"
	stopped.Left = &workflows.Left{
		Items: []workflows.SummaryItem{
			{Label: "Release ingress", Value: "in namespace ingress, deployed as revision 1"},
			{Label: "Release ratings", Value: "in namespace ratingsapp, failed at revision 1. There are: Deployment ratings-api, Deployment ratings-web, StatefulSet ratings-mongodb, Service ratings-api, Service ratings-web"},
		},
		Undo: &workflows.NextStep{Title: "Remove the application", Why: "It takes these releases away. A retry goes on instead.", WorkflowID: "app-remove"},
	}
	stopped.UndoAction = &ui.Action{Label: "Remove the application", URL: "/drafts", Method: "POST"}

	ok := base
	ok.Run, ok.Steps = deployRun(workflows.RunSucceeded), deploySteps(5, "")
	ok.Steps[3].Status = workflows.StepSkipped
	ok.Result = &workflows.Result{Headline: "The cluster on Orlando runs.", Facts: []workflows.SummaryItem{{Label: "API server", Value: "https://ratings-orl.orlando.cloudapp.azurestack.test"}, {Label: "Nodes", Value: "3 of 3 Ready"}, {Label: "API model", Value: "version 1 in custody"}},
		Next: &workflows.NextStep{Title: "connect to the cluster", Why: "Look at its nodes and make a scoped kubeconfig for your pipelines.", WorkflowID: "connect-cluster"}}
	ok.NextAction = &ui.Action{Label: "Connect", URL: "/drafts", Method: "POST", Primary: true}
	ok.Downloads = []ui.Action{{Label: "Download ratings-deployer.kubeconfig", URL: "/runs/r2/downloads/x", Method: "POST"}}

	viewer := running
	viewer.Role = ui.RoleViewer
	longNames := failed
	longNames.Run.Title, longNames.Run.Problem = "Deploy the cluster on "+long, &workflows.Problem{What: long, Why: long + long, Fix: long}
	halted := failed
	halted.Run.Title, halted.Run.WorkflowID, halted.Nodes, halted.Steps = upgrading.Run.Title, "upgrade", upgradeNodes(), upgrading.Steps
	return []Page{
		mk("upgrade-failed", halted), mk("running", running), mk("upgrading", upgrading), mk("queued", queued), mk("waiting", waiting), mk("decide", decide), mk("decide-wrong", wrong), mk("approved", approved), mk("rejected", rejected), mk("cancelling", cancelling), mk("failed", failed), mk("cancelled", cancelled), mk("cancelled-app", stopped), mk("succeeded", ok), mk("viewer", viewer, as(ui.RoleViewer)), mk("long-names", longNames),
	}
}

func nights() []workflows.Window {
	return []workflows.Window{{Days: []time.Weekday{time.Saturday}, From: 22 * 60, To: 4 * 60, Zone: "Europe/Berlin"}}
}

func historyRows() []runs.Row {
	problem := &workflows.Problem{What: "The quota of cores on Orlando is used up."}
	var out []runs.Row
	for i, s := range []workflows.RunStatus{workflows.RunRunning, workflows.RunQueued, workflows.RunFailed, workflows.RunSucceeded, workflows.RunCancelled, workflows.RunSucceeded} {
		r := deployRun(s)
		r.ID, r.Number = fmt.Sprintf("r%d", 42-i), 42-i
		r.StartedAt = before(time.Duration(i*i*5+2) * time.Hour)
		if s == workflows.RunQueued {
			r.StartedAt = time.Time{}
		}
		if s.Ended() {
			r.EndedAt = r.StartedAt.Add(time.Duration(33+i) * time.Minute)
		}
		if s == workflows.RunFailed {
			r.Problem = problem
		}
		if i == 5 {
			r.Title = "Prepare AKS Engine on " + long
		}
		out = append(out, runs.Row{Run: r, On: "Ratings / Orlando"})
	}
	return out
}

func waitingRows() []runs.Row {
	r := deployRun(workflows.RunWaiting)
	r.ID, r.Title, r.CreatedBy, r.CreatedAt = "r41", "Upgrade ratings-orl to Kubernetes 1.34.4", "ben", before(3*time.Hour)
	other := r
	other.ID, other.Title = "r40", "Scale linuxpool of "+long
	return []runs.Row{{Run: r, On: "Ratings / Orlando"}, {Run: other, On: long}}
}

func historyPages() []Page {
	p := runs.Props{Role: ui.RoleOperator, Rows: historyRows(), Now: now, Older: 36,
		Workflows: []ui.Choice{{Value: "deploy-cluster", Label: "Deploy a cluster"}}, Deployments: []ui.Choice{{Value: "d1", Label: "Ratings"}, {Value: "d3", Label: long}}, Stacks: []ui.Choice{{Value: "s1", Label: "Seattle"}}}
	forYou := p
	forYou.ForYou = waitingRows()
	older := p
	older.Before, older.Older, older.Filter.Workflow = 36, 0, "deploy-cluster"
	nothing := p
	nothing.Rows, nothing.Older, nothing.Filter = nil, 0, runs.Filter{Status: "cancelled"}
	rows := historyRows()
	compare := runs.CompareProps{A: runs.Side{Row: rows[3], Steps: deploySteps(5, "")}, B: runs.Side{Row: rows[2], Steps: deploySteps(1, workflows.StepFailed)}, Now: now,
		Others: []ui.Choice{{Value: "r39", Label: "Run 39, 22 Nov, 10:41 UTC, Ratings / Orlando"}, {Value: "r5", Label: long}}}
	compare.B.Steps[1].EndedAt, compare.A.Steps[3].StepID = now, "gone"
	once := runs.CompareProps{B: compare.B, Now: now}
	trends := runs.TrendProps{Workflow: "upgrade", Workflows: []ui.Choice{{Value: "upgrade", Label: "Upgrade a cluster"}, {Value: "scale", Label: "Scale a pool"}}}
	for i := range 26 {
		w := runs.Week{Begin: now.Truncate(7*24*time.Hour).AddDate(0, 0, 7*(i-25))}
		if i%5 != 0 {
			w.Runs, w.Failed, w.Nodes = 3+i%4, i%3, 6*(i%3)
			w.Mean, w.NodeMean = time.Duration(40+i)*time.Minute, time.Duration(i%3)*time.Duration(200+i)*time.Second
		}
		trends.Weeks = append(trends.Weeks, w)
	}
	return []Page{
		page("runs.trends", "Trends", layout.NavRuns, runs.Trends(trends)),
		page("runs.trends-empty", "Trends", layout.NavRuns, runs.Trends(runs.TrendProps{Workflow: "scale", Workflows: trends.Workflows})),
		page("runs.compare", "Compare runs", layout.NavRuns, runs.Compare(compare)),
		page("runs.compare-once", "Compare runs", layout.NavRuns, runs.Compare(once)),
		page("runs", "Runs", layout.NavRuns, runs.Page(p)),
		page("runs.for-you", "Runs", layout.NavRuns, runs.Page(forYou)),
		page("runs.filtered", "Runs", layout.NavRuns, runs.Page(older)),
		page("runs.nothing", "Runs", layout.NavRuns, runs.Page(nothing)),
		page("runs.empty", "Runs", layout.NavRuns, runs.Page(runs.Props{Role: ui.RoleViewer, Now: now}), as(ui.RoleViewer)),
	}
}
