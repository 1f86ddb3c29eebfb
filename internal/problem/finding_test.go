package problem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

func TestFinding(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want workflows.Finding
	}{
		"the Hub's code is kept": {
			fmt.Errorf("asking: %w", &workflows.Problem{Code: "arm.QuotaExceeded", What: "The quota is too small", Why: "4 allowed.", Fix: "Ask.", Link: "l"}),
			workflows.Finding{Status: workflows.CheckFailed, Found: "The quota is too small. 4 allowed. Code QuotaExceeded.", Remedy: "Ask.", Link: "l"},
		},
		"our own code is not": {
			&workflows.Problem{Code: "ssh.refused", What: "No way", Fix: "Look."},
			workflows.Finding{Status: workflows.CheckFailed, Found: "No way.", Remedy: "Look."},
		},
		"a stop is no failure": {
			errors.Join(errors.New("x"), context.Canceled),
			workflows.Skip("The check was stopped before it had an answer."),
		},
	} {
		if diff := cmp.Diff(c.want, problem.Finding(c.err)); diff != "" {
			t.Errorf("%s (-want +is):\n%s", name, diff)
		}
	}
}
