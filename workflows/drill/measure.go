package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
)

const (
	baseline   = 8               // looks before the Site is lost
	patience   = 5 * time.Second // for one page
	mostLooks  = 4000
	quietLooks = 5 // looks without a failure and without the Site that end the watching
)

func (f flow) since(s *State) time.Duration { return f.Clock().Sub(s.Report.StartedAt) }

func (f flow) event(s *State, log w.Log, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.Report.Events = append(s.Report.Events, w.DrillEvent{At: f.since(s), Text: text})
	log.Phase("%s", text)
}

// look asks for the name and the page once, and waits for the next turn.
func (f flow) look(ctx context.Context, front Front, s *State, log w.Log) error {
	if len(s.Report.Samples) >= mostLooks {
		return &w.Problem{Code: "drill.long", What: "The drill took too long", Why: fmt.Sprintf("There are %d looks already.", mostLooks), Fix: "Look why the Site does not come back."}
	}
	one := w.DrillSample{At: f.since(s)}
	try, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sites, err := front.Where(try)
	if err == nil {
		for _, id := range sites {
			if i := slices.Index(s.SiteIDs, id); i >= 0 {
				one.Sites = append(one.Sites, i)
			}
		}
		one.Status, err = front.Visit(try)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	one.Took = f.since(s) - one.At
	switch {
	case err != nil:
		one.Failed, one.Why = true, err.Error()
	case one.Status >= 400:
		one.Failed, one.Why = true, fmt.Sprintf("HTTP %d", one.Status)
	}
	if n := len(s.Report.Samples); one.Failed && (n == 0 || !s.Report.Samples[n-1].Failed) {
		log.Warn("A request failed: %s", one.Why)
	} else if !one.Failed && n > 0 && s.Report.Samples[n-1].Failed {
		log.Info("Requests succeed again")
	}
	s.Report.Samples = append(s.Report.Samples, one)
	if _, _, err := f.save(ctx, s, true); err != nil {
		return err
	}
	return f.Pause(ctx, max(s.Report.Interval-one.Took, 0))
}

func (f flow) before(ctx context.Context, s *State, log w.Log) error {
	if err := f.pair(ctx, s); err != nil {
		return err
	}
	front, err := f.OpenFront(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	s.Report.StartedAt = f.Clock()
	s.Report.Samples, s.Report.Events, s.Report.Gaps = nil, nil, nil // of a try before
	for i := range baseline {
		log.Progress(100*i/baseline, fmt.Sprintf("look %d of %d", i+1, baseline))
		if err := f.look(ctx, front, s, log); err != nil {
			return err
		}
		if last := s.Report.Samples[len(s.Report.Samples)-1]; last.Failed {
			return &w.Problem{Code: "drill.before", What: "The application does not answer by its name even before the drill", Why: strings.TrimSuffix(last.Why, ".") + ".", Fix: "Make it well first, then start the drill again."}
		}
	}
	log.Good("%d looks, none failed", baseline)
	return nil
}

func (f flow) lose(ctx context.Context, s *State, log w.Log) error {
	front, err := f.OpenFront(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	if err := f.goOn(ctx, s, log); err != nil {
		return err
	}
	if s.LostAt == 0 {
		s.LostAt = f.since(s)
		if s.Report.Outage {
			f.event(s, log, "Break %s now", s.Report.Site)
		}
	}
	if s.Report.Outage {
		return f.watchOutage(ctx, front, s, log)
	}
	// Noted before it is done: when the server ends here, it was from here on.
	if _, _, err := f.save(ctx, s, true); err != nil {
		return err
	}
	wait, err := f.Rotation.TakeOut(ctx, s.SiteID)
	if err != nil {
		return err
	}
	if !s.Out {
		f.event(s, log, "%s was taken out of rotation", s.Report.Site)
	}
	s.Out = true
	until := f.since(s) + wait + quietLooks*s.Report.Interval
	for now := f.since(s); now < until; now = f.since(s) {
		log.Progress(int(100*(now-s.LostAt)/(until-s.LostAt)), fmt.Sprintf("%d s left of the time to live", int((until-now).Seconds())))
		if err := f.look(ctx, front, s, log); err != nil {
			return err
		}
	}
	log.Good("Old answers have run out")
	return nil
}

// watchOutage looks until the outage was noticed and is behind the users, or
// the time is over.
func (f flow) watchOutage(ctx context.Context, front Front, s *State, log w.Log) error {
	until := s.LostAt + time.Duration(s.Minutes)*time.Minute
	noticed, quiet := s.Health == w.SiteDegraded, 0
	for now := f.since(s); now < until; now = f.since(s) {
		if err := f.look(ctx, front, s, log); err != nil {
			return err
		}
		state, err := f.Rotation.State(ctx, s.DeploymentID)
		if errors.Is(err, context.Canceled) {
			return err
		}
		for _, r := range state {
			if r.SiteID == s.SiteID && r.Health != s.Health {
				if s.Health != "" || r.Health == w.SiteDegraded {
					f.event(s, log, "%s is found %s", s.Report.Site, r.Health)
				}
				s.Health = r.Health
				noticed = noticed || s.Health == w.SiteDegraded
			}
		}
		last := s.Report.Samples[len(s.Report.Samples)-1]
		if quiet++; last.Failed || slices.Contains(last.Sites, slices.Index(s.SiteIDs, s.SiteID)) {
			quiet = 0
		}
		log.Progress(int(100*(now-s.LostAt)/(until-s.LostAt)), outageWords(s, s.Health, noticed))
		rest := time.Duration(s.Report.TTL) * time.Second
		if noticed && time.Duration(quiet)*s.Report.Interval > rest+quietLooks*s.Report.Interval {
			f.event(s, log, "Users have left %s", s.Report.Site)
			return nil
		}
	}
	if !noticed {
		return &w.Problem{Code: "drill.unnoticed", What: "Nobody noticed an outage", Why: fmt.Sprintf("In %d minutes %s was never found degraded.", s.Minutes, s.Report.Site), Fix: "Was the Site really broken? If so, the probe looks at something that still answers: choose a path that fails when the application does."}
	}
	f.event(s, log, "The time for watching is over")
	return nil
}

func outageWords(s *State, health string, noticed bool) string {
	if !noticed {
		return "waiting until the outage of " + s.Report.Site + " is noticed"
	}
	return s.Report.Site + " is " + health + "; waiting until users have left it"
}

// back runs whatever happened before. It also puts a Site back that was taken
// out by a step that did not come to its end.
func (f flow) back(ctx context.Context, s *State, log w.Log) error {
	if err := f.goOn(ctx, s, log); err != nil {
		log.Warn("What was measured before cannot be read: %v", err)
	}
	if s.Report.Outage {
		log.Info("%s was not taken out by this run: repair it now", s.Report.Site)
		if !s.Report.StartedAt.IsZero() {
			s.BackAt = f.since(s)
			f.event(s, log, "Repair %s now", s.Report.Site)
		}
		return nil
	}
	if s.Report.StartedAt.IsZero() {
		log.Info("The drill had not begun: %s was not touched", s.Report.Site)
		return nil
	}
	if err := f.Rotation.PutBack(ctx, s.SiteID); err != nil {
		return err
	}
	s.Out, s.BackAt = false, f.since(s)
	f.event(s, log, "%s was put back into rotation", s.Report.Site)
	return nil
}

// after looks until the Site is in the answers again.
func (f flow) after(ctx context.Context, s *State, log w.Log) error {
	front, err := f.OpenFront(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	if err := f.goOn(ctx, s, log); err != nil {
		return err
	}
	limit := max(s.Failover, time.Minute)
	if s.Report.Outage {
		limit = time.Duration(s.Minutes) * time.Minute
	}
	until := s.BackAt + limit
	at := slices.Index(s.SiteIDs, s.SiteID)
	for now := f.since(s); now < until; now = f.since(s) {
		log.Progress(int(100*(now-s.BackAt)/limit), "until "+s.Report.Site+" is in the answers again")
		if err := f.look(ctx, front, s, log); err != nil {
			return err
		}
		if last := s.Report.Samples[len(s.Report.Samples)-1]; slices.Contains(last.Sites, at) {
			f.event(s, log, "%s is in the answers again", s.Report.Site)
			return nil
		}
	}
	log.Warn("In %s %s was not in an answer: its share is small, or it is not well yet", limit, s.Report.Site)
	return nil
}

// numbers counts what was measured.
func numbers(s *State) w.DrillNumbers {
	n := w.DrillNumbers{Requests: len(s.Report.Samples), LeftAfter: -1, BackAfter: -1}
	at := slices.Index(s.SiteIDs, s.SiteID)
	var lastGood, firstBad, lastBad time.Duration
	lastSeen := time.Duration(-1)
	for i, one := range s.Report.Samples {
		if to, ok := gapBefore(s.Report, i); ok {
			if s.Report.Samples[i-1].Failed {
				n.Longest = max(n.Longest, lastBad-lastGood)
			}
			lastGood = to
		}
		switch {
		case one.Failed:
			if n.Failed++; n.Failed == 1 {
				firstBad = one.At
			}
			lastBad = one.At + one.Took
		case i > 0:
			if _, gap := gapBefore(s.Report, i); !gap && s.Report.Samples[i-1].Failed {
				n.Longest = max(n.Longest, one.At-lastGood)
			}
			lastGood = one.At
		default:
			lastGood = one.At
		}
		seen := slices.Contains(one.Sites, at)
		afterLoss := s.LostAt > 0 && one.At >= s.LostAt
		isBack := s.BackAt > 0 && one.At >= s.BackAt
		switch {
		case isBack && seen && n.BackAfter < 0:
			n.BackAfter = one.At - s.BackAt
		case afterLoss && !isBack && seen:
			lastSeen = one.At - s.LostAt
		}
	}
	if len(s.Report.Samples) > 0 && s.Report.Samples[len(s.Report.Samples)-1].Failed {
		n.Longest = max(n.Longest, lastBad-lastGood)
	}
	n.Broken = lastBad - firstBad
	if s.BackAt > 0 && s.LostAt > 0 {
		n.LeftAfter = left(s, at, lastSeen)
	}
	return n
}

// left is when the Site was last in an answer, -1 when it was in the last one
// before it came back.
func left(s *State, at int, lastSeen time.Duration) time.Duration {
	for _, one := range slices.Backward(s.Report.Samples) {
		if one.At >= s.BackAt {
			continue
		}
		if one.At < s.LostAt {
			break
		}
		if slices.Contains(one.Sites, at) {
			return -1
		}
		return max(lastSeen, 0)
	}
	return -1
}
