package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"hubwright/internal/notify"
	"hubwright/workflows"
)

const channelColumns = `id, name, kind, owner, events, deployments, address, url, signing_key, ca_bundle, https_proxy,
	paused, created_at, created_by, version`

func scanChannel(c *notify.Channel) []any {
	return []any{&c.ID, &c.Name, &c.Kind, &c.Owner, jsonColumn{&c.Events}, jsonColumn{&c.Deployments}, &c.Address, &c.URL,
		&c.SigningKey, &c.CABundle, &c.HTTPSProxy, &c.Paused, timeColumn{&c.CreatedAt}, &c.CreatedBy, &c.Version}
}

// Channel is the channel with that id.
func (d *DB) Channel(ctx context.Context, id string) (notify.Channel, error) {
	return one(ctx, d.db, "channel "+id, scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1`, id)
}

// Channels are all channels, the team's first, by name.
func (d *DB) Channels(ctx context.Context) ([]notify.Channel, error) {
	return list(ctx, d.db, scanChannel, `SELECT `+channelColumns+` FROM channels ORDER BY owner, name`)
}

// SaveChannel inserts the channel when its Version is 0 or replaces the one of
// that Version, and counts Version up. What still waits for the channel is
// tried at once. A name that is taken is a workflows.FieldError of the field
// name.
func (d *DB) SaveChannel(ctx context.Context, c *notify.Channel) error {
	id, created := orNewID(c.ID, "chn"), d.orNow(c.CreatedAt)
	args := []any{id, c.Name, string(c.Kind), c.Owner, asJSON(c.Events), asJSON(c.Deployments), c.Address, c.URL, c.SigningKey,
		c.CABundle, c.HTTPSProxy, c.Paused, nanos(created), c.CreatedBy, c.Version}
	const insert = `INSERT INTO channels (` + channelColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 + 1) ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE channels SET (name, events, deployments, address, url, signing_key, ca_bundle, https_proxy, paused, version) =
		($2, $5, $6, $7, $8, $9, $10, $11, $12, version + 1)
		WHERE id = $1 AND version = $15`
	if err := d.saveVersion(ctx, "channels", id, c.Version, insert, update, args); err != nil {
		return nameTaken(err, "channel", c.Name)
	}
	c.ID, c.CreatedAt, c.Version = id, created, c.Version+1
	_, err := d.exec(ctx, `UPDATE deliveries SET next_at = $2 WHERE channel_id = $1 AND next_at > $2`, id, nanos(d.clock()))
	return err
}

// DeleteChannel forgets a channel and what waits for it.
func (d *DB) DeleteChannel(ctx context.Context, id string) error {
	_, err := d.exec(ctx, `DELETE FROM channels WHERE id = $1`, id)
	return err
}

const mailSetting = "notify.mail"

// MailServer is the server that takes our mail; workflows.ErrNotFound when
// nobody named one.
func (d *DB) MailServer(ctx context.Context) (notify.MailServer, error) {
	var m notify.MailServer
	text, err := d.Setting(ctx, mailSetting)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m)
}

// SetMailServer sets the server that takes our mail.
func (d *DB) SetMailServer(ctx context.Context, m notify.MailServer) error {
	return d.SetSetting(ctx, mailSetting, asJSON(m))
}

const deliveryColumns = `id, channel_id, event, created_at, tries, next_at, sent_at, error`

func scanDelivery(x *notify.Delivery) []any {
	return []any{&x.ID, &x.ChannelID, jsonColumn{&x.Event}, timeColumn{&x.CreatedAt}, &x.Tries, timeColumn{&x.NextAt}, timeColumn{&x.SentAt}, &x.Error}
}

// Post puts events into the outbox of every channel that wants them, and says
// how many are new there.
func (d *DB) Post(ctx context.Context, events ...notify.Event) (posted int64, err error) {
	all, err := d.Channels(ctx)
	if err != nil || len(all) == 0 || len(events) == 0 {
		return 0, err
	}
	now := nanos(d.clock())
	err = d.write(ctx, func(tx *sql.Tx) error {
		for _, e := range events {
			for _, c := range all {
				if !c.Wants(e) {
					continue
				}
				n, err := sqlTx{tx}.Exec(ctx, `INSERT INTO deliveries (channel_id, event_key, event, created_at, tries, next_at, sent_at, error)
					VALUES ($1, $2, $3, $4, 0, $4, 0, '') ON CONFLICT (channel_id, event_key) DO NOTHING`, c.ID, e.Key, asJSON(e), now)
				if err != nil {
					return fmt.Errorf("posting %s: %w", e.Key, err)
				}
				posted += n
			}
		}
		return nil
	})
	return posted, err
}

// DueDeliveries are those to be tried now, the oldest first.
func (d *DB) DueDeliveries(ctx context.Context, limit int) ([]notify.Delivery, error) {
	return list(ctx, d.db, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at, id LIMIT $2`, nanos(d.clock()), limit)
}

// SaveDelivery stores what came of a try. While it has to be tried again,
// the channel's other deliveries wait as long.
func (d *DB) SaveDelivery(ctx context.Context, x notify.Delivery) error {
	return d.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET (tries, next_at, sent_at, error) = ($2, $3, $4, $5) WHERE id = $1`,
			x.ID, x.Tries, nanos(x.NextAt), nanos(x.SentAt), x.Error)
		if err == nil && !x.NextAt.IsZero() {
			_, err = tx.ExecContext(ctx, `UPDATE deliveries SET next_at = $2 WHERE channel_id = $1 AND next_at > 0 AND next_at < $2`,
				x.ChannelID, nanos(x.NextAt))
		}
		return err
	})
}

// Deliveries are the newest deliveries of each channel, newest first, and at
// most so many of each.
func (d *DB) Deliveries(ctx context.Context, each int) (map[string][]notify.Delivery, error) {
	all, err := list(ctx, d.db, scanDelivery, `SELECT `+deliveryColumns+` FROM
		(SELECT *, row_number() OVER (PARTITION BY channel_id ORDER BY id DESC) AS place FROM deliveries)
		WHERE place <= $1 ORDER BY id DESC`, each)
	out := map[string][]notify.Delivery{}
	for _, x := range all {
		out[x.ChannelID] = append(out[x.ChannelID], x)
	}
	return out, err
}

// RetryDelivery lets a delivery be tried at once, also one that was given up.
// One that was sent or is not there is workflows.ErrNotFound.
func (d *DB) RetryDelivery(ctx context.Context, channelID string, id int64) error {
	n, err := d.exec(ctx, `UPDATE deliveries SET (next_at, tries) = ($3, 0) WHERE id = $1 AND channel_id = $2 AND sent_at = 0`, id, channelID, nanos(d.clock()))
	if err == nil && n == 0 {
		err = fmt.Errorf("delivery %d: %w", id, workflows.ErrNotFound)
	}
	return err
}

// PruneDeliveries forgets what was done with that long ago.
func (d *DB) PruneDeliveries(ctx context.Context) error {
	_, err := d.exec(ctx, `DELETE FROM deliveries WHERE created_at < $1 AND next_at = 0`, nanos(d.clock().AddDate(0, 0, -90)))
	return err
}

// LastRunEnd is the number of the newest event that says that a run ended, 0
// without one.
func (d *DB) LastRunEnd(ctx context.Context) (int64, error) {
	return one(ctx, d.db, "audit", value[int64], `SELECT coalesce(max(seq), 0) FROM audit_events WHERE action = 'run.end'`)
}

// RunEnds are the events after that number which say that a run ended, the
// oldest first.
func (d *DB) RunEnds(ctx context.Context, after int64) ([]workflows.AuditEvent, error) {
	return list(ctx, d.db, scanAudit, `SELECT `+auditColumns+` FROM audit_events WHERE action = 'run.end' AND seq > $1 ORDER BY seq LIMIT 100`, after)
}
