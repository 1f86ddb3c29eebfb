package main

import (
	"context"
	"log/slog"
	"time"

	"hubwright/internal/live"
	"hubwright/internal/monitor"
	"hubwright/internal/problem"
	"hubwright/workflows"
)

// probeLimit is how long a cluster may take to answer: a helper VM between
// takes its time.
const probeLimit = 20 * time.Second

// monitor asks as the cluster's page does, so that each answer serves both.
func (p *product) monitor(every time.Duration, log *slog.Logger) *monitor.Monitor {
	return monitor.New(monitor.Config{
		Records: p.db,
		Ask: func(ctx context.Context, c workflows.Cluster) (monitor.Sample, error) {
			look, err := p.handler.Look(ctx, c)
			return monitor.Sample{Nodes: look.Nodes, Components: look.Components, Autoscalers: look.Autoscalers, CertificateEnds: look.Certificates}, err
		},
		AskApp: func(ctx context.Context, e workflows.Endpoint) (monitor.AppSample, error) {
			site, err := p.db.Site(ctx, e.SiteID)
			if err != nil {
				return monitor.AppSample{}, err
			}
			stack, err := p.db.Stack(ctx, site.StackID)
			if err != nil {
				return monitor.AppSample{}, err
			}
			return monitor.AskApp(ctx, e, stack.HTTPSProxy)
		},
		AskName: p.adapters.rotation.State, Rotations: p.rotations,
		Words: func(err error) string { return problem.From(err).What },
		Saved: func() { p.news.Notify(live.Status) },
		Every: every, Limit: probeLimit, Clock: time.Now, Log: log,
	})
}
