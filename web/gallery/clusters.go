package gallery

import (
	"fmt"
	"time"

	"hubwright/web/clusters"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func cluster() workflows.Cluster {
	return workflows.Cluster{ID: "c1", Name: "ratings-sea", NameSuffix: "96852438", ResourceGroup: "ratings-sea", FQDN: "ratings-sea.seattle.cloudapp.azurestack.test", Version: "1.33.10", EngineVersion: "v0.85.0",
		MasterCount: 3, MasterSize: "Standard_D2_v2", Pools: []workflows.NodePool{{Name: "linuxpool", Count: 3, Size: "Standard_DS3_v2"}}, AdminUser: "azureuser", OutputDir: "~/.hubwright/clusters/ratings-sea/_output", CreatedAt: before(11 * 24 * time.Hour), CreatedBy: "ana"}
}

func clusterNodes() []workflows.Node {
	var out []workflows.Node
	for i := range 6 {
		n := workflows.Node{Name: fmt.Sprintf("k8s-master-96852438-%d", i), Ready: true, Status: "Ready", Roles: "control-plane,master", Version: "v1.33.10", InternalIP: fmt.Sprintf("10.239.255.%d", i), OSImage: "Ubuntu 22.04.5 LTS", Kernel: "5.15.0-1089-azure", ContainerRuntime: "containerd://1.7.27", CreatedAt: before(11 * 24 * time.Hour)}
		if i > 2 {
			n.Name, n.Roles, n.Pool = fmt.Sprintf("k8s-linuxpool-96852438-%d", i-3), "<none>", "linuxpool"
		}
		if i == 4 {
			n.Status = "Ready,SchedulingDisabled"
		}
		if i == 5 {
			n.Ready, n.Status = false, "NotReady"
		}
		out = append(out, n)
	}
	return out
}

func clusterReleases() []workflows.Release {
	return []workflows.Release{
		{Role: workflows.ReleaseIngress, Name: "ingress", Namespace: "ingress", Chart: "nginx-ingress", ChartVersion: "2.4.1", Source: "https://helm.nginx.com/stable", Digest: sha, Revision: 1, UpdatedAt: before(9 * 24 * time.Hour)},
		{Role: workflows.ReleaseApp, Name: "ratings", Namespace: "ratingsapp", Chart: "ratings", ChartVersion: "1.0.0", Source: "built in", Digest: sha, Revision: 3, UpdatedAt: before(2 * time.Hour)},
	}
}

func clusterScaling() []clusters.Scaling {
	web := clusters.Scaling{Autoscaler: workflows.Autoscaler{Namespace: "ratingsapp", Name: "ratings-web", Kind: "Deployment", Target: "ratings-web", Min: 1, Max: 10, Percent: 80, Current: 97, Replicas: 4, Active: true}}
	for i := range 40 {
		web.Curve = append(web.Curve, clusters.Sample{Current: 8 + max(0, i-15)*6 - max(0, i-25)*4, Replicas: 1 + max(0, i-18)/6})
	}
	dark := clusters.Scaling{Autoscaler: workflows.Autoscaler{Namespace: "ratingsapp", Name: "ratings-api", Kind: "Deployment", Target: "ratings-api", Min: 1, Max: 5, Percent: 80, Current: -1, Replicas: 2, Reason: "FailedGetResourceMetric"}}
	return []clusters.Scaling{web, dark}
}

func clusterPages() []Page {
	p := clusters.ShowProps{
		Role: ui.RoleOperator, Cluster: cluster(), Crumbs: []ui.Crumb{{Label: "Ratings", URL: "/deployments/d1"}, {Label: "Seattle", URL: "/stacks/s1"}}, Stack: seattle(),
		Health: ui.Status{Tone: ui.ToneWarn, Words: "5 of 6 nodes Ready"}, CheckedAt: before(8 * time.Second), Nodes: clusterNodes(), Now: now,
		Components: []workflows.Component{{Name: "etcd", Healthy: true}, {Name: "kube-apiserver-k8s-master-96852438-0", Healthy: true}, {Name: "kube-controller-manager-k8s-master-96852438-0", Healthy: true}, {Name: "kube-scheduler-k8s-master-96852438-1", Healthy: false, Message: "CrashLoopBackOff, 4 restarts"}},
		Info:       "Kubernetes control plane is running at https://ratings-sea.seattle.cloudapp.azurestack.test\nCoreDNS is running at https://…/coredns:dns/proxy",
		Parts: []clusters.Part{{Kind: "Load balancer", Name: "k8s-master-lb-96852438", Note: "20.50.1.17", Status: ui.Status{Tone: ui.ToneOK, Words: "Made"}}, {Kind: "Control plane", Name: "master-availabilityset-96852438", Note: "3 × Standard_D2_v2", Status: ui.Status{Tone: ui.ToneOK, Words: "Made"}},
			{Kind: "Workers", Name: "linuxpool-availabilitySet-96852438", Note: "3 × Standard_DS3_v2", Status: ui.Status{Tone: ui.ToneOK, Words: "Made"}}},
		Models:   []workflows.APIModel{{Version: 2, SHA256: sha, Size: 48213, RunID: "r9", At: before(2 * 24 * time.Hour)}, {Version: 1, SHA256: sha, Size: 47110, RunID: "r2", At: before(11 * 24 * time.Hour)}},
		SSH:      []clusters.SSHPort{{Node: "k8s-master-96852438-0", Port: 22, Command: "ssh -p 22 azureuser@ratings-sea.seattle.cloudapp.azurestack.test"}, {Node: "k8s-master-96852438-1", Port: 2201, Command: "ssh -p 2201 azureuser@ratings-sea.seattle.cloudapp.azurestack.test"}},
		Accounts: []clusters.Account{{Title: "Kubeconfig of ratings-deployer in ratings (deployer)", By: "ana", Made: before(26 * time.Hour), URL: "/x"}},
		Releases: clusterReleases(), Scaling: clusterScaling(),
		Certificates: now.AddDate(1, 11, 0), History: historyRows()[:3],
		Actions: []ui.Action{{Label: "Upgrade", URL: "/drafts", Method: "POST", Fields: []ui.Hidden{{Name: "workflow", Value: "upgrade"}}}, {Label: "Scale", URL: "/drafts", Method: "POST"}, {Label: "Add a pool", URL: "/drafts", Method: "POST"}},
	}
	p.Drift = clusters.Drift{RunID: "r7", By: "ben", At: before(5 * time.Hour), Found: []workflows.Difference{
		{What: "The VM k8s-linuxpool-96852438-1 has the size Standard_D4_v2, not Standard_DS3_v2.", Fix: "The next upgrade makes it Standard_DS3_v2 again. Resize it back in the user portal, or add a pool of the other size and move the work."},
		{What: "The API model on the helper VM is not version 2 in custody.", Fix: "If a run failed or was cancelled, retry it: it brings its model home. Else restore the version in custody."}}}
	p.Path = []clusters.Hop{
		{From: "1.31.13", To: "1.32.9", Engine: "v0.84.2", Other: true, Image: "aks-engine-azurestack-ubuntu-2204 2025.337.1", Changes: []string{"FlowSchema v1beta3 is gone."}},
		{From: "1.32.9", To: "1.33.10", Engine: "v0.85.0", Image: "aks-engine-azurestack-ubuntu-2204 2026.139.1"},
		{From: "1.33.10", To: "1.34.4", Engine: "v0.85.0", Image: "aks-engine-azurestack-ubuntu-2204 2026.139.1"},
	}
	loading := p
	loading.Path, loading.PathBroken = nil, "No engine that we know leads on from Kubernetes 1.12.3: deploy a new cluster and move the work there."
	loading.Loading, loading.Nodes, loading.Components, loading.Info, loading.CheckedAt = true, nil, nil, "", time.Time{}
	loading.Health, loading.Models, loading.Accounts, loading.History, loading.Parts = ui.Status{Tone: ui.ToneIdle, Words: "Not looked at yet"}, nil, nil, nil, nil
	loading.Releases, loading.Scaling = nil, nil
	down := p
	down.Path = nil
	down.Scaling = nil
	down.Nodes, down.Components, down.Info, down.Health = nil, nil, "", ui.Status{Tone: ui.ToneBad, Words: "Not reachable"}
	down.Problem = &workflows.Problem{Code: "net.refused", What: "The API server does not answer.", Why: "ratings-sea.seattle.cloudapp.azurestack.test refused the connection.", Fix: "Look whether the control plane VMs run on the Hub."}
	down.Errors = []workflows.FieldError{{Field: "confirm", Message: "Confirm that you will keep it secret: who has the file is cluster administrator."}}
	viewer := p
	viewer.Role, viewer.Cluster.ViaHelper = ui.RoleViewer, true
	viewer.Drift.Found, loading.Drift, down.Drift.Changed, down.Drift.Found = nil, clusters.Drift{}, true, nil
	differ := clusters.DiffProps{Cluster: cluster(), Crumbs: append(p.Crumbs, ui.Crumb{Label: "ratings-sea", URL: "/clusters/c1"}), Models: p.Models, Old: 1, New: 2, Hidden: 2}
	same := differ
	same.Hidden = 0
	for _, l := range []string{"@", `     "orchestratorType": "Kubernetes",`, `-    "orchestratorVersion": "1.33.10",`, `+    "orchestratorVersion": "1.34.4",`, `     "kubernetesConfig": {`,
		"@", `     "name": "linuxpool",`, `-    "count": 3,`, `+    "count": 5,`, `     "vmSize": "Standard_DS3_v2"`} {
		differ.Lines = append(differ.Lines, clusters.DiffLine{Mark: l[0], Text: l[1:]})
	}

	items := []clusters.Item{
		{Cluster: cluster(), Site: "Seattle", Deployment: "Ratings", Stack: "Seattle", Health: ui.Status{Tone: ui.ToneOK, Words: "6 of 6 nodes Ready"}, CheckedAt: before(12 * time.Second)},
		{Cluster: func() workflows.Cluster {
			c := cluster()
			c.Name = "ratings-for-the-western-and-the-eastern-sea"
			return c
		}(), Site: long, Deployment: long, Stack: long, Health: ui.Status{Tone: ui.ToneIdle, Words: "Not looked at yet"}},
	}
	return []Page{
		page("clusters", "Clusters", layout.NavClusters, clusters.List(clusters.ListProps{Role: ui.RoleOperator, Items: items, Now: now})),
		page("clusters.empty", "Clusters", layout.NavClusters, clusters.List(clusters.ListProps{Role: ui.RoleOperator, Now: now})),
		page("cluster", "ratings-sea", layout.NavClusters, clusters.Show(p)),
		page("cluster.loading", "ratings-sea", layout.NavClusters, clusters.Show(loading)),
		page("cluster.down", "ratings-sea", layout.NavClusters, clusters.Show(down)),
		page("cluster.models-differ", "API model of ratings-sea", layout.NavClusters, clusters.Diff(differ)),
		page("cluster.models-same", "API model of ratings-sea", layout.NavClusters, clusters.Diff(same)),
		page("cluster.viewer", "ratings-sea", layout.NavClusters, clusters.Show(viewer), as(ui.RoleViewer)),
	}
}
