package help

// words are the words of the product with their meaning.
func words() [][2]string {
	return [][2]string{
		{"Stack", "One registered Azure Stack Hub, with its subscription, service principal and certificates."},
		{"Deployment", "One application on two or more Sites, with one name in front."},
		{"Site", "A Stack's part in a Deployment: its helper VM, its cluster, its ingress."},
		{"Helper VM", "The machine on which AKS Engine runs, made by Hubwright or your own. It is reached over SSH."},
		{"Cluster", "A Kubernetes cluster that AKS Engine made on a Site."},
		{"Connection", "A subscription in public Azure, or an organization of Azure DevOps, with what proves who we are there."},
		{"Workflow", "One guided job: questions, checks, plan, steps."},
		{"Draft", "Your answers so far. It is kept on the server, and others can go on with it."},
		{"Check", "A look at the world before anything is changed. It changes nothing itself."},
		{"Plan", "What will be made or changed. The run does this and nothing else."},
		{"Run", "One execution of a workflow. It goes on when you close the browser, and when this server restarts."},
		{"Attempt", "One try of a run. A retry goes on from the step that failed."},
	}
}
