package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"hubwright/workflows"
)

// setupSetting holds the SHA-256 of the set-up token, "" when it was used.
const setupSetting = "auth.setup_token"

// SetupToken is the token of the link with which the first admin is made, and
// whether there is a need for one: once there is a user there is none. A
// process has one token for its life; a new process makes that of the former
// one worthless.
func (s *Service) SetupToken(ctx context.Context) (token string, needed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if needed, err := s.setupNeeded(ctx); err != nil || !needed {
		return "", false, err
	}
	if s.setup == "" {
		token := newToken(nil)
		if err := s.repo.SetSetting(ctx, setupSetting, digest(token)); err != nil {
			return "", false, fmt.Errorf("making a set-up token: %w", err)
		}
		s.setup = token
	}
	return s.setup, true, nil
}

// CheckSetupToken is nil when the token can be used, or ErrSetupToken.
func (s *Service) CheckSetupToken(ctx context.Context, token string) error {
	needed, err := s.setupNeeded(ctx)
	if err != nil {
		return err
	}
	want, err := s.repo.Setting(ctx, setupSetting)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return fmt.Errorf("checking a set-up token: %w", err)
	}
	if !needed || want == "" || subtle.ConstantTimeCompare([]byte(digest(token)), []byte(want)) != 1 {
		return ErrSetupToken
	}
	return nil
}

// CompleteSetup makes the first admin and uses the token up: of two people
// with the link one gets in. It returns ErrSetupToken, or FieldErrors for a
// name or password that does not do.
func (s *Service) CompleteSetup(ctx context.Context, token, name, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.CheckSetupToken(ctx, token); err != nil {
		return err
	}
	if err := s.create(ctx, name, RoleAdmin, password); err != nil {
		return err
	}
	if err := s.repo.SetSetting(ctx, setupSetting, ""); err != nil {
		return fmt.Errorf("using up the set-up token: %w", err)
	}
	return nil
}

func (s *Service) setupNeeded(ctx context.Context) (bool, error) {
	n, err := s.repo.UserCount(ctx)
	if err != nil {
		return false, fmt.Errorf("counting users: %w", err)
	}
	return n == 0, nil
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
