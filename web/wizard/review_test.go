package wizard

import (
	"strings"
	"testing"

	"hubwright/web/checks"
	"hubwright/workflows"
)

func TestBlocked(t *testing.T) {
	one := func(s workflows.CheckStatus) checks.Props {
		return checks.Props{Items: []checks.Item{{Info: workflows.CheckInfo{Severity: workflows.SeverityBlock}, Result: workflows.CheckResult{Finding: workflows.Finding{Status: s}}}}}
	}
	tests := []struct {
		name, want string
		p          ReviewProps
	}{
		{"ready", "", ReviewProps{Checks: one(workflows.CheckPassed)}},
		{"waived", "", ReviewProps{Checks: one(workflows.CheckWaived)}},
		{"pending", "still running", ReviewProps{Checks: one(workflows.CheckPending)}},
		{"failed", "One check failed", ReviewProps{Checks: one(workflows.CheckFailed)}},
		{"answers", "Some answers", ReviewProps{Errors: []workflows.FieldError{{}}, Checks: one(workflows.CheckFailed)}},
		{"locked", "Run 42", ReviewProps{Locked: &workflows.Run{Number: 42}}},
		{"no plan", "no plan", ReviewProps{PlanErr: &workflows.Problem{}}},
	}
	for _, tt := range tests {
		if got := tt.p.Blocked(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A sealed value never goes back to the browser, whatever its field.
func TestSecretsAreNotShown(t *testing.T) {
	for _, kind := range []workflows.FieldKind{workflows.FieldSecret, workflows.FieldSecretArea, workflows.FieldFile} {
		f := workflows.FieldView{Name: "key", Kind: kind, Value: "sec_9f86d081"}
		p := PageProps{Page: workflows.PageView{Fields: []workflows.FieldView{f}}, ShowErrors: true}
		var b strings.Builder
		if err := Page(p).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), f.Value) {
			t.Errorf("the page shows the value of a %s field", kind)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	f := workflows.FieldView{Name: "name", Label: evil, Help: evil, Value: evil, Observed: evil, Kind: workflows.FieldText, Error: evil}
	p := PageProps{Page: workflows.PageView{Fields: []workflows.FieldView{f}}, ShowErrors: true}
	var b strings.Builder
	if err := Page(p).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script") {
		t.Error("an answer became an element")
	}
}
