package clusters

import (
	"fmt"
	"strconv"
	"time"

	"hubwright/workflows"
)

// CurveLength is how many looks at an autoscaler a curve shows.
const CurveLength = 60

// Scaling is an autoscaler with what was seen of it.
type Scaling struct {
	workflows.Autoscaler
	Curve []Sample // oldest first
}

// Sample is an autoscaler at one look.
type Sample struct {
	At       time.Time
	Current  int // percent of the CPU requests, -1 while unknown
	Replicas int
}

// The curve's box: a column for each look, twice the aim at the top.
const (
	curveWidth  = CurveLength * 4
	curveHeight = 40
)

type column struct{ X, Y, Height string }

// columns are the CPU at each look, the newest at the right.
func (s Scaling) columns() []column {
	var out []column
	for i, at := range s.Curve {
		if at.Current < 0 {
			continue
		}
		h := min(at.Current*curveHeight/max(2*s.Percent, 1), curveHeight)
		x := (CurveLength - len(s.Curve) + i) * 4
		out = append(out, column{strconv.Itoa(x), strconv.Itoa(curveHeight - h), strconv.Itoa(max(h, 1))})
	}
	return out
}

// steps is the line of the replicas, from none at the bottom to the most.
func (s Scaling) steps() string {
	line := ""
	for i, at := range s.Curve {
		x := (CurveLength-len(s.Curve)+i)*4 + 2
		y := curveHeight - min(at.Replicas*(curveHeight-2)/max(s.Max, 1), curveHeight-2) - 1
		line += fmt.Sprintf("%d,%d ", x, y)
	}
	return line
}

func (s Scaling) alternative() string {
	most, peak := 0, 0
	for _, at := range s.Curve {
		most, peak = max(most, at.Replicas), max(peak, at.Current)
	}
	return fmt.Sprintf("The last %d looks: CPU up to %d %% with an aim of %d %%, up to %d replicas.", len(s.Curve), peak, s.Percent, most)
}

// targets is the column of that name of kubectl get hpa.
func (s Scaling) targets() string {
	if s.Current < 0 {
		return fmt.Sprintf("cpu: <unknown>/%d%%", s.Percent)
	}
	return fmt.Sprintf("cpu: %d%%/%d%%", s.Current, s.Percent)
}

func box() string { return fmt.Sprintf("0 0 %d %d", curveWidth, curveHeight) }

func role(r workflows.ReleaseRole) string {
	switch r {
	case workflows.ReleaseApp:
		return "Application"
	case workflows.ReleaseIngress:
		return "Ingress controller"
	case workflows.ReleaseStorage:
		return "Disk driver"
	}
	return "Monitoring"
}
