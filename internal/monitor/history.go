package monitor

import (
	"encoding/binary"
	"errors"
	"time"
)

// What a History keeps.
const (
	KeptDays     = 90
	KeptQuarters = 24 * 4

	day     = 24 * time.Hour
	quarter = 15 * time.Minute
)

// Counts are how many probes found what. Planned are those that found it not
// well in scheduled maintenance.
type Counts struct{ Up, Degraded, Down, Planned uint16 }

// Total is how many probes there were.
func (c Counts) Total() int { return int(c.Up) + int(c.Degraded) + int(c.Down) + int(c.Planned) }

func (c *Counts) add(h Health) {
	n := &c.Down
	switch h {
	case Up:
		n = &c.Up
	case Degraded:
		n = &c.Degraded
	case Planned:
		n = &c.Planned
	}
	if *n < 1<<16-1 {
		*n++
	}
}

// History is what probes found: each of the last 24 hours' quarters, and each
// of the last 90 days in UTC. It is some 1,100 bytes, however often is asked.
type History struct{ days, quarters series }

// series are counts of slots of one length. Slot 0 began with 1970.
type series struct {
	last  int64 // number of the last slot
	slots []Counts
}

// Add counts a probe of about now. When the clock was so wrong that nothing
// that is kept is near, the history begins afresh.
func (h *History) Add(at time.Time, health Health) {
	h.days.add(at, day, KeptDays, health)
	h.quarters.add(at, quarter, KeptQuarters, health)
}

// Days are the 90 days up to now, the oldest first.
func (h History) Days(now time.Time) []Counts { return h.days.until(now, day, KeptDays) }

// Quarters are the 96 quarter hours up to now, the oldest first.
func (h History) Quarters(now time.Time) []Counts {
	return h.quarters.until(now, quarter, KeptQuarters)
}

func slotOf(t time.Time, length time.Duration) int64 { return t.UnixNano() / int64(length) }

func (s *series) add(at time.Time, length time.Duration, keep int, health Health) {
	slot := slotOf(at, length)
	if len(s.slots) == 0 || slot-s.last >= int64(keep) || s.last-slot >= int64(keep) {
		s.last, s.slots = slot, []Counts{{}}
	}
	for ; s.last < slot; s.last++ {
		s.slots = append(s.slots, Counts{})
	}
	s.slots = s.slots[max(0, len(s.slots)-keep):]
	if i := int64(len(s.slots)) - 1 - (s.last - slot); i >= 0 {
		s.slots[i].add(health)
	}
}

func (s series) until(now time.Time, length time.Duration, n int) []Counts {
	out := make([]Counts, n)
	first := slotOf(now, length) - int64(n) + 1
	for i, c := range s.slots {
		if at := s.last - int64(len(s.slots)-1-i) - first; at >= 0 && at < int64(n) {
			out[at] = c
		}
	}
	return out
}

const (
	firstFormat   = 1 // three numbers of two bytes a slot: nothing was planned
	historyFormat = 2 // four numbers a slot, the small ones in one byte
)

var errHistory = errors.New("the history of probes is damaged")

// MarshalBinary is the history as it is stored.
func (h History) MarshalBinary() ([]byte, error) {
	b := []byte{historyFormat}
	for _, s := range []series{h.days, h.quarters} {
		b = binary.AppendVarint(b, s.last)
		b = binary.AppendUvarint(b, uint64(len(s.slots)))
		for _, c := range s.slots {
			for _, n := range []uint16{c.Up, c.Degraded, c.Down, c.Planned} {
				b = binary.AppendUvarint(b, uint64(n))
			}
		}
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary made, also in its first format.
// Nothing is an empty history.
func (h *History) UnmarshalBinary(b []byte) error {
	*h = History{}
	if len(b) == 0 {
		return nil
	}
	format := b[0]
	if format != historyFormat && format != firstFormat {
		return errHistory
	}
	r := reader{rest: b[1:]}
	for _, s := range []*series{&h.days, &h.quarters} {
		last, n := binary.Varint(r.rest)
		if n <= 0 {
			return errHistory
		}
		r.rest = r.rest[n:]
		count := r.varint()
		if r.bad || count > KeptDays+KeptQuarters {
			return errHistory
		}
		s.last, s.slots = last, make([]Counts, count)
		for i := range s.slots {
			if format == firstFormat {
				s.slots[i] = Counts{Up: r.fixed(), Degraded: r.fixed(), Down: r.fixed()}
			} else {
				s.slots[i] = Counts{Up: r.small(), Degraded: r.small(), Down: r.small(), Planned: r.small()}
			}
		}
	}
	if r.bad || len(r.rest) > 0 {
		return errHistory
	}
	return nil
}

// reader takes numbers from the front. What is not there makes it bad.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) varint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) small() uint16 {
	v := r.varint()
	if v > 1<<16-1 {
		r.bad = true
	}
	return uint16(v)
}

func (r *reader) fixed() uint16 {
	if len(r.rest) < 2 {
		r.bad, r.rest = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint16(r.rest)
	r.rest = r.rest[2:]
	return v
}
