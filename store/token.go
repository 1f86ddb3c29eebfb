package store

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/auth"
	"hubwright/workflows"
)

const tokenColumns = `id, person, name, role, token_hash, created_at, expires_at, revoked_at, used_at`

func scanToken(t *auth.Token) []any {
	return []any{&t.ID, &t.Person, &t.Name, &t.Role, &t.Hash, timeColumn{&t.CreatedAt}, timeColumn{&t.ExpiresAt},
		timeColumn{&t.RevokedAt}, timeColumn{&t.UsedAt}}
}

// CreateToken inserts the token and gives it an id.
func (d *DB) CreateToken(ctx context.Context, t *auth.Token) error {
	id, created := orNewID(t.ID, "tok"), d.orNow(t.CreatedAt)
	_, err := d.exec(ctx, `INSERT INTO api_tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`,
		id, t.Person, t.Name, string(t.Role), t.Hash, nanos(created), nanos(t.ExpiresAt))
	if err != nil {
		return fmt.Errorf("saving an API token: %w", err)
	}
	t.ID, t.CreatedAt = id, created
	return nil
}

// TokenByHash is the token with that hash, also one that has ended.
func (d *DB) TokenByHash(ctx context.Context, hash []byte) (auth.Token, error) {
	return one(ctx, d.db, "API token", scanToken, `SELECT `+tokenColumns+` FROM api_tokens WHERE token_hash = $1`, hash)
}

// Tokens are the tokens of a person ("" for everybody's) that nobody revoked,
// the newest first.
func (d *DB) Tokens(ctx context.Context, person string) ([]auth.Token, error) {
	return list(ctx, d.db, scanToken, `SELECT `+tokenColumns+` FROM api_tokens
		WHERE revoked_at = 0 AND ($1 = '' OR person = $1) ORDER BY created_at DESC, id`, person)
}

// UseToken notes when a token was used last.
func (d *DB) UseToken(ctx context.Context, id string, at time.Time) error {
	if _, err := d.exec(ctx, `UPDATE api_tokens SET used_at = $2 WHERE id = $1`, id, nanos(at)); err != nil {
		return fmt.Errorf("noting the use of an API token: %w", err)
	}
	return nil
}

// RevokeToken ends a token of a person ("" for anybody's) for ever and tells
// which it was. One that is revoked already is workflows.ErrNotFound.
func (d *DB) RevokeToken(ctx context.Context, id, person string) (auth.Token, error) {
	n, err := d.exec(ctx, `UPDATE api_tokens SET revoked_at = $3 WHERE id = $1 AND revoked_at = 0 AND ($2 = '' OR person = $2)`, id, person, nanos(d.clock()))
	if err != nil {
		return auth.Token{}, fmt.Errorf("revoking an API token: %w", err)
	}
	if n == 0 {
		return auth.Token{}, fmt.Errorf("API token %s: %w", id, workflows.ErrNotFound)
	}
	return one(ctx, d.db, "API token "+id, scanToken, `SELECT `+tokenColumns+` FROM api_tokens WHERE id = $1`, id)
}
