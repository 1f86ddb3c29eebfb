package sandbox

import (
	"path/filepath"

	"hubwright/internal/sandbox/devops"
)

const (
	organization = "contoso"
	collection   = "DefaultCollection"
	devOpsServer = "devops." + Domain // on premises
	devOpsToken  = "sandbox-pat-contoso-0123456789abcdefghijklmnopqrstuvwxyz"
)

// openDevOps puts an organization of Azure DevOps Services behind the door, and
// a server on premises.
func (w *World) openDevOps() error {
	for _, c := range []devops.Config{
		{Host: devops.Host, Organization: organization, StateFile: filepath.Join(w.opts.Dir, "devops.json")},
		{Host: devOpsServer, Organization: collection, OnPremises: true, StateFile: filepath.Join(w.opts.Dir, "devops-server.json")},
	} {
		c.Tokens = []devops.Token{{Secret: devOpsToken}}
		if !c.OnPremises {
			c.Bearer = w.isForDevOps
		}
		s, err := devops.New(c)
		if err != nil {
			return err
		}
		w.organizations = append(w.organizations, s)
		w.play(c.Host, "", w.public, s, false)
	}
	w.play(devops.DownloadHost, "", w.public, devops.Downloads(), false)
	return nil
}

// isForDevOps says whether public Azure's login gave the token for Azure DevOps.
func (w *World) isForDevOps(token string) bool {
	c, err := w.azureLogin.Verify(token)
	return err == nil && c.Audience == devops.Audience
}

func seedDevOps() SeedDevOps {
	return SeedDevOps{
		Organization: "https://" + devops.Host + "/" + organization, OnPremises: "https://" + devOpsServer + "/" + collection, Token: devOpsToken,
	}
}

// DevOps is the emulated organization of Azure DevOps Services.
func (w *World) DevOps() *devops.Server { return w.organizations[0] }
