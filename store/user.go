package store

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/auth"
)

var _ auth.Repo = (*DB)(nil)

// User is a person who can log in.
type User = auth.User

const userColumns = `name, role, password_hash, created_at, disabled`

func scanUser(u *User) []any {
	return []any{&u.Name, &u.Role, &u.PasswordHash, timeColumn{&u.CreatedAt}, &u.Disabled}
}

// UserCount is how many users there are, disabled ones too.
func (d *DB) UserCount(ctx context.Context) (int, error) {
	return one(ctx, d.db, "users", value[int], `SELECT count(*) FROM users`)
}

// User is the user with that name.
func (d *DB) User(ctx context.Context, name string) (User, error) {
	return one(ctx, d.db, "user "+name, scanUser, `SELECT `+userColumns+` FROM users WHERE name = $1`, name)
}

// Users are all users by name.
func (d *DB) Users(ctx context.Context) ([]User, error) {
	return list(ctx, d.db, scanUser, `SELECT `+userColumns+` FROM users ORDER BY name`)
}

// SaveUser inserts the user or replaces the one with its name. CreatedAt stays.
func (d *DB) SaveUser(ctx context.Context, u *User) error {
	created := d.orNow(u.CreatedAt)
	_, err := d.exec(ctx, `INSERT INTO users (`+userColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET (role, password_hash, disabled) =
			(excluded.role, excluded.password_hash, excluded.disabled)`,
		u.Name, string(u.Role), u.PasswordHash, nanos(created), u.Disabled)
	if err != nil {
		return fmt.Errorf("saving user %s: %w", u.Name, err)
	}
	u.CreatedAt = created
	return nil
}

// PutSession inserts a session or moves its end.
func (d *DB) PutSession(ctx context.Context, tokenHash []byte, user string, expires time.Time) error {
	_, err := d.exec(ctx, `INSERT INTO sessions (token_hash, user, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at`, tokenHash, user, nanos(expires))
	if err != nil {
		return fmt.Errorf("saving a session of %s: %w", user, err)
	}
	return nil
}

// Session is whose session it is and when it ends, also when that is past.
func (d *DB) Session(ctx context.Context, tokenHash []byte) (user string, expires time.Time, err error) {
	type session struct {
		user    string
		expires time.Time
	}
	s, err := one(ctx, d.db, "session", func(s *session) []any { return []any{&s.user, timeColumn{&s.expires}} },
		`SELECT user, expires_at FROM sessions WHERE token_hash = $1`, tokenHash)
	return s.user, s.expires, err
}

// DeleteSession ends a session. One that is not there is no error.
func (d *DB) DeleteSession(ctx context.Context, tokenHash []byte) error {
	return d.deleteSessions(ctx, `token_hash = $1`, tokenHash)
}

// DeleteSessionsOf ends all sessions of a user.
func (d *DB) DeleteSessionsOf(ctx context.Context, user string) error {
	return d.deleteSessions(ctx, `user = $1`, user)
}

// DeleteExpiredSessions clears away the sessions that ended before now.
func (d *DB) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	return d.deleteSessions(ctx, `expires_at <= $1`, nanos(now))
}

func (d *DB) deleteSessions(ctx context.Context, which string, arg any) error {
	if _, err := d.exec(ctx, `DELETE FROM sessions WHERE `+which, arg); err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	return nil
}
