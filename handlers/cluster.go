package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/aksengine"
	"hubwright/internal/audit"
	"hubwright/internal/problem"
	"hubwright/store"
	"hubwright/web/clusters"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	lookFresh   = 10 * time.Second // how long an answer of a cluster is shown without asking again
	lookTimeout = 6 * time.Second
)

// lookCache keeps what clusters said last, so that ten open pages ask once.
type lookCache struct {
	mu    sync.Mutex
	looks map[string]looked
}

type looked struct {
	look   ClusterLook
	curves map[string][]clusters.Sample // of the autoscalers, oldest first, by namespace/name
	err    error
	at     time.Time
	way    lookWay // an answer of another way says little
}

// lookWay is how a cluster is asked: after its certificates were rotated the
// former answer is that to a stranger.
type lookWay struct {
	helper     bool // through the helper VM
	kubeconfig workflows.SecretRef
}

func wayTo(cl workflows.Cluster) lookWay { return lookWay{cl.ViaHelper, cl.Kubeconfig} }

func (s *Server) lookAt(ctx context.Context, cl workflows.Cluster) looked {
	s.look.mu.Lock()
	l, ok := s.look.looks[cl.ID]
	s.look.mu.Unlock()
	if ok && l.way == wayTo(cl) && s.Clock().Sub(l.at) < lookFresh {
		return l
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return s.lookNow(ctx, cl)
}

// Look asks the cluster, and keeps the answer for the pages.
func (s *Server) Look(ctx context.Context, cl workflows.Cluster) (ClusterLook, error) {
	l := s.lookNow(ctx, cl)
	return l.look, l.err
}

func (s *Server) lookNow(ctx context.Context, cl workflows.Cluster) looked {
	look, err := s.Clusters.Look(ctx, cl)
	l := looked{look: look, err: err, at: s.Clock(), way: wayTo(cl)}
	s.look.mu.Lock()
	defer s.look.mu.Unlock()
	if s.look.looks == nil {
		s.look.looks = map[string]looked{}
	}
	l.curves = longer(s.look.looks[cl.ID].curves, look.Autoscalers, l.at)
	s.look.looks[cl.ID] = l
	return l
}

// longer adds what the autoscalers say now to what they said before, and
// forgets those that are gone.
func longer(before map[string][]clusters.Sample, now []workflows.Autoscaler, at time.Time) map[string][]clusters.Sample {
	out := map[string][]clusters.Sample{}
	for _, a := range now {
		key := a.Namespace + "/" + a.Name
		curve := append(slices.Clone(before[key]), clusters.Sample{At: at, Current: a.Current, Replicas: a.Replicas})
		out[key] = curve[max(0, len(curve)-clusters.CurveLength):]
	}
	return out
}

// known is what was seen last, without asking.
func (s *Server) known(clusterID string) (looked, bool) {
	s.look.mu.Lock()
	defer s.look.mu.Unlock()
	l, ok := s.look.looks[clusterID]
	return l, ok
}

func health(cl workflows.Cluster, l looked) ui.Status {
	switch {
	case l.at.IsZero():
		return ui.Status{Tone: ui.ToneIdle, Words: "Not looked at yet"}
	case l.err != nil:
		return ui.Status{Tone: ui.ToneBad, Words: "Not reachable"}
	}
	ready := 0
	for _, n := range l.look.Nodes {
		if n.Ready {
			ready++
		}
	}
	words := fmt.Sprintf("%d of %d nodes Ready", ready, cl.Nodes())
	if ready < cl.Nodes() {
		return ui.Status{Tone: ui.ToneWarn, Words: words}
	}
	return ui.Status{Tone: ui.ToneOK, Words: words}
}

func (s *Server) clusters(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := s.Store.Clusters(ctx)
	if err != nil {
		return err
	}
	p := clusters.ListProps{Role: me(c).ui(), Now: s.Clock()}
	for _, cl := range all {
		pl, err := s.placeOfSite(ctx, cl.SiteID)
		if err != nil {
			return err
		}
		l, _ := s.known(cl.ID)
		p.Items = append(p.Items, clusters.Item{Cluster: cl, Site: pl.Site.Name, Deployment: pl.Deployment.Name, Stack: pl.Stack.Name, Health: health(cl, l), CheckedAt: l.at})
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Clusters", Active: layout.NavClusters, Body: clusters.List(p)})
}

func (s *Server) placeOfSite(ctx context.Context, siteID string) (place, error) {
	site, err := s.Store.Site(ctx, siteID)
	if err != nil {
		return place{}, err
	}
	return s.place(ctx, siteTarget(site))
}

func (s *Server) readCluster(c echo.Context) (workflows.Cluster, error) {
	clusterID, err := id(c)
	if err != nil {
		return workflows.Cluster{}, err
	}
	return s.Store.Cluster(c.Request().Context(), clusterID)
}

func (s *Server) cluster(c echo.Context) error {
	return s.showCluster(c, http.StatusOK, nil)
}

func (s *Server) showCluster(c echo.Context, status int, errs []workflows.FieldError) error {
	ctx := c.Request().Context()
	cl, err := s.readCluster(c)
	if err != nil {
		return err
	}
	pl, err := s.placeOfSite(ctx, cl.SiteID)
	if err != nil {
		return err
	}
	p := clusters.ShowProps{Role: me(c).ui(), Cluster: cl, Crumbs: pl.crumbs(), Stack: pl.Stack, Errors: errs, Now: s.Clock()}
	if p.Models, err = s.Store.APIModels(ctx, cl.ID); err != nil {
		return err
	}
	list, err := s.Store.Runs(ctx, store.RunFilter{SiteID: cl.SiteID, Limit: 20})
	if err != nil {
		return err
	}
	if p.History, err = s.runRows(ctx, list); err != nil {
		return err
	}
	p.SSH, p.Parts = sshPorts(cl), parts(cl)
	if p.Releases, err = s.Store.Releases(ctx, cl.SiteID); err != nil {
		return err
	}
	if p.Accounts, err = s.accounts(ctx, list); err != nil {
		return err
	}
	if p.Drift, err = s.drift(ctx, cl.SiteID, list); err != nil {
		return err
	}
	p.Path, p.PathBroken = way(cl)
	l := s.lookAt(ctx, cl)
	p.Actions = s.operations(pl, p.Releases, l.look)
	p.Health, p.CheckedAt = health(cl, l), l.at
	p.Nodes, p.Components, p.Info, p.Certificates = l.look.Nodes, l.look.Components, l.look.Info, l.look.Certificates
	for _, a := range l.look.Autoscalers {
		p.Scaling = append(p.Scaling, clusters.Scaling{Autoscaler: a, Curve: l.curves[a.Namespace+"/"+a.Name]})
	}
	if l.err != nil {
		p.Problem = problem.From(l.err)
	}
	return s.page(c, status, layout.Frame{Title: cl.Name, Active: layout.NavClusters, Body: clusters.Show(p)})
}

// way is the ladder of upgrades from the cluster's version to the newest.
func way(cl workflows.Cluster) ([]clusters.Hop, string) {
	ladder, broken := aksengine.Ladder(cl.Version)
	var out []clusters.Hop
	for _, h := range ladder {
		hop := clusters.Hop{From: h.From, To: h.To, Engine: h.Engine, Other: h.Engine != cl.EngineVersion, Builds: aksengine.HubBuilds(h.Engine), Changes: h.Changes}
		if h.Image.Version != "" {
			hop.Image = h.Image.SKU + " " + h.Image.Version
		}
		out = append(out, hop)
	}
	return out, broken
}

// accounts are the scoped kubeconfigs that runs on the cluster have made and
// that can still be had. The list has the newest run first; what is older than
// a rotation of the certificates opens nothing any more.
func (s *Server) accounts(ctx context.Context, list []workflows.Run) ([]clusters.Account, error) {
	var out []clusters.Account
	for _, r := range list {
		if r.WorkflowID == "rotate-certs" && r.Status == workflows.RunSucceeded {
			break
		}
		if r.WorkflowID != "connect" || r.Status != workflows.RunSucceeded {
			continue
		}
		x, err := s.execution(ctx, r)
		if err != nil {
			return nil, err
		}
		if x == nil {
			continue
		}
		for _, d := range x.Downloads() {
			out = append(out, clusters.Account{Title: d.Title, By: r.CreatedBy, Made: r.CreatedAt, URL: "/runs/" + r.ID + "/downloads/" + url.PathEscape(d.Name)})
		}
	}
	return out, nil
}

// dayTwo are the workflows that change a cluster, with the words of their
// buttons, the most wanted first.
var dayTwo = [][2]string{{"upgrade", "Upgrade"}, {"scale", "Scale"}, {"addpool", "Add a pool"}, {"rotate-certs", "Rotate certificates"}, {"rotate-secret", "Rotate the secret"}, {"collect-logs", "Collect logs"},
	{"drift-check", "Check for drift"}, {"restore-model", "Restore the API model"}}

func (s *Server) operations(pl place, releases []workflows.Release, look ClusterLook) []ui.Action {
	var out []ui.Action
	offered := slices.Clone(dayTwo)
	if slices.ContainsFunc(look.Autoscalers, func(a workflows.Autoscaler) bool { return a.Ours }) {
		offered = append(offered, [2]string{"autoscale-remove", "Remove the autoscaler"})
	}
	if slices.ContainsFunc(releases, func(r workflows.Release) bool {
		return r.Role == workflows.ReleaseApp || r.Role == workflows.ReleaseIngress
	}) {
		offered = append(offered, [2]string{"app-remove", "Remove the application"})
	}
	for _, w := range offered {
		if _, ok := s.Catalogue.Find(w[0]); ok {
			out = append(out, startOf(w[0], w[1], siteTarget(pl.Site)))
		}
	}
	return out
}

// sshPorts are the NAT rules that AKS Engine makes on the load balancer.
func sshPorts(cl workflows.Cluster) []clusters.SSHPort {
	var out []clusters.SSHPort
	for i := range cl.MasterCount {
		port := 22
		if i > 0 {
			port = 2200 + i
		}
		out = append(out, clusters.SSHPort{
			Node: aksengine.MasterName(cl.NameSuffix, i), Port: port,
			Command: fmt.Sprintf("ssh -p %d %s@%s", port, cl.AdminUser, cl.FQDN),
		})
	}
	return out
}

func parts(cl workflows.Cluster) []clusters.Part {
	made := ui.Status{Tone: ui.ToneOK, Words: "Made"}
	out := []clusters.Part{
		{Kind: "Load balancer", Name: "k8s-master-lb-" + cl.NameSuffix, Note: cl.FQDN, Status: made},
		{Kind: "Control plane", Name: "master-availabilityset-" + cl.NameSuffix, Note: fmt.Sprintf("%d × %s", cl.MasterCount, cl.MasterSize), Status: made},
	}
	for _, pool := range cl.Pools {
		out = append(out, clusters.Part{Kind: "Workers", Name: pool.Name + "-availabilitySet-" + cl.NameSuffix, Note: fmt.Sprintf("%d × %s", pool.Count, pool.Size), Status: made})
	}
	return out
}

// downloadKubeconfig hands out the cluster-admin kubeconfig, with a row in the
// audit before the first byte leaves.
func (s *Server) downloadKubeconfig(c echo.Context) error {
	ctx := c.Request().Context()
	cl, err := s.readCluster(c)
	if err != nil {
		return err
	}
	if c.FormValue("confirm") != "yes" {
		return s.showCluster(c, http.StatusUnprocessableEntity, []workflows.FieldError{{Field: "confirm", Message: "Confirm that you will keep it secret: who has the file is cluster administrator."}})
	}
	body, err := s.Clusters.Kubeconfig(ctx, cl)
	if errors.Is(err, workflows.ErrNotFound) {
		return problemPage(http.StatusNotFound, "There is no kubeconfig in custody", "the deploy run has not fetched it yet", "Let the deploy run end, or retry it.")
	}
	if err != nil {
		return err
	}
	if err := s.auditCluster(c, cl, audit.KubeconfigDownload, nil); err != nil {
		return err
	}
	return download(c, cl.Name+".kubeconfig", "application/json", body)
}

func (s *Server) auditCluster(c echo.Context, cl workflows.Cluster, action string, detail map[string]string) error {
	site, err := s.Store.Site(c.Request().Context(), cl.SiteID)
	if err != nil {
		return err
	}
	return s.record(c, action, "cluster "+cl.Name, siteTarget(site), detail)
}

// downloadModel hands out one version of the API model with its secrets masked.
func (s *Server) downloadModel(c echo.Context) error {
	ctx := c.Request().Context()
	cl, err := s.readCluster(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Param("version"))
	if err != nil {
		return workflows.ErrNotFound
	}
	m, err := s.Store.APIModel(ctx, cl.ID, n)
	if err != nil {
		return err
	}
	raw, err := s.Vault.Open(ctx, m.Document)
	if err != nil {
		return err
	}
	masked, err := aksengine.Masked(raw)
	if err != nil {
		return err
	}
	if err := s.auditCluster(c, cl, audit.APIModelDownload, map[string]string{"version": strconv.Itoa(n), "masked": "yes"}); err != nil {
		return err
	}
	return download(c, fmt.Sprintf("%s-apimodel-%d.json", cl.Name, n), "application/json", []byte(masked))
}
