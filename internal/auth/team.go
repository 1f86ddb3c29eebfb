package auth

import (
	"context"
	"errors"
	"fmt"

	"hubwright/workflows"
)

// CreateUser lets a person in. It returns FieldErrors for a name that is taken
// and for a name, role or password that does not do.
func (s *Service) CreateUser(ctx context.Context, name string, role Role, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(ctx, name, role, password)
}

func (s *Service) create(ctx context.Context, name string, role Role, password string) error {
	var bad FieldErrors
	bad.checkName(name)
	bad.checkRole(role)
	bad.checkPassword(name, password)
	if err := bad.orNil(); err != nil {
		return err
	}
	switch _, err := s.repo.User(ctx, name); {
	case err == nil:
		bad.add("name", "There is somebody with this name already.")
		return bad
	case !errors.Is(err, workflows.ErrNotFound):
		return fmt.Errorf("looking for %s: %w", name, err)
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.repo.SaveUser(ctx, &User{Name: name, Role: role, PasswordHash: hash, CreatedAt: s.clock()})
}

// SetRole changes what a user may do, from the next request on. It returns
// FieldErrors, workflows.ErrNotFound, or a *workflows.Problem when no admin
// would be left.
func (s *Service) SetRole(ctx context.Context, name string, role Role) error {
	var bad FieldErrors
	bad.checkRole(role)
	if err := bad.orNil(); err != nil {
		return err
	}
	return s.change(ctx, name, func(u *User) { u.Role = role })
}

// SetPassword changes a password and ends all sessions of the user. It returns
// FieldErrors or workflows.ErrNotFound.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	var bad FieldErrors
	bad.checkPassword(name, password)
	if err := bad.orNil(); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, name, func(u *User) { u.PasswordHash = hash })
}

// Disable keeps a user out, ending all sessions, or lets the user in again. It
// returns workflows.ErrNotFound, or a *workflows.Problem when no admin would
// be left.
func (s *Service) Disable(ctx context.Context, name string, disabled bool) error {
	return s.change(ctx, name, func(u *User) { u.Disabled = disabled })
}

// change saves what fn makes of a user.
func (s *Service) change(ctx context.Context, name string, fn func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, err := s.repo.User(ctx, name)
	if err != nil {
		return fmt.Errorf("changing %s: %w", name, err)
	}
	before := user
	fn(&user)
	if before.rules() && !user.rules() {
		if err := s.mustRule(ctx, name); err != nil {
			return err
		}
	}
	if err := s.repo.SaveUser(ctx, &user); err != nil {
		return err
	}
	if user.Disabled || user.PasswordHash != before.PasswordHash {
		return s.repo.DeleteSessionsOf(ctx, name)
	}
	return nil
}

// rules says whether the user can manage the team.
func (u User) rules() bool { return u.Role == RoleAdmin && !u.Disabled }

// mustRule refuses when nobody but that user can manage the team.
func (s *Service) mustRule(ctx context.Context, but string) error {
	users, err := s.repo.Users(ctx)
	if err != nil {
		return fmt.Errorf("reading the team: %w", err)
	}
	for _, u := range users {
		if u.Name != but && u.rules() {
			return nil
		}
	}
	return &workflows.Problem{
		Code: "auth.lastadmin",
		What: but + " is the last admin",
		Why:  "nobody would be left who can manage the team",
		Fix:  "Make somebody else an admin first.",
	}
}
