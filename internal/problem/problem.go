// Package problem puts failures into words: what happened, why, and what a
// person can do about it. It knows the error codes of Azure Resource Manager,
// of the token services, of the network, and of AKS Engine's node set-up.
package problem

import (
	"context"
	"errors"

	"hubwright/workflows"
)

// From is the Problem inside err, or one made for it: known failures of
// contexts and the network get their own words, the rest a general sentence
// with err as the reason. From(nil) is nil: ask before using it as an error.
func From(err error) *workflows.Problem {
	if err == nil {
		return nil
	}
	var p *workflows.Problem
	if errors.As(err, &p) && p != nil {
		return p
	}
	if errors.Is(err, context.Canceled) {
		return &workflows.Problem{
			Code: "cancelled",
			What: "This was cancelled",
			Why:  "Somebody cancelled it, or the server is stopping.",
			Fix:  "Start it again when you want it done.",
		}
	}
	if p, ok := network(err, ""); ok {
		return p
	}
	var locked *workflows.LockedError
	if errors.As(err, &locked) {
		return &workflows.Problem{
			Code: "locked", What: "Another run works on this", Why: locked.Error() + ".",
			Fix: "Wait until that run has ended, or cancel it, then try again.",
		}
	}
	return &workflows.Problem{
		Code:   "unexpected",
		What:   "Something went wrong that has no name yet",
		Why:    sentence(err.Error()),
		Fix:    "Try it again. If it stays, the technical detail below tells an expert where to look.",
		Detail: err.Error(),
	}
}

// Wrap says what was being done when err happened. Cause, remedy and code of
// err are kept. Wrap(nil, …) is nil.
func Wrap(err error, what string) *workflows.Problem {
	if err == nil {
		return nil
	}
	in := From(err)
	out := *in
	out.What = what
	out.Why = in.What
	if in.Why != "" {
		out.Why += ": " + in.Why
	}
	if in.Code == "unexpected" {
		out.Why = in.Why
	}
	return &out
}
