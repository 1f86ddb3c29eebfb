package problem

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"hubwright/workflows"
)

// Finding is the Finding of a check that could not get its answer: what
// happened and why, the code that the Hub or its token service gave, and what
// to do. A check that was stopped found nothing.
func Finding(err error) workflows.Finding {
	if errors.Is(err, context.Canceled) {
		return workflows.Skip("The check was stopped before it had an answer.")
	}
	p := From(err)
	found := sentences(p.What, p.Why)
	for _, origin := range []string{"arm.", "token."} {
		if code, ok := strings.CutPrefix(p.Code, origin); ok && code != "unknown" {
			found += " Code " + code + "."
		}
	}
	f := workflows.Fail(found, p.Fix)
	f.Link = p.Link
	return f
}

// sentences puts what and why behind each other: a reason that begins small goes
// on with the same sentence.
func sentences(what, why string) string {
	switch first, _ := utf8.DecodeRuneInString(why); {
	case why == "":
		return stop(what)
	case unicode.IsLower(first):
		return strings.TrimRight(what, ".") + ": " + stop(why)
	}
	return stop(what) + " " + stop(why)
}

func stop(text string) string { return strings.TrimRight(text, ".") + "." }
