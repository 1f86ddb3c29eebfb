package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
	_ "time/tzdata" // maintenance windows in every zone, wherever the binary runs

	"hubwright/handlers"
	"hubwright/internal/archives"
	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/live"
	"hubwright/internal/monitor"
	"hubwright/internal/notify"
	"hubwright/internal/preflight"
	"hubwright/internal/redact"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/web/settings"
)

const (
	databaseName  = "hubwright.db"
	shutdownGrace = 3 * time.Second
)

// serve runs the dashboard until ctx ends.
func serve(ctx context.Context, c console, args []string) error {
	cfg, err := parseConfig(args, c.getenv, c.stderr)
	if err != nil {
		return err
	}
	log := newLogger(c, cfg)
	for _, l := range cfg.lines() {
		log.Info("configuration", l[0], l[1])
	}
	p, err := assemble(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if cfg.Seed != "" {
		if err := loadSeed(ctx, cfg.Seed, p.db, p.vault); err != nil {
			return fmt.Errorf("--seed: %w", err)
		}
	}
	if err := p.engine.Launch(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	p.work.Go(func() { writeCheckpoints(ctx, p.book, p.courier, p.db, log) })
	if p.courier != nil {
		p.work.Go(func() { p.courier.Run(ctx) })
	}
	if cfg.Probe > 0 {
		m := p.monitor(cfg.Probe, log)
		p.work.Go(func() { m.Run(ctx) })
	}
	watcher := p.watcher(cfg, log)
	p.work.Go(func() { p.sender.Run(ctx) })
	p.work.Go(func() { watcher.Run(ctx) })
	p.announce(ctx, c, cfg)
	return serveUntil(ctx, listener, p.handler)
}

func newLogger(c console, cfg config) *slog.Logger {
	if cfg.LogJSON {
		return slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(c.stderr, nil))
}

func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// product is everything of one server, wired.
type product struct {
	db      *store.DB
	vault   *secrets.Vault
	auth    *auth.Service
	engine  *engine.Engine
	checks  *preflight.Runner
	handler *handlers.Server
	book    *audit.Book
	news    *live.Hub
	sender  *notify.Sender

	adapters  adapters
	rotations *monitor.Rotations
	courier   *audit.Courier // nil when checkpoints go nowhere else
	work      sync.WaitGroup // in the background, until the context of serve ends
}

// assemble wires the rooms. This is the only place that knows them all.
func assemble(ctx context.Context, cfg config, log *slog.Logger) (*product, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	key, err := secrets.LoadOrCreateKey(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, filepath.Join(cfg.Data, databaseName), store.Options{})
	if err != nil {
		return nil, err
	}
	vault, err := secrets.New(key, db, secrets.KeyFile(cfg.KeyFile))
	if err != nil {
		db.Close()
		return nil, err
	}
	signing, err := audit.SigningKey(key)
	if err != nil {
		db.Close()
		return nil, err
	}
	book, courier, err := openCheckpoints(cfg, key, log)
	if err != nil {
		db.Close()
		return nil, err
	}
	log.Info("the audit's checkpoints are signed", "public-key", base64.StdEncoding.EncodeToString(signing.Public().(ed25519.PublicKey)))
	masker, news := redact.New(), live.New()
	shelf := archives.New(filepath.Join(cfg.Data, "archives"), db, time.Now)
	files := archives.NewRunFiles(filepath.Join(cfg.Data, "runs"))
	a := newAdapters(db, vault, masker, shelf)
	a.files, a.uploads, a.probing = files, archives.NewUploads(filepath.Join(cfg.Data, "uploads")), cfg.Probe
	list := catalogue(a)
	eng, err := engine.New(ctx, engine.Config{DB: db.SQL(), Journal: db, Catalogue: list, Masker: masker, Notifier: runNews{news}, Log: log})
	if err != nil {
		db.Close()
		return nil, err
	}
	p := &product{book: book, courier: courier, db: db, vault: vault, auth: auth.New(db, time.Now), engine: eng, news: news, sender: notify.NewSender(db, a.vault, time.Now, log), adapters: a, rotations: &monitor.Rotations{}}
	p.checks = preflight.New(ctx, db, list, news, log, time.Now)
	p.handler = handlers.New(handlers.Deps{
		Store: db, Engine: eng, Auth: p.auth, Vault: vault, Signing: signing, Live: news, Preflight: p.checks, Catalogue: list, Sender: p.sender, Rotations: p.rotations,
		Hubs: hubsAdapter{}, Connections: a.connectionTester(), Clusters: a, Archives: shelf, RunFiles: files, Uploads: a.uploads, Log: log, Clock: time.Now, PublicURL: cfg.PublicURL,
		Banner: cfg.Banner, Config: configValues(cfg), Build: version, Gallery: cfg.Gallery, Probing: cfg.Probe, Checkpoints: courier, Proxies: cfg.Proxies,
	})
	return p, nil
}

func configValues(cfg config) []settings.Value {
	var out []settings.Value
	for _, l := range cfg.lines() {
		out = append(out, settings.Value{Name: envName(l[0]), Value: l[1]})
	}
	return out
}

func (p *product) close() {
	p.handler.Close()
	p.checks.Close()
	p.engine.Close()
	p.work.Wait()
	_ = p.db.Close()
}

// announce prints where the dashboard is and, on the first run, the one-time
// set-up link.
func (p *product) announce(ctx context.Context, c console, cfg config) {
	fmt.Fprintf(c.stdout, "Hubwright is up: %s\n", cfg.PublicURL)
	token, needed, err := p.auth.SetupToken(ctx)
	if err != nil || !needed {
		return
	}
	fmt.Fprintf(c.stdout, "\nNobody has an account yet. Open this link once to make the first admin:\n\n  %s/setup?token=%s\n\n", cfg.PublicURL, url.QueryEscape(token))
}
