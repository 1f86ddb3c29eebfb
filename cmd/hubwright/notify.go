package main

import (
	"context"
	"log/slog"
	"time"

	"hubwright/internal/live"
	"hubwright/internal/notify"
)

// watcher looks for what people want to be told. A health that changes has to
// last for two probes.
func (p *product) watcher(cfg config, log *slog.Logger) *notify.Watcher {
	return notify.NewWatcher(notify.WatcherConfig{
		Records: p.db, Expiries: p.handler.Expiries, Posted: p.sender.Wake, Settle: 2 * cfg.Probe, BaseURL: cfg.PublicURL, Clock: time.Now, Log: log,
		Healths: func(ctx context.Context) ([]notify.Health, error) {
			b, err := p.handler.Board(ctx)
			var out []notify.Health
			for _, d := range b.Deployments {
				out = append(out, notify.Health{DeploymentID: d.ID, Name: d.Name, State: string(d.Health), Words: d.Words, Lead: d.Lead})
			}
			return out, err
		},
	})
}

// runNews tells who watches a run, and who watches the status page.
type runNews struct{ hub *live.Hub }

// Notify says that there is news about a topic.
func (n runNews) Notify(topic string) {
	n.hub.Notify(topic)
	n.hub.Notify(live.Status)
}
