package operate

import (
	"context"
	"errors"
	"fmt"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// Ground is where the engine works: a site, its stack and helper VM, and the
// cluster's folder there. The state of each workflow holds one; it has no
// secrets, only references.
type Ground struct {
	SiteID, SiteName string
	DeploymentID     string
	Deployment       string
	Stack            w.Stack // steps read it anew
	Helper           w.HelperVM
	DNSPrefix        string // of the cluster
	ResourceGroup    string

	JobBase   string // beginning of the jobs' names on the helper VM
	JobsEnded int    // jobs of this run of which nothing more comes
}

// Begin finds the ground for a target. It refuses a site without a helper VM
// that has the engine.
func (e Engine) Begin(ctx context.Context, t w.Target) (Ground, error) {
	site, err := e.Records.Site(ctx, t.SiteID)
	if err != nil {
		return Ground{}, err
	}
	deployment, err := e.Records.Deployment(ctx, site.DeploymentID)
	if err != nil {
		return Ground{}, err
	}
	stack, err := e.Records.Stack(ctx, site.StackID)
	if err != nil {
		return Ground{}, err
	}
	helper, err := e.Records.HelperVM(ctx, site.ID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return Ground{}, err
	}
	if err != nil || helper.EngineVersion == "" {
		return Ground{}, &w.Problem{
			Code: "cluster.helper", What: "There is no helper VM on " + site.Name + " yet",
			Why: "AKS Engine, which works on the cluster, runs on it.", Fix: "Go through \"Prepare AKS Engine\" for this site first.",
		}
	}
	return Ground{SiteID: site.ID, SiteName: site.Name, DeploymentID: deployment.ID, Deployment: deployment.Name, Stack: stack, Helper: helper}, nil
}

// Paths on the helper VM, below the home folder.

// Folder holds everything of the cluster.
func (g *Ground) Folder() string { return ".hubwright/clusters/" + g.DNSPrefix }

// OutputDir is the engine's output folder.
func (g *Ground) OutputDir() string { return g.Folder() + "/output" }

// OutputModel is the API model that the engine wrote, and that it needs for
// everything later.
func (g *Ground) OutputModel() string { return g.OutputDir() + "/" + aksengine.OutputModel }

// CertFile and KeyFile are what the engine logs in with by certificate.
func (g *Ground) CertFile() string { return g.Folder() + "/principal.crt" }

// KeyFile is the private key that goes with CertFile.
func (g *Ground) KeyFile() string { return g.Folder() + "/principal.key" }

func (g *Ground) jobList() string { return g.Folder() + "/jobs" }

// Home is a path below the home folder as a job's word.
func Home(path string) string { return "~/" + path }

// JobID is the name of the job that this run has, or would start next.
func (g *Ground) JobID() string { return fmt.Sprintf("%s-%d", g.JobBase, g.JobsEnded+1) }

// Env is the environment of the engine.
func (g *Ground) Env() map[string]string {
	env := map[string]string{"SSL_CERT_FILE": "~/.hubwright/ca-bundle.pem", "TMPDIR": Home(g.Folder() + "/tmp"), "NO_PROXY": "", "no_proxy": ""}
	if g.Stack.HTTPSProxy != "" {
		env["HTTPS_PROXY"], env["https_proxy"] = g.Stack.HTTPSProxy, g.Stack.HTTPSProxy
	}
	return env
}

// Binary is the installed engine as a job's first word.
func (g *Ground) Binary() string { return Home(aksengine.BinaryPath(g.Helper.EngineVersion)) }
