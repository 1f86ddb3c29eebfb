package cluster

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

func (f flow) checkVersion(ctx context.Context, s *State) w.Finding {
	return f.WithHost(ctx, &s.Ground, func(host operate.Host) w.Finding {
		out, err := host.Run(ctx, f.EngineCall(&s.Ground, "get-versions", "--azure-env", "AzureStackCloud", "-o", "json"), nil)
		if err != nil {
			return problem.Finding(err)
		}
		offered, err := aksengine.ParseGetVersions([]byte(out.Stdout))
		if err != nil {
			return w.Fail("The engine does not say which versions it offers.", operate.PrepareAgain)
		}
		var names []string
		for _, v := range offered {
			names = append(names, v.Version)
		}
		if !slices.Contains(names, s.Version) {
			return linked(w.Fail(fmt.Sprintf("It does not offer %s, but %s.", s.Version, strings.Join(names, ", ")), "Choose one of these, or install another engine version."), docEngine)
		}
		return w.Passed(fmt.Sprintf("It offers %s.", strings.Join(names, ", ")))
	})
}

func (f flow) checkTrust(ctx context.Context, s *State) w.Finding {
	return f.reach(ctx, s, strings.TrimRight(s.Stack.ARMEndpoint, "/")+"/metadata/endpoints?api-version=2015-01-01", "the Hub")
}

func (f flow) checkTokenService(ctx context.Context, s *State) w.Finding {
	login := s.Stack.Metadata.LoginEndpoint
	if u, err := url.Parse(login); err != nil || u.Host == "" {
		return w.Skip("The Hub did not say where its token service is.")
	}
	finding := f.reach(ctx, s, login, "the token service")
	if finding.Status == w.CheckFailed && s.Stack.Metadata.Identity == w.IdentityEntra {
		finding.Remedy += " Nodes use the same way: without it, use a stamp with AD FS."
		finding.Link = docPrereq
	}
	return finding
}

// reach asks from the helper VM, with the trust and the proxy that the engine
// will have. Any answer will do: what counts is the way and the certificate.
func (f flow) reach(ctx context.Context, s *State, address, what string) w.Finding {
	return f.WithHost(ctx, &s.Ground, func(host operate.Host) w.Finding {
		proxy := "--noproxy '*'"
		if s.Stack.HTTPSProxy != "" {
			proxy = "--noproxy '' --proxy " + f.Quote(s.Stack.HTTPSProxy)
		}
		script := `test -r .hubwright/ca-bundle.pem || { echo "no CA bundle" >&2; exit 98; }; command -v curl >/dev/null || { echo "no curl" >&2; exit 97; }; ` +
			`curl -sS -o /dev/null -w '%{http_code}' --max-time 20 --cacert .hubwright/ca-bundle.pem ` + proxy + " " + f.Quote(address)
		out, err := host.Run(ctx, script, nil)
		switch {
		case err != nil:
			return problem.Finding(err)
		case out.ExitCode == 98:
			return w.Fail("The helper VM has no list of trusted certificates for the engine.", operate.PrepareAgain)
		case out.ExitCode == 97:
			return w.Skip("The helper VM has no curl to ask with.")
		case out.ExitCode == 0:
			return w.Passed(fmt.Sprintf("%s answers the helper VM, and its certificate is trusted.", hostOf(address)))
		}
		return unreached(out, address, what)
	})
}

// unreached says why curl did not get through.
func unreached(out operate.Output, address, what string) w.Finding {
	said := strings.TrimSpace(out.Stderr)
	if p, ok := problem.FromText(curlWords(out.ExitCode) + said); ok {
		return w.Fail(fmt.Sprintf("The helper VM does not get through to %s (%s): %s.", what, hostOf(address), strings.TrimRight(p.Why, ".")), p.Fix)
	}
	return w.Fail(fmt.Sprintf("The helper VM does not get through to %s (%s): %s", what, hostOf(address), said),
		"Check name resolution, routes, firewall and proxy on the helper VM. "+operate.PrepareAgain)
}

// curlWords are curl's exit codes in the words that other programs use.
func curlWords(code int) string {
	switch code {
	case 5:
		return "proxyconnect: "
	case 6:
		return "no such host: "
	case 7:
		return "connection refused: "
	case 28:
		return "i/o timeout: "
	case 60:
		return "certificate signed by unknown authority: "
	}
	return ""
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
