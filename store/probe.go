package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hubwright/internal/monitor"
	"hubwright/workflows"
)

var _ monitor.Records = (*DB)(nil)

// SiteHealth is the newest probe of a Site with what all probes counted.
type SiteHealth struct {
	monitor.Probe
	History monitor.History
}

const probeColumns = `site_id, cluster_id, at, health, ready, want, version, certificate_end, sick, scaling, problem, history`

func scanHealth(h *SiteHealth) []any {
	return []any{&h.SiteID, &h.ClusterID, timeColumn{&h.At}, &h.Health, &h.Ready, &h.Want, &h.Version,
		timeColumn{&h.CertificateEnds}, jsonColumn{&h.Sick}, jsonColumn{&h.Scaling}, &h.Problem, historyColumn{&h.History}}
}

// historyColumn scans what History.MarshalBinary made.
type historyColumn struct{ h *monitor.History }

func (c historyColumn) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("history stored as %T", src)
	}
	return c.h.UnmarshalBinary(b)
}

// SiteHealths are the Sites that were probed, by their ids.
func (d *DB) SiteHealths(ctx context.Context) (map[string]SiteHealth, error) {
	all, err := list(ctx, d.db, scanHealth, `SELECT `+probeColumns+` FROM probes`)
	if err != nil {
		return nil, fmt.Errorf("reading probes: %w", err)
	}
	out := make(map[string]SiteHealth, len(all))
	for _, h := range all {
		out[h.SiteID] = h
	}
	return out, nil
}

// SaveProbe makes the probe the newest of its Site and counts it. What is kept
// of a Site does not grow with the number of probes.
func (d *DB) SaveProbe(ctx context.Context, p monitor.Probe) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, "probe of site "+p.SiteID, scanHealth, `SELECT `+probeColumns+` FROM probes WHERE site_id = $1`, p.SiteID)
		if err != nil && !errors.Is(err, workflows.ErrNotFound) {
			return err
		}
		history, err := counted(ctx, tx, old.History, p.SiteID, p.At, p.Health)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO probes (`+probeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (site_id) DO UPDATE SET (cluster_id, at, health, ready, want, version, certificate_end, sick, scaling, problem, history) =
				(excluded.cluster_id, excluded.at, excluded.health, excluded.ready, excluded.want, excluded.version,
				excluded.certificate_end, excluded.sick, excluded.scaling, excluded.problem, excluded.history)`,
			p.SiteID, p.ClusterID, nanos(p.At), string(p.Health), p.Ready, p.Want, p.Version, nanos(p.CertificateEnds),
			asJSON(p.Sick), asJSON(p.Scaling), p.Problem, history)
		return err
	})
	if err != nil {
		return fmt.Errorf("saving a probe of site %s: %w", p.SiteID, err)
	}
	return nil
}

// counted is the history with a probe more. What is not well in scheduled
// maintenance is no outage.
func counted(ctx context.Context, q querier, h monitor.History, siteID string, at time.Time, health monitor.Health) ([]byte, error) {
	if health != monitor.Up {
		in, err := planned(ctx, q, siteID, at)
		if err != nil {
			return nil, err
		}
		if in {
			health = monitor.Planned
		}
	}
	h.Add(at, health)
	return h.MarshalBinary()
}

// AppHealth is the newest probe of a Site's application with what all probes
// counted.
type AppHealth struct {
	monitor.AppProbe
	History monitor.History
}

const appProbeColumns = `site_id, at, health, status, took, certificate_end, problem, history`

func scanAppHealth(h *AppHealth) []any {
	return []any{&h.SiteID, timeColumn{&h.At}, &h.Health, &h.Status, &h.Took, timeColumn{&h.CertificateEnds}, &h.Problem, historyColumn{&h.History}}
}

// AppHealths are the Sites whose applications were probed, by their ids.
func (d *DB) AppHealths(ctx context.Context) (map[string]AppHealth, error) {
	all, err := list(ctx, d.db, scanAppHealth, `SELECT `+appProbeColumns+` FROM app_probes`)
	if err != nil {
		return nil, fmt.Errorf("reading probes of applications: %w", err)
	}
	out := make(map[string]AppHealth, len(all))
	for _, h := range all {
		out[h.SiteID] = h
	}
	return out, nil
}

// SaveAppProbe makes the probe the newest of its Site's application and counts
// it.
func (d *DB) SaveAppProbe(ctx context.Context, p monitor.AppProbe) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, "probe of an application", scanAppHealth, `SELECT `+appProbeColumns+` FROM app_probes WHERE site_id = $1`, p.SiteID)
		if err != nil && !errors.Is(err, workflows.ErrNotFound) {
			return err
		}
		history, err := counted(ctx, tx, old.History, p.SiteID, p.At, p.Health)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO app_probes (`+appProbeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (site_id) DO UPDATE SET (at, health, status, took, certificate_end, problem, history) =
				(excluded.at, excluded.health, excluded.status, excluded.took, excluded.certificate_end, excluded.problem, excluded.history)`,
			p.SiteID, nanos(p.At), string(p.Health), p.Status, int64(p.Took), nanos(p.CertificateEnds), p.Problem, history)
		return err
	})
	if err != nil {
		return fmt.Errorf("saving a probe of the application of site %s: %w", p.SiteID, err)
	}
	return nil
}
