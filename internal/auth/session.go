package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hubwright/workflows"
)

const (
	idle     = 12 * time.Hour     // a session ends when it is not used for so long
	lifetime = 7 * 24 * time.Hour // and at the latest so long after the login
	// A session's end is moved only when that gains so much: not every request
	// shall write.
	slideStep  = 10 * time.Minute
	issuedSize = 8
)

// Login checks a password and begins a session. Its token goes into a cookie;
// expires is the latest end of the session, which ends sooner when it is not
// used. It returns ErrCredentials, also for disabled users, or ErrThrottled.
func (s *Service) Login(ctx context.Context, name, password, addr string) (token string, expires time.Time, err error) {
	if !nameRule.MatchString(name) || len(password) > maxPassword {
		return "", time.Time{}, ErrCredentials // there is nobody like that
	}
	now := s.clock()
	if !s.throttle.take(name, addr, now) {
		return "", time.Time{}, ErrThrottled
	}
	user, err := s.repo.User(ctx, name)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return "", time.Time{}, fmt.Errorf("logging in: %w", err)
	}
	good, err := s.hasher.verify(ctx, password, user.PasswordHash)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("checking the password of %s: %w", name, err)
	}
	if !good {
		return "", time.Time{}, ErrCredentials
	}
	token, expires, err = s.begin(ctx, user, now)
	if err == nil {
		s.throttle.forget(name, addr)
	}
	return token, expires, err
}

// begin makes a session for a user whose password was right, unless the user
// was disabled or got another password in the meantime.
func (s *Service) begin(ctx context.Context, checked User, now time.Time) (token string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, err := s.repo.User(ctx, checked.Name)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("logging in: %w", err)
	}
	if user.Disabled || user.PasswordHash != checked.PasswordHash {
		return "", time.Time{}, ErrCredentials
	}
	if err := s.repo.DeleteExpiredSessions(ctx, now); err != nil {
		return "", time.Time{}, err
	}
	// The token carries the time of the login. Nobody can change it: the
	// session is found by the hash of the whole token.
	token = newToken(binary.BigEndian.AppendUint64(nil, uint64(now.Unix())))
	if err := s.repo.PutSession(ctx, tokenHash(token), user.Name, now.Add(idle)); err != nil {
		return "", time.Time{}, err
	}
	return token, now.Add(lifetime), nil
}

// Authenticate is whose session it is, and keeps the session alive. It returns
// ErrSession when there is none, it ended, or the user is disabled.
func (s *Service) Authenticate(ctx context.Context, token string) (User, error) {
	issued, ok := issuedAt(token)
	if !ok {
		return User{}, ErrSession
	}
	now := s.clock()
	name, expires, err := s.repo.Session(ctx, tokenHash(token))
	if errors.Is(err, workflows.ErrNotFound) {
		return User{}, ErrSession
	}
	if err != nil {
		return User{}, fmt.Errorf("reading the session: %w", err)
	}
	end := issued.Add(lifetime)
	if !now.Before(expires) || !now.Before(end) {
		return User{}, ErrSession
	}
	user, err := s.repo.User(ctx, name)
	if err != nil {
		return User{}, fmt.Errorf("reading the user of the session: %w", err)
	}
	if user.Disabled {
		return User{}, ErrSession
	}
	next := now.Add(idle)
	if next.After(end) {
		next = end
	}
	if next.Sub(expires) >= slideStep {
		return user, s.slide(ctx, tokenHash(token), name, next)
	}
	return user, nil
}

// slide moves the end of a session that is still there: one that was ended in
// the meantime must not come back.
func (s *Service) slide(ctx context.Context, hash []byte, name string, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _, err := s.repo.Session(ctx, hash)
	if errors.Is(err, workflows.ErrNotFound) {
		return ErrSession
	}
	if err != nil {
		return fmt.Errorf("reading the session: %w", err)
	}
	return s.repo.PutSession(ctx, hash, name, expires)
}

// Logout ends a session. One that is not there is no error.
func (s *Service) Logout(ctx context.Context, token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repo.DeleteSession(ctx, tokenHash(token))
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func issuedAt(token string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != issuedSize+32 {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), 0), true
}
