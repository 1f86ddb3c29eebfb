package auth_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/auth"
	"hubwright/store"
	"hubwright/workflows"
)

const good = "correct horse battery"

type world struct {
	db  *store.DB
	s   *auth.Service
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db, w.s = db, auth.Cheap(auth.New(db, func() time.Time { return w.now }))
	return w
}

func (w *world) add(t *testing.T, name string, role auth.Role) {
	t.Helper()
	if err := w.s.CreateUser(t.Context(), name, role, good); err != nil {
		t.Fatal(err)
	}
}

func (w *world) login(t *testing.T, name string) string {
	t.Helper()
	token, _, err := w.s.Login(t.Context(), name, good, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (w *world) wantSession(t *testing.T, token string, want bool) {
	t.Helper()
	_, err := w.s.Authenticate(t.Context(), token)
	if want && err != nil || !want && !errors.Is(err, auth.ErrSession) {
		t.Fatalf("Authenticate: %v, want a session: %v", err, want)
	}
}

func TestSetupIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	token, needed, err := w.s.SetupToken(ctx)
	if again, _, _ := w.s.SetupToken(ctx); err != nil || !needed || again != token || len(token) < 40 {
		t.Fatalf("set-up tokens %q, %q, %v, %v", token, again, needed, err)
	}
	stored, err := w.db.Setting(ctx, "auth.setup_token")
	if err != nil || strings.Contains(stored, token) {
		t.Errorf("stored %q, %v", stored, err)
	}
	for _, wrong := range []string{"", token[1:], stored} {
		if err := w.s.CheckSetupToken(ctx, wrong); !errors.Is(err, auth.ErrSetupToken) {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	var bad auth.FieldErrors
	if err := w.s.CompleteSetup(ctx, token, "Ana!", "short"); !errors.As(err, &bad) || len(bad) != 2 {
		t.Errorf("bad name and password: %v", err)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for _, name := range []string{"ana", "bob", "cleo", "dora"} {
		wg.Go(func() {
			switch err := w.s.CompleteSetup(ctx, token, name, good); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, auth.ErrSetupToken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d first admins", won.Load())
	}
	users, err := w.db.Users(ctx)
	if err != nil || len(users) != 1 || users[0].Role != auth.RoleAdmin || !users[0].CreatedAt.Equal(w.now) {
		t.Errorf("users %+v, %v", users, err)
	}
	if _, needed, err := w.s.SetupToken(ctx); needed || err != nil {
		t.Errorf("needed again: %v, %v", needed, err)
	}
}

func TestANewProcessIssuesANewSetupToken(t *testing.T) {
	w := newWorld(t)
	old, _, _ := w.s.SetupToken(t.Context())
	next, _, err := auth.New(w.db, nil).SetupToken(t.Context())
	if err != nil || next == old {
		t.Fatalf("%q, %v", next, err)
	}
	if err := w.s.CheckSetupToken(t.Context(), old); !errors.Is(err, auth.ErrSetupToken) {
		t.Errorf("the old token: %v", err)
	}
	if err := w.s.CheckSetupToken(t.Context(), next); err != nil {
		t.Error(err)
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.add(t, "ana", auth.RoleOperator)
	w.add(t, "bob", auth.RoleViewer)
	if err := w.s.Disable(t.Context(), "bob", true); err != nil {
		t.Fatal(err)
	}
	for _, who := range [][2]string{{"ana", good + "x"}, {"ana", ""}, {"bob", good}, {"nobody", good}, {"ANA", good}, {"", ""}} {
		if token, _, err := w.s.Login(t.Context(), who[0], who[1], "a"); !errors.Is(err, auth.ErrCredentials) || token != "" {
			t.Errorf("%q: %v", who, err)
		}
	}
	token, expires, err := w.s.Login(t.Context(), "ana", good, "a")
	if err != nil || !expires.Equal(w.now.Add(7*24*time.Hour)) {
		t.Fatalf("%v, %v", expires, err)
	}
	u, err := w.s.Authenticate(t.Context(), token)
	if err != nil || u.Name != "ana" || u.Role != auth.RoleOperator {
		t.Errorf("%+v, %v", u, err)
	}
	if strings.Contains(u.PasswordHash, good) || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$") {
		t.Errorf("stored as %s", u.PasswordHash)
	}
	for _, forged := range []string{"", "x", token[:len(token)-1], "A" + token[1:] + "A", strings.Repeat("A", len(token))} {
		w.wantSession(t, forged, false)
	}
	for range 2 {
		if err := w.s.Logout(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	w.wantSession(t, token, false)
}

func TestThrottle(t *testing.T) {
	w := newWorld(t)
	w.add(t, "ana", auth.RoleViewer)
	try := func(name, password, addr string, want error) {
		t.Helper()
		if _, _, err := w.s.Login(t.Context(), name, password, addr); !errors.Is(err, want) {
			t.Fatalf("%s from %s: %v, want %v", name, addr, err, want)
		}
	}
	for range 4 {
		try("ana", "wrong", "a", auth.ErrCredentials)
	}
	try("ana", good, "a", nil) // which forgets the tries
	for range 5 {
		try("ana", "wrong", "a", auth.ErrCredentials)
	}
	try("ana", good, "a", auth.ErrThrottled)
	try("ana", good, "b", nil)
	w.now = w.now.Add(59 * time.Second)
	try("ana", good, "a", auth.ErrThrottled)
	w.now = w.now.Add(time.Second)
	try("ana", good, "a", nil)

	var let atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, _, err := w.s.Login(t.Context(), "ana", "wrong", "c"); errors.Is(err, auth.ErrCredentials) {
				let.Add(1)
			}
		})
	}
	wg.Wait()
	if let.Load() != 5 {
		t.Errorf("of 30 tries at once %d were let through", let.Load())
	}
}

func TestSessionsSlideAndEnd(t *testing.T) {
	w := newWorld(t)
	w.add(t, "ana", auth.RoleViewer)
	unused, used := w.login(t, "ana"), w.login(t, "ana")
	begun := w.now
	for w.now = w.now.Add(11 * time.Hour); w.now.Before(begun.Add(7 * 24 * time.Hour)); w.now = w.now.Add(11 * time.Hour) {
		w.wantSession(t, used, true)
	}
	w.wantSession(t, unused, false)
	w.now = begun.Add(7*24*time.Hour - time.Second)
	w.wantSession(t, used, true)
	w.now = w.now.Add(time.Second)
	w.wantSession(t, used, false)

	fresh := w.login(t, "ana")
	w.now = w.now.Add(12 * time.Hour)
	w.wantSession(t, fresh, false)
}

func TestTeam(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.add(t, "ana", auth.RoleAdmin)
	w.add(t, "bob", auth.RoleViewer)
	var bad auth.FieldErrors
	if err := w.s.CreateUser(ctx, "ana", auth.RoleViewer, good); !errors.As(err, &bad) || bad[0].Field != "name" {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := w.s.CreateUser(ctx, "a", "king", "aaaaaaaaaaaa"); !errors.As(err, &bad) {
		t.Errorf("bad user: %v", err)
	} else {
		fields := []string{bad[0].Field, bad[1].Field, bad[2].Field}
		if diff := cmp.Diff([]string{"name", "role", "password"}, fields); diff != "" {
			t.Error(diff)
		}
	}
	for what, change := range map[string]func(context.Context, string) error{
		"role":     func(ctx context.Context, n string) error { return w.s.SetRole(ctx, n, auth.RoleViewer) },
		"disable":  func(ctx context.Context, n string) error { return w.s.Disable(ctx, n, true) },
		"password": func(ctx context.Context, n string) error { return w.s.SetPassword(ctx, n, good) },
	} {
		if err := change(ctx, "nobody"); !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("%s of nobody: %v", what, err)
		}
		var p *workflows.Problem
		if err := change(ctx, "ana"); what != "password" && (!errors.As(err, &p) || p.Code != "auth.lastadmin") {
			t.Errorf("%s of the last admin: %v", what, err)
		}
	}

	token := w.login(t, "bob")
	if err := w.s.SetRole(ctx, "bob", auth.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	if u, err := w.s.Authenticate(ctx, token); err != nil || u.Role != auth.RoleAdmin {
		t.Errorf("the new role: %+v, %v", u, err)
	}
	if err := w.s.SetPassword(ctx, "bob", "another good password"); err != nil {
		t.Fatal(err)
	}
	w.wantSession(t, token, false)
	if _, _, err := w.s.Login(ctx, "bob", good, "x"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("the old password: %v", err)
	}
	token, _, err := w.s.Login(ctx, "bob", "another good password", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.s.Disable(ctx, "bob", true); err != nil {
		t.Fatal(err)
	}
	if err := w.s.Disable(ctx, "bob", false); err != nil {
		t.Fatal(err)
	}
	w.wantSession(t, token, false) // a session does not come back
}

func TestRoles(t *testing.T) {
	order := auth.Roles()
	for i, have := range order {
		for j, need := range order {
			if have.Allows(need) != (i >= j) {
				t.Errorf("%s allows %s: %v", have, need, have.Allows(need))
			}
		}
		if have.Allows("") || auth.Role("").Allows(have) {
			t.Errorf("no role and %s", have)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := auth.New(db, nil)
	if err := s.CreateUser(b.Context(), "ana", auth.RoleViewer, good); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.Login(b.Context(), "ana", good, "x"); err != nil {
			b.Fatal(err)
		}
	}
}
