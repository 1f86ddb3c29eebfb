package gallery

import (
	"time"

	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

func deployInfo() workflows.Info {
	return workflows.Info{
		ID: "deploy-cluster", Title: "Deploy a cluster", Why: "Makes a Kubernetes cluster on the Site's Hub with AKS Engine, and keeps its API model and kubeconfig.", Row: 3,
		Pages:  []workflows.PageInfo{{ID: "version", Title: "Version", Why: "Which Kubernetes."}, {ID: "control-plane", Title: "Control plane", Why: "The nodes that steer."}, {ID: "pools", Title: "Node pools", Why: "The nodes that work."}, {ID: "network", Title: "Network"}, {ID: "access", Title: "Access"}},
		Checks: []workflows.CheckInfo{{ID: "quota", Title: "Quota is enough, with one VM to spare", Why: "An upgrade adds a VM before it removes one."}, {ID: "dns", Title: "The DNS name is free", Why: "Two clusters cannot have one name."}},
		Steps: []workflows.StepInfo{
			{ID: "model", Title: "Write the API model", Why: "From your answers, validated by the engine's own rules."},
			{ID: "deploy", Title: "Deploy", Why: "AKS Engine runs on the helper VM; 29 Azure resources."},
			{ID: "custody", Title: "Fetch model and kubeconfig", Why: "Sealed and versioned."},
			{ID: "nodes", Title: "Wait for the nodes"},
			{ID: "verify", Title: "Verify"},
		},
	}
}

func head(role ui.Role) wizard.Head {
	return wizard.Head{
		Role: role, Info: deployInfo(), Now: now, Heading: "Deploy a cluster on Orlando",
		Draft:  workflows.Draft{ID: "dr1", Version: 4, UpdatedAt: before(4 * time.Second), UpdatedBy: "ana"},
		Crumbs: []ui.Crumb{{Label: "Ratings", URL: "/deployments/d1"}, {Label: "Orlando"}},
		Rail: []wizard.RailPage{
			{ID: "version", Title: "Version", State: wizard.RailDone}, {ID: "control-plane", Title: "Control plane", State: wizard.RailDone},
			{ID: "pools", Title: "Node pools", State: wizard.RailTodo}, {ID: "network", Title: "Network", State: wizard.RailTodo}, {ID: "access", Title: "Access", State: wizard.RailTodo},
		},
	}
}

func sizes() []workflows.Option {
	return []workflows.Option{
		{Value: "Standard_D2_v2", Label: "Standard_D2_v2", Note: "2 cores, 7 GiB"},
		{Value: "Standard_DS3_v2", Label: "Standard_DS3_v2", Note: "4 cores, 14 GiB"},
		{Value: "Standard_F16s", Label: "Standard_F16s", Note: "needs 16 cores, 8 are free", Disabled: true},
	}
}

func controlPlane() workflows.PageView {
	return workflows.PageView{
		PageInfo: workflows.PageInfo{ID: "control-plane", Title: "Control plane", Why: "The nodes that steer the cluster. They keep its state in etcd."},
		Fields: []workflows.FieldView{
			{Name: "masters", Label: "How many", Kind: workflows.FieldRadio, Value: "3", Reloads: true, Observed: "Orlando has 14 VMs and 52 cores free.", Options: []workflows.Option{
				{Value: "1", Label: "1 node", Note: "For trying out. A restart of its host stops the API; upgrades interrupt it."},
				{Value: "3", Label: "3 nodes", Note: "The usual choice: one may fail."},
				{Value: "5", Label: "5 nodes", Note: "Two may fail. The quota leaves room for 4 only.", Disabled: true},
			}},
			{Name: "size", Label: "Size", Help: "etcd likes fast disks and at least two cores.", Kind: workflows.FieldSelect, Value: "Standard_D2_v2", Options: sizes(), Observed: "3 × 2 cores of 52 free."},
			{Name: "dns", Label: "DNS prefix", Help: "Lower-case letters, digits and dashes. It becomes the API server's name.", Kind: workflows.FieldText, Value: "ratings-orl", Observed: "The API server will be ratings-orl.orlando.cloudapp.azurestack.test.",
				Live: true, Note: workflows.Passed("ratings-orl.orlando.cloudapp.azurestack.test is free.")},
			{Name: "disk", Label: "etcd disk", Kind: workflows.FieldNumber, Unit: "GiB", Value: "128", Optional: true},
			{Name: "existing", Label: "Use an existing VNet", Help: "Otherwise AKS Engine makes one.", Kind: workflows.FieldCheckbox, Value: "", Reloads: true},
		},
	}
}

func poolsPage(errs bool) workflows.PageView {
	item := func(i, name, count string) []workflows.FieldView {
		return []workflows.FieldView{
			{Name: "pools." + i + ".name", Label: "Name", Kind: workflows.FieldText, Value: name},
			{Name: "pools." + i + ".count", Label: "Nodes", Kind: workflows.FieldNumber, Value: count},
			{Name: "pools." + i + ".size", Label: "Size", Kind: workflows.FieldSelect, Value: "Standard_D2_v2", Options: sizes(), Observed: "8 cores are free."},
		}
	}
	p := workflows.PageView{
		PageInfo: workflows.PageInfo{ID: "pools", Title: "Node pools", Why: "The nodes on which your application runs."},
		Repeat:   "pools", Item: "Node pool", Min: 1, Max: 8,
		Items: [][]workflows.FieldView{item("0", "linuxpool", "3"), item("1", "Batch_Pool", "0")},
	}
	if errs {
		p.Items[1][0].Error = "A pool's name has lower-case letters and digits only, up to 12."
		p.Items[1][1].Error = "A pool has 1 to 100 nodes."
		p.Errors = []workflows.FieldError{{Page: "pools", Field: "pools.1.name", Message: p.Items[1][0].Error}, {Page: "pools", Field: "pools.1.count", Message: p.Items[1][1].Error}}
	}
	return p
}

func accessPage() workflows.PageView {
	return workflows.PageView{
		PageInfo: workflows.PageInfo{ID: "access", Title: "Access", Why: "Who may log in to the nodes."},
		Fields: []workflows.FieldView{
			{Name: "user", Label: "Admin user", Kind: workflows.FieldText, Value: "azureuser"},
			{Name: "label", Label: "DNS label", Help: "The name on the Hub; it must be free in the whole region.", Kind: workflows.FieldText, Value: "ratings", Live: true,
				Note: workflows.Fail("ratings.orlando.cloudapp.azurestack.test is taken: it belongs to the public IP web-ip in the resource group web.", "Choose another DNS label.")},
			{Name: "relative", Label: "Name", Unit: ".trafficmanager.net", Kind: workflows.FieldText, Value: "ratings-tmep", Live: true,
				Note: workflows.Skip("It could not be asked: there was no answer in time.")},
			{Name: "key", Label: "SSH public key", Help: "One line, as in id_rsa.pub. Leave it empty and Hubwright makes a pair.", Kind: workflows.FieldArea, Optional: true, Placeholder: "ssh-rsa AAAA…"},
			{Name: "pem", Label: "Private key", Kind: workflows.FieldSecretArea, Value: "ref", Optional: true},
			{Name: "password", Label: "Passphrase", Kind: workflows.FieldSecret, Value: "ref", Optional: true},
			{Name: "archive", Label: "Archive", Kind: workflows.FieldFile, Optional: true},
			{Name: "size", Label: "Size", Kind: workflows.FieldSelect, Value: "Standard_D2_v2", OptionsErr: "Orlando did not answer within 8 s."},
		},
	}
}

// withFiles is a page that offers files to build from.
func withFiles(v workflows.PageView) workflows.PageView {
	v.Documents = []workflows.Document{
		{Name: "Dockerfile", Body: "FROM ubuntu:24.04\nUSER 10001\nCOPY start.sh /azp/\n"}, {Name: "start.sh", Body: "#!/bin/bash\n./config.sh --unattended\n"},
	}
	return v
}

func wizardPages() []Page {
	first := head(ui.RoleOperator)
	first.Draft.UpdatedAt = time.Time{}
	wrong := head(ui.RoleOperator)
	wrong.Rail[2].State = wizard.RailError
	mk := func(name string, p wizard.PageProps, opts ...option) Page {
		return page("wizard."+name, p.Page.Title, layout.NavDeployments, wizard.Page(p), opts...)
	}
	versionView := workflows.PageView{PageInfo: workflows.PageInfo{ID: "version", Title: "Version", Why: "What the engine on Orlando's helper VM offers."}, Fields: []workflows.FieldView{
		{Name: "version", Label: "Kubernetes version", Kind: workflows.FieldRadio, Value: "1.33.10", Options: []workflows.Option{
			{Value: "1.33.10", Label: "1.33.10", Note: "The engine's default. Seattle runs it too."}, {Value: "1.34.4", Label: "1.34.4", Note: ""}, {Value: "1.35.0", Label: "1.35.0", Note: "Newest."}}},
	}}
	return []Page{
		mk("first", wizard.PageProps{Head: first, Page: versionView}),
		mk("fields", wizard.PageProps{Head: head(ui.RoleOperator), Page: controlPlane()}),
		mk("repeat", wizard.PageProps{Head: head(ui.RoleOperator), Page: poolsPage(false)}),
		mk("errors", wizard.PageProps{Head: wrong, Page: poolsPage(true), ShowErrors: true}),
		mk("all-kinds", wizard.PageProps{Head: head(ui.RoleOperator), Page: accessPage()}),
		mk("documents", wizard.PageProps{Head: head(ui.RoleOperator), Page: withFiles(versionView)}),
		mk("stale", wizard.PageProps{Head: head(ui.RoleOperator), Page: controlPlane(), Stale: &wizard.Stale{By: "ben", At: before(2 * time.Minute)}}),
		mk("problem", wizard.PageProps{Head: head(ui.RoleOperator), Page: accessPage(), Problem: &workflows.Problem{Code: "ssh.timeout", What: "The helper VM does not answer.", Why: "SSH to 10.0.4.17 timed out after 8 s.", Fix: "Look whether the VM runs; the questions below can be answered without it."}}),
		mk("empty", wizard.PageProps{Head: head(ui.RoleOperator), Page: workflows.PageView{PageInfo: workflows.PageInfo{ID: "network", Title: "Network"}}}),
		mk("viewer", wizard.PageProps{Head: head(ui.RoleViewer), Page: poolsPage(false)}, as(ui.RoleViewer)),
	}
}
