package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hubwright/internal/devops"
	"hubwright/internal/problem"
	"hubwright/workflows"
)

// connectionCheck is one question of a Connection's test.
type connectionCheck struct {
	workflows.CheckInfo
	kind workflows.ConnectionKind // "" is asked of both
	run  func(ctx context.Context, c workflows.Connection) workflows.Finding
}

// connectionTester asks what a Connection leads to. The questions build on each
// other: after one that failed, the rest is left out.
type connectionTester []connectionCheck

func (a adapters) connectionTester() connectionTester {
	login := workflows.CheckInfo{ID: "login", Title: "It lets us in", Why: "Every run would fail at its first call.", Severity: workflows.SeverityBlock}
	return connectionTester{
		{workflows.CheckInfo{ID: "reach", Title: "It can be reached", Why: "Nothing works without a way there.", Severity: workflows.SeverityBlock}, "", reaches},
		{workflows.CheckInfo{ID: "expiry", Title: "What proves it is still valid", Why: "Runs fail from the day on which it ends.", Severity: workflows.SeverityWarn}, "", notExpired},
		{login, workflows.ConnectionAzure, a.logsInToAzure},
		{workflows.CheckInfo{ID: "groups", Title: "It may read the subscription", Why: "Profiles and workspaces are made in its resource groups.", Severity: workflows.SeverityBlock}, workflows.ConnectionAzure, a.readsGroups},
		{login, workflows.ConnectionDevOps, a.seesProjects},
		{workflows.CheckInfo{ID: "endpoints", Title: "It may manage service connections", Why: "The pipelines reach the clusters through them.", Severity: workflows.SeverityBlock}, workflows.ConnectionDevOps, a.readsEndpoints},
		{workflows.CheckInfo{ID: "pools", Title: "It may read agent pools", Why: "Agents are registered in a pool.", Severity: workflows.SeverityWarn}, workflows.ConnectionDevOps, a.readsPools},
	}
}

func (t connectionTester) of(kind workflows.ConnectionKind) []connectionCheck {
	var out []connectionCheck
	for _, c := range t {
		if c.kind == "" || c.kind == kind {
			out = append(out, c)
		}
	}
	return out
}

// Checks are the questions for that kind.
func (t connectionTester) Checks(kind workflows.ConnectionKind) []workflows.CheckInfo {
	var out []workflows.CheckInfo
	for _, c := range t.of(kind) {
		out = append(out, c.CheckInfo)
	}
	return out
}

// Test asks all of them.
func (t connectionTester) Test(ctx context.Context, c workflows.Connection) []workflows.CheckResult {
	var out []workflows.CheckResult
	failed := ""
	for _, q := range t.of(c.Kind) {
		r := workflows.CheckResult{CheckID: q.ID, StartedAt: time.Now()}
		if failed != "" {
			r.Finding = workflows.Skip("Left out: it needs “" + failed + "”.")
		} else if r.Finding = q.run(ctx, c); r.Status == workflows.CheckFailed {
			failed = q.Title
		}
		r.EndedAt = time.Now()
		out = append(out, r)
	}
	return out
}

// reaches takes any answer of the web server for a yes.
func reaches(ctx context.Context, c workflows.Connection) workflows.Finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at, err := url.Parse(c.Endpoint)
	if err != nil {
		return workflows.Fail("Its address cannot be read.", "Edit the Connection.")
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM([]byte(c.CABundle))
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	if c.HTTPSProxy != "" {
		proxy, err := url.Parse(c.HTTPSProxy)
		if err != nil {
			return workflows.Fail("Its proxy cannot be read.", "Edit the Connection.")
		}
		tr.Proxy = http.ProxyURL(proxy)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, at.Scheme+"://"+at.Host, nil)
	if err != nil {
		return problem.Finding(err)
	}
	start := time.Now()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return problem.Finding(problem.Network(err, at.Hostname()))
	}
	resp.Body.Close()
	return workflows.Passed(fmt.Sprintf("%s answered in %d ms, and its certificate is trusted.", at.Host, time.Since(start).Milliseconds()))
}

func (a adapters) logsInToAzure(ctx context.Context, c workflows.Connection) workflows.Finding {
	cloud, err := a.clouds.Open(ctx, c)
	if err == nil {
		err = cloud.Login(ctx)
	}
	if err != nil {
		return problem.Finding(err)
	}
	return workflows.Passed("The service principal got a token.")
}

func (a adapters) readsGroups(ctx context.Context, c workflows.Connection) workflows.Finding {
	cloud, err := a.clouds.Open(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	all, err := cloud.ResourceGroups(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	return workflows.Passed(fmt.Sprintf("It sees %d resource groups.", len(all)))
}

// inOrganization opens the organization of a Connection for a question.
func (a adapters) inOrganization(ctx context.Context, c workflows.Connection, ask func(*devops.Organization) (string, error)) workflows.Finding {
	o, err := a.organizations().Open(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	defer o.Close()
	found, err := ask(o)
	if err != nil {
		return problem.Finding(err)
	}
	return workflows.Passed(found)
}

func (a adapters) seesProjects(ctx context.Context, c workflows.Connection) workflows.Finding {
	return a.inOrganization(ctx, c, func(o *devops.Organization) (string, error) {
		all, err := o.Projects(ctx)
		names := make([]string, len(all))
		for i, p := range all {
			names[i] = p.Name
		}
		return "It sees these projects: " + strings.Join(names, ", ") + ".", err
	})
}

func (a adapters) readsEndpoints(ctx context.Context, c workflows.Connection) workflows.Finding {
	return a.inOrganization(ctx, c, func(o *devops.Organization) (string, error) {
		all, err := o.Projects(ctx)
		if err != nil || len(all) == 0 {
			return "There is no project to look in.", err
		}
		_, err = o.EndpointByName(ctx, all[0].ID, "hubwright")
		return "It may read those of " + all[0].Name + ". Whether it may also make them shows when the first is made.", err
	})
}

func (a adapters) readsPools(ctx context.Context, c workflows.Connection) workflows.Finding {
	return a.inOrganization(ctx, c, func(o *devops.Organization) (string, error) {
		all, err := o.Pools(ctx)
		return fmt.Sprintf("It sees %d pools.", len(all)), err
	})
}

func notExpired(_ context.Context, c workflows.Connection) workflows.Finding {
	left := time.Until(c.ExpiresAt)
	day := c.ExpiresAt.UTC().Format("2 Jan 2006")
	const remedy = "Make a new one where it came from, then edit this Connection and give it."
	switch {
	case c.ExpiresAt.IsZero():
		return workflows.Skip("Nobody said when it ends.")
	case left <= 0:
		return workflows.Fail("It ended on "+day+".", remedy)
	case left < 14*24*time.Hour:
		return workflows.Warn("It ends on "+day+".", remedy)
	}
	return workflows.Passed("It ends on " + day + ".")
}
