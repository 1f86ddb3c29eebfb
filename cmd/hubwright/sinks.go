package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"hubwright/internal/audit"
	"hubwright/store"
)

// checkpointEvery is how often the newest event is written down outside the
// database, when there is a new one.
const checkpointEvery = time.Minute

// sinkConfig says where checkpoints go besides their file.
type sinkConfig struct {
	Syslog, Webhook   string
	TokenFile, CAFile string
}

// webhookShown is the address without what may be secret in it.
func (c sinkConfig) webhookShown() string {
	u, err := url.Parse(c.Webhook)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// open makes the sinks. The message of an error names the flag.
func (c sinkConfig) open() ([]audit.Sink, error) {
	var out []audit.Sink
	roots, err := c.roots()
	if err != nil {
		return nil, fmt.Errorf("--audit-ca-file: %w", err)
	}
	if c.Syslog != "" {
		s, err := audit.NewSyslog(c.Syslog, roots)
		if err != nil {
			return nil, fmt.Errorf("--audit-syslog: %w", err)
		}
		out = append(out, s)
	}
	if c.Webhook == "" {
		return out, nil
	}
	token := ""
	if c.TokenFile != "" {
		raw, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("--audit-webhook-token-file: %w", err)
		}
		token = strings.TrimSpace(string(raw))
	}
	h, err := audit.NewWebhook(c.Webhook, token, roots)
	if err != nil {
		return nil, fmt.Errorf("--audit-webhook: %w", err)
	}
	return append(out, h), nil
}

func (c sinkConfig) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", c.CAFile)
	}
	return pool, nil
}

// openCheckpoints opens the book and the courier that takes its pages away.
func openCheckpoints(cfg config, key []byte, log *slog.Logger) (*audit.Book, *audit.Courier, error) {
	signing, err := audit.SigningKey(key)
	if err != nil {
		return nil, nil, err
	}
	book, err := audit.OpenBook(cfg.Book, signing)
	if err != nil {
		return nil, nil, err
	}
	sinks, err := cfg.Sinks.open()
	if err != nil || len(sinks) == 0 {
		return book, nil, err
	}
	all, err := audit.ReadBook(cfg.Book)
	if err != nil {
		return nil, nil, err
	}
	courier, err := audit.NewCourier(cfg.Book+".sent", all, sinks, time.Now, log)
	return book, courier, err
}

// writeCheckpoints writes one now, then each time that there is something
// new, and one when ctx ends. courier may be nil.
func writeCheckpoints(ctx context.Context, book *audit.Book, courier *audit.Courier, db *store.DB, log *slog.Logger) {
	write := func(ctx context.Context) {
		c, wrote, err := book.Write(ctx, db, time.Now())
		if err != nil && ctx.Err() == nil {
			log.Error("the audit's checkpoint could not be written", "err", err)
		}
		if wrote && courier != nil {
			courier.Add(c)
		}
	}
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		write(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			write(last)
			if courier != nil {
				courier.Flush(last)
			}
			return
		}
	}
}
