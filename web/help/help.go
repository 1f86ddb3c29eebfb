// Package help explains the workflows, their checks and their steps.
package help

import "hubwright/workflows"

// Props is the page.
type Props struct {
	Workflows []workflows.Info
	Version   string
}
