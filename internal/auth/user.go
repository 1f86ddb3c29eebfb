// Package auth knows who people are: users, passwords, sessions and roles.
package auth

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"hubwright/workflows"
)

// Role is what a user may do. Each one may do what those below it may.
type Role string

// The roles, the lowest first.
const (
	RoleViewer   Role = "viewer"   // sees everything but secrets
	RoleAuditor  Role = "auditor"  // takes the record away: streams of the audit, dossiers of runs; changes nothing
	RoleOperator Role = "operator" // starts, cancels and retries runs
	RoleAdmin    Role = "admin"    // registers Stacks, manages the team and settings
)

// Roles are all roles, the lowest first.
func Roles() []Role { return []Role{RoleViewer, RoleAuditor, RoleOperator, RoleAdmin} }

// Allows says whether the role may do what needs the other one. A role that
// does not exist allows nothing and is never allowed.
func (r Role) Allows(need Role) bool {
	return r.rank() > 0 && need.rank() > 0 && r.rank() >= need.rank()
}

func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i + 1
		}
	}
	return 0
}

// User is a person who can log in.
type User struct {
	Name         string
	Role         Role
	PasswordHash string // argon2id, with its salt and cost
	CreatedAt    time.Time
	Disabled     bool
}

// MinPassword is how many characters a password has at least.
const MinPassword = 12

const maxPassword = 256 // bytes

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// FieldErrors are all that is wrong with a form. errors.As finds it, and its
// first workflows.FieldError.
type FieldErrors []workflows.FieldError

// Error is all messages in one line.
func (e FieldErrors) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = f.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap gives the single errors.
func (e FieldErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, f := range e {
		out[i] = f
	}
	return out
}

// orNil is the errors as an error, nil when there are none.
func (e FieldErrors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e *FieldErrors) add(field, format string, args ...any) {
	*e = append(*e, workflows.FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (e *FieldErrors) checkName(name string) {
	switch {
	case name == "":
		e.add("name", "Enter a name.")
	case !nameRule.MatchString(name):
		e.add("name", "A name has 2 to 32 characters: small letters, digits, dots, dashes and underlines. It begins with a letter.")
	}
}

func (e *FieldErrors) checkPassword(name, password string) {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		e.add("password", "A password has at least %d characters. Three or four words are a good one.", MinPassword)
	case len(password) > maxPassword:
		e.add("password", "A password has at most %d bytes.", maxPassword)
	case name != "" && strings.EqualFold(password, strings.Repeat(name, n/len(name))):
		e.add("password", "Choose a password that is not your name.")
	}
}

func (e *FieldErrors) checkRole(role Role) {
	if role.rank() == 0 {
		e.add("role", "Choose viewer, auditor, operator or admin.")
	}
}
