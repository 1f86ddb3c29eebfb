package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	w "hubwright/workflows"
)

// progress is the report as it is kept after each look, with what a step has
// to know to go on where a server ended.
type progress struct {
	w.DrillReport
	LostAt time.Duration
	Out    bool
	Health string
}

// save keeps what was measured. A server that ends in the middle of a step
// loses the step's state, and no look.
func (f flow) save(ctx context.Context, s *State, going bool) (path string, size int64, err error) {
	s.Report.Going, s.Report.DrillNumbers = going, numbers(s)
	return f.Keep(ctx, w.OriginOf(ctx).RunID, w.DrillFile, func(to io.Writer) error {
		return json.NewEncoder(to).Encode(progress{s.Report, s.LostAt, s.Out, s.Health})
	})
}

// unnoticedGap is how late a look may be without a word about it.
const unnoticedGap = 10 * time.Second

// goOn makes a step that begins know what was measured when it was begun
// before, and notes the time in which nothing was.
func (f flow) goOn(ctx context.Context, s *State, log w.Log) error {
	file, err := f.Kept(w.OriginOf(ctx).RunID, w.DrillFile)
	if errors.Is(err, w.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var p progress
	if err := json.NewDecoder(file).Decode(&p); err != nil {
		return fmt.Errorf("reading what was measured before: %w", err)
	}
	same := p.StartedAt.Equal(s.Report.StartedAt)
	cut := same && len(p.Samples) > len(s.Report.Samples)
	if cut || same && s.LostAt == 0 {
		s.Report, s.LostAt, s.Out, s.Health = p.DrillReport, p.LostAt, p.Out, p.Health
	}
	if len(s.Report.Samples) == 0 {
		return nil
	}
	last := s.Report.Samples[len(s.Report.Samples)-1]
	gap := w.DrillGap{From: last.At + last.Took, To: f.since(s)}
	if !cut && gap.To-gap.From < unnoticedGap {
		return nil
	}
	s.Report.Gaps = append(s.Report.Gaps, gap)
	f.event(s, log, "Measured again, after %.0f s in which nothing was", (gap.To - gap.From).Seconds())
	return nil
}

// gapBefore says until when nothing was measured before a look, if so.
func gapBefore(r w.DrillReport, i int) (to time.Duration, ok bool) {
	for _, g := range r.Gaps {
		if i > 0 && g.To <= r.Samples[i].At && g.From >= r.Samples[i-1].At {
			return g.To, true
		}
	}
	return 0, false
}
