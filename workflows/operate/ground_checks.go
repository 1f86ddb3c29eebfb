package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const (
	// PrepareAgain is what mends a helper VM.
	PrepareAgain = "Go through \"Prepare AKS Engine\" of this site again: it puts right what is missing."
	issueImage   = "https://github.com/Azure/aks-engine/issues/3926"
	issueRights  = "https://github.com/Azure/aks-engine/issues/4962"
)

// WithHost logs in to the helper VM for a check.
func (e Engine) WithHost(ctx context.Context, g *Ground, look func(Host) w.Finding) w.Finding {
	host, err := e.OpenHost(ctx, g.SiteID)
	if err != nil {
		return problem.Finding(err)
	}
	defer host.Close()
	return look(host)
}

// WithHub opens the Hub for a check.
func (e Engine) WithHub(ctx context.Context, g *Ground, look func(Hub) w.Finding) w.Finding {
	hub, err := e.OpenHub(ctx, g.Stack)
	if err != nil {
		return problem.Finding(err)
	}
	return look(hub)
}

// EngineCall is a call of the engine, for a shell in the home folder.
func (e Engine) EngineCall(g *Ground, args ...string) string {
	return `"$HOME"/` + e.Quote(aksengine.BinaryPath(g.Helper.EngineVersion)) + " " + e.Quote(args...)
}

// CheckEngine finds out whether the helper VM answers and has the engine that
// was installed.
func (e Engine) CheckEngine(ctx context.Context, g *Ground) w.Finding {
	return e.WithHost(ctx, g, func(host Host) w.Finding {
		out, err := host.Run(ctx, e.EngineCall(g, "version", "-o", "json"), nil)
		if err != nil {
			return problem.Finding(err)
		}
		if out.ExitCode != 0 {
			return w.Fail(fmt.Sprintf("%s answers, but AKS Engine %s is not there.", g.Helper.Address, g.Helper.EngineVersion), PrepareAgain)
		}
		said, err := aksengine.ParseVersion([]byte(out.Stdout))
		if err != nil {
			return w.Fail("The engine does not say its version.", PrepareAgain)
		}
		if said != g.Helper.EngineVersion && said != aksengine.HandMade {
			return w.Fail(fmt.Sprintf("The engine says %s, but %s was installed.", said, g.Helper.EngineVersion), PrepareAgain)
		}
		return w.Passed(fmt.Sprintf("%s has AKS Engine %s.", g.Helper.Address, said))
	})
}

// CheckPrincipal finds out whether the service principal can log in and may
// make resources.
func (e Engine) CheckPrincipal(ctx context.Context, g *Ground) w.Finding {
	return e.WithHub(ctx, g, func(hub Hub) w.Finding {
		if err := hub.Login(ctx); err != nil {
			return problem.Finding(err)
		}
		ok, detail, err := hub.CanContribute(ctx)
		switch {
		case err != nil:
			return problem.Finding(err)
		case !ok:
			f := w.Fail("It can log in, but may not make resources: "+detail+".",
				"Give the service principal the Contributor role on the subscription in the user portal, then wait a few minutes.")
			f.Link = issueRights
			return f
		}
		return w.Passed("It can log in and make resources.")
	})
}

// CheckImage looks for the base image of the engine on the stamp.
func (e Engine) CheckImage(ctx context.Context, g *Ground) w.Finding {
	engine, ok := aksengine.Find(g.Helper.EngineVersion)
	if !ok {
		return w.Skip("Which image AKS Engine " + g.Helper.EngineVersion + " takes is not known.")
	}
	return e.WithHub(ctx, g, func(hub Hub) w.Finding {
		image := engine.BaseImage
		found, available, err := hub.HasImage(ctx, image)
		switch {
		case err != nil:
			return problem.Finding(err)
		case found:
			return w.Passed(image.URN() + " is there.")
		}
		has := "none of this kind"
		if len(available) > 0 {
			has = strings.Join(available, ", ")
		}
		f := w.Fail(fmt.Sprintf("%s is not there; the stamp has %s.", image.URN(), has),
			fmt.Sprintf("Ask the stamp's operator to download exactly this version into the marketplace, or install the engine version that fits what is there. AKS Engine %s takes no other.", g.Helper.EngineVersion))
		f.Link = issueImage
		return f
	})
}

// CheckSiteFree finds out whether the Site has a cluster already.
func (e Engine) CheckSiteFree(ctx context.Context, g *Ground) w.Finding {
	c, err := e.Records.ClusterOfSite(ctx, g.SiteID)
	switch {
	case errors.Is(err, w.ErrNotFound):
		return w.Passed("There is none.")
	case err != nil:
		return problem.Finding(err)
	}
	return w.Fail(fmt.Sprintf("The site has the cluster %s.", c.Name),
		"Use that one, or make a site of its own for a second cluster. If its deployment stopped after the API model was kept, retry that run.")
}
