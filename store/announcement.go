package store

import (
	"context"
	"slices"
	"time"
)

// AnnouncementKind says what an Announcement tells.
type AnnouncementKind string

// The kinds. They are stored.
const (
	Notice      AnnouncementKind = "notice"
	Maintenance AnnouncementKind = "maintenance" // in its time a Site that does not answer is not an outage
)

// Announcement is what people tell each other on the status page.
type Announcement struct {
	ID           string
	Kind         AnnouncementKind
	Title        string
	Text         string
	DeploymentID string   // "" concerns all
	Sites        []string // ids; none are all of the Deployment
	From         time.Time
	To           time.Time // zero: until somebody ends it; Maintenance has one
	CreatedAt    time.Time
	CreatedBy    string
	EndedAt      time.Time // somebody ended it before its time
	EndedBy      string
	Version      int // grows with each save; a save with an old one is refused
}

// Ends is when the announcement is over; zero while nobody knows.
func (a Announcement) Ends() time.Time {
	if !a.EndedAt.IsZero() {
		return a.EndedAt
	}
	return a.To
}

// Over says whether it belongs to the archive.
func (a Announcement) Over(now time.Time) bool { return !a.Ends().IsZero() && !now.Before(a.Ends()) }

// Going says whether now is its time.
func (a Announcement) Going(now time.Time) bool { return !now.Before(a.From) && !a.Over(now) }

// Concerns says whether it is about a Site of a Deployment.
func (a Announcement) Concerns(deploymentID, siteID string) bool {
	return (a.DeploymentID == "" || a.DeploymentID == deploymentID) && (len(a.Sites) == 0 || slices.Contains(a.Sites, siteID))
}

const announcementColumns = `id, kind, title, text, deployment_id, sites, from_at, to_at, created_at, created_by, ended_at, ended_by, version`

func scanAnnouncement(a *Announcement) []any {
	return []any{&a.ID, &a.Kind, &a.Title, &a.Text, &a.DeploymentID, jsonColumn{&a.Sites}, timeColumn{&a.From}, timeColumn{&a.To},
		timeColumn{&a.CreatedAt}, &a.CreatedBy, timeColumn{&a.EndedAt}, &a.EndedBy, &a.Version}
}

// SaveAnnouncement inserts the Announcement when its Version is 0 or replaces
// the one of that Version, and counts Version up.
func (d *DB) SaveAnnouncement(ctx context.Context, a *Announcement) error {
	id, created := orNewID(a.ID, "ann"), d.orNow(a.CreatedAt)
	args := []any{id, string(a.Kind), a.Title, a.Text, a.DeploymentID, asJSON(a.Sites), nanos(a.From), nanos(a.To), nanos(created), a.CreatedBy,
		nanos(a.EndedAt), a.EndedBy, a.Version}
	const insert = `INSERT INTO announcements (` + announcementColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 + 1) ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE announcements SET (kind, title, text, deployment_id, sites, from_at, to_at, ended_at, ended_by, version) =
		($2, $3, $4, $5, $6, $7, $8, $11, $12, version + 1) WHERE id = $1 AND version = $13`
	if err := d.saveVersion(ctx, "announcements", id, a.Version, insert, update, args); err != nil {
		return err
	}
	a.ID, a.CreatedAt, a.Version = id, created, a.Version+1
	return nil
}

// Announcement is the Announcement with that id.
func (d *DB) Announcement(ctx context.Context, id string) (Announcement, error) {
	return one(ctx, d.db, "announcement "+id, scanAnnouncement, `SELECT `+announcementColumns+` FROM announcements WHERE id = $1`, id)
}

// Announcements are the newest Announcements by when they begin, the newest
// first.
func (d *DB) Announcements(ctx context.Context, limit int) ([]Announcement, error) {
	return list(ctx, d.db, scanAnnouncement, `SELECT `+announcementColumns+` FROM announcements ORDER BY from_at DESC, id LIMIT $1`, limit)
}

// OpenAnnouncements are those that are not over, by when they begin.
func (d *DB) OpenAnnouncements(ctx context.Context) ([]Announcement, error) {
	return openAnnouncements(ctx, d.db, d.clock())
}

func openAnnouncements(ctx context.Context, q querier, now time.Time) ([]Announcement, error) {
	return list(ctx, q, scanAnnouncement, `SELECT `+announcementColumns+` FROM announcements
		WHERE ended_at = 0 AND (to_at = 0 OR to_at > $1) ORDER BY from_at, id`, nanos(now))
}

// planned says whether a Site is in scheduled maintenance.
func planned(ctx context.Context, q querier, siteID string, at time.Time) (bool, error) {
	open, err := openAnnouncements(ctx, q, at)
	if err != nil || len(open) == 0 {
		return false, err
	}
	dep, err := one(ctx, q, "site "+siteID, value[string], `SELECT deployment_id FROM sites WHERE id = $1`, siteID)
	return slices.ContainsFunc(open, func(a Announcement) bool {
		return a.Kind == Maintenance && a.Going(at) && a.Concerns(dep, siteID)
	}), err
}
