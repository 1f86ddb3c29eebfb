package store

import (
	"context"
	"fmt"
	"time"

	"hubwright/workflows"
)

// Share is a link that shows the status page to whoever has its token.
type Share struct {
	ID           string
	Name         string // for whom it is: "Screen in the hall"
	DeploymentID string // "" shows all Deployments
	TokenHash    []byte
	CreatedAt    time.Time
	CreatedBy    string
	ExpiresAt    time.Time
	RevokedAt    time.Time // zero while it is not
}

// Opens says whether the link still opens the page.
func (s Share) Opens(now time.Time) bool { return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt) }

const shareColumns = `id, name, deployment_id, token_hash, created_at, created_by, expires_at, revoked_at`

func scanShare(s *Share) []any {
	return []any{&s.ID, &s.Name, &s.DeploymentID, &s.TokenHash, timeColumn{&s.CreatedAt}, &s.CreatedBy,
		timeColumn{&s.ExpiresAt}, timeColumn{&s.RevokedAt}}
}

// CreateShare inserts the Share and gives it an id.
func (d *DB) CreateShare(ctx context.Context, s *Share) error {
	id, created := orNewID(s.ID, "shr"), d.orNow(s.CreatedAt)
	_, err := d.exec(ctx, `INSERT INTO shares (`+shareColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		id, s.Name, s.DeploymentID, s.TokenHash, nanos(created), s.CreatedBy, nanos(s.ExpiresAt))
	if err != nil {
		return fmt.Errorf("saving a shared link: %w", err)
	}
	s.ID, s.CreatedAt = id, created
	return nil
}

// ShareByToken is the Share with that hash, also one that opens nothing more.
func (d *DB) ShareByToken(ctx context.Context, tokenHash []byte) (Share, error) {
	return one(ctx, d.db, "shared link", scanShare, `SELECT `+shareColumns+` FROM shares WHERE token_hash = $1`, tokenHash)
}

// Shares are the links to a Deployment ("" for those to all) that nobody
// revoked, the newest first.
func (d *DB) Shares(ctx context.Context, deploymentID string) ([]Share, error) {
	return list(ctx, d.db, scanShare, `SELECT `+shareColumns+` FROM shares
		WHERE deployment_id = $1 AND revoked_at = 0 ORDER BY created_at DESC, id`, deploymentID)
}

// OpenShares are the links that open the page now, by when they end.
func (d *DB) OpenShares(ctx context.Context) ([]Share, error) {
	return list(ctx, d.db, scanShare, `SELECT `+shareColumns+` FROM shares
		WHERE revoked_at = 0 AND expires_at > $1 ORDER BY expires_at, id`, nanos(d.clock()))
}

// RevokeShare ends a link for ever and tells which it was. One that is
// revoked already is workflows.ErrNotFound.
func (d *DB) RevokeShare(ctx context.Context, id string) (Share, error) {
	n, err := d.exec(ctx, `UPDATE shares SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0`, id, nanos(d.clock()))
	if err != nil {
		return Share{}, fmt.Errorf("revoking a shared link: %w", err)
	}
	if n == 0 {
		return Share{}, fmt.Errorf("shared link %s: %w", id, workflows.ErrNotFound)
	}
	return one(ctx, d.db, "shared link "+id, scanShare, `SELECT `+shareColumns+` FROM shares WHERE id = $1`, id)
}
