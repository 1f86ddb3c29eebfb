// Package failure is the page for everything that did not work: what, why,
// what to do.
package failure

import (
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Props is what the page shows.
type Props struct {
	Status    int // HTTP status: 403, 404, 409, 500 ...
	Problem   workflows.Problem
	RequestID string
	Actions   []ui.Action // ways on; without any there is a link to the start
}
