package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/auth"
	"hubwright/workflows"
)

type named struct{ Name, Zone, Key string }

// naming is a workflow that asks for a name, which the world knows.
func naming(look func(ctx context.Context, s *named) (workflows.Finding, error)) workflows.Catalogue {
	return workflows.Catalogue{workflows.Workflow[named]{
		ID: "name", Title: "Name it", Scope: workflows.ScopeDeployment, Row: 9,
		Begin: func(context.Context, workflows.Target) (*named, error) { return &named{}, nil },
		Pages: []workflows.Page[named]{{
			ID: "one", Title: "One", Fields: []workflows.Field[named]{
				{Name: "name", Label: "Name", Kind: workflows.FieldText, Lookup: look},
				{Name: "zone", Label: "Zone", Kind: workflows.FieldText},
				{Name: "key", Label: "Key", Kind: workflows.FieldSecret, Optional: true},
			},
			Bind: func(a workflows.Answers, s *named) []workflows.FieldError {
				*s = named{a.Get("name"), a.Get("zone"), a.Get("key")}
				if strings.Contains(s.Name, "_") {
					return []workflows.FieldError{{Field: "name", Message: "No underline, please."}}
				}
				return nil
			},
		}},
	}.Erase()}
}

func (r *logRig) draft(a workflows.Answers) workflows.Draft {
	r.t.Helper()
	d := workflows.Deployment{Name: "Ratings"}
	if err := r.db.SaveDeployment(r.t.Context(), &d); err != nil {
		r.t.Fatal(err)
	}
	f := workflows.Draft{WorkflowID: "name", Target: workflows.Target{DeploymentID: d.ID}, Answers: a}
	if err := r.db.SaveDraft(r.t.Context(), &f); err != nil {
		r.t.Fatal(err)
	}
	return f
}

func TestAnAnswerIsLookedUpWhileItIsTyped(t *testing.T) {
	r := newLogRig(t, nil)
	r.handler.Catalogue = naming(func(ctx context.Context, s *named) (workflows.Finding, error) {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("the question has no time limit")
		}
		if s.Key != "" {
			t.Error("a secret was read")
		}
		switch s.Name {
		case "free":
			return workflows.Passed(s.Name + "." + s.Zone + " is free."), nil
		case "taken":
			return workflows.Fail("It is taken: <b>somebody</b> has it.", "Choose another name."), nil
		case "ours":
			return workflows.Warn("It is half made.", ""), nil
		}
		return workflows.Finding{}, &workflows.Problem{What: "The Hub does not answer", Why: "it is off"}
	})
	f := r.draft(workflows.Answers{"zone": "west"})
	operator := r.as(auth.RoleOperator)
	path := "/drafts/" + f.ID + "/pages/one/lookup"
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		who    *http.Cookie
		status int
		says   []string
	}{
		"free":                {path, url.Values{"lookup": {"name"}, "name": {"free"}}, operator, 200, []string{`"observed ok"`, "free.west is free."}},
		"with others' values": {path, url.Values{"lookup": {"name"}, "name": {"free"}, "zone": {"east"}, "key": {"hush"}}, operator, 200, []string{"free.east is free."}},
		"taken":               {path, url.Values{"lookup": {"name"}, "name": {"taken"}}, operator, 200, []string{`"observed bad"`, "&lt;b&gt;somebody", "Choose another name."}},
		"a warning":           {path, url.Values{"lookup": {"name"}, "name": {"ours"}}, operator, 200, []string{`"observed warn"`, "half made"}},
		"nobody to ask":       {path, url.Values{"lookup": {"name"}, "name": {"else"}}, operator, 200, []string{`"observed warn"`, "It could not be asked: ", "The Hub does not answer"}},
		"wrong in itself":     {path, url.Values{"lookup": {"name"}, "name": {"a_b"}}, operator, 200, []string{`"observed bad"`, "No underline"}},
		"too long":            {path, url.Values{"lookup": {"name"}, "name": {strings.Repeat("a", longestText+1)}}, operator, 200, []string{`"observed bad"`, "too long"}},
		"empty":               {path, url.Values{"lookup": {"name"}, "name": {" "}}, operator, 204, nil},
		"another field":       {path, url.Values{"lookup": {"zone"}, "zone": {"a"}}, operator, 404, nil},
		"another page":        {"/drafts/" + f.ID + "/pages/two/lookup", url.Values{"lookup": {"name"}, "name": {"free"}}, operator, 404, nil},
		"another draft":       {"/drafts/drf_none/pages/one/lookup", url.Values{"lookup": {"name"}, "name": {"free"}}, operator, 404, nil},
		"a viewer":            {path, url.Values{"lookup": {"name"}, "name": {"free"}}, r.as(auth.RoleViewer), 403, nil},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := r.send(c.path, c.form, c.who)
			if status != c.status {
				t.Fatalf("answered %d: %s", status, body)
			}
			for _, want := range c.says {
				if !strings.Contains(body, want) {
					t.Errorf("%q is not in %s", want, body)
				}
			}
		})
	}
	now, err := r.db.Draft(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, now); diff != "" {
		t.Errorf("the draft was changed:\n%s", diff)
	}
}

// Who asks again for a field ends the question that was under way: the Hub has
// one at a time to answer.
func TestANewerQuestionEndsTheOlder(t *testing.T) {
	r := newLogRig(t, nil)
	asked, ended := make(chan string, 2), make(chan error, 1)
	r.handler.Catalogue = naming(func(ctx context.Context, s *named) (workflows.Finding, error) {
		asked <- s.Name
		if s.Name == "old" {
			<-ctx.Done()
			ended <- ctx.Err()
			return workflows.Finding{}, ctx.Err()
		}
		return workflows.Passed("It is free."), nil
	})
	path := "/drafts/" + r.draft(nil).ID + "/pages/one/lookup"
	operator := r.as(auth.RoleOperator)
	older := make(chan string, 1)
	go func() {
		_, body := r.send(path, url.Values{"lookup": {"name"}, "name": {"old"}}, operator)
		older <- body
	}()
	<-asked
	if _, body := r.send(path, url.Values{"lookup": {"name"}, "name": {"new"}}, operator); !strings.Contains(body, "It is free.") {
		t.Errorf("the newer one got %s", body)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the older one ended with %v", err)
	}
	if body := <-older; !strings.Contains(body, "could not be asked") {
		t.Errorf("the older one got %s", body)
	}
	r.handler.lookups.mu.Lock()
	defer r.handler.lookups.mu.Unlock()
	if n := len(r.handler.lookups.under); n != 0 {
		t.Errorf("%d questions are remembered", n)
	}
}
