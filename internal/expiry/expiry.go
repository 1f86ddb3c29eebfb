// Package expiry is everything that ends one day, as values: credentials,
// certificates, links, and the support of what runs on the clusters.
package expiry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Item is one thing that ends.
type Item struct {
	ID           string // stable
	What         string // "Client secret"
	Of           string // "Stack Seattle"
	DeploymentID string // "" when it serves several, or none
	Ends         time.Time
	Fix          string // what to do before
	URL          string // path of the page where that is done
	Support      bool   // nothing stops at its end, but nobody mends it any more
}

// Days are the full days left at that time, negative after the end.
func (i Item) Days(now time.Time) int {
	left := i.Ends.Sub(now)
	if left < 0 {
		return -1 - int(-left/(24*time.Hour))
	}
	return int(left / (24 * time.Hour))
}

// Left is how long is left, in words.
func (i Item) Left(now time.Time) string {
	switch d := i.Days(now); {
	case d < -2:
		return fmt.Sprintf("ended %d days ago", -d-1)
	case d < -1:
		return "ended yesterday"
	case d < 0:
		return "has ended"
	case d == 0:
		return "ends within a day"
	case d == 1:
		return "1 day left"
	default:
		return fmt.Sprintf("%d days left", d)
	}
}

// Sort puts what ends first first.
func Sort(items []Item) {
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.Of, b.Of), cmp.Compare(a.ID, b.ID))
	})
}

// thresholds are the days before the end at which people are told.
var thresholds = []int{0, 1, 7, 14, 30}

// Threshold is the tightest threshold that the item has reached: 30, 14, 7, 1
// or 0 days; ok is false while it is far.
func (i Item) Threshold(now time.Time) (days int, ok bool) {
	for _, t := range thresholds {
		if i.Ends.Sub(now) <= time.Duration(t)*24*time.Hour {
			return t, true
		}
	}
	return 0, false
}

// ICS is the items as a calendar that other programs subscribe to (RFC 5545).
// base is the address of this server.
func ICS(items []Item, now time.Time, base string) []byte {
	var b strings.Builder
	line := func(s string) { b.WriteString(fold(s) + "\r\n") }
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//Hubwright//Expiry calendar//EN")
	line("CALSCALE:GREGORIAN")
	line("X-WR-CALNAME:Hubwright: what ends")
	for _, i := range items {
		line("BEGIN:VEVENT")
		line("UID:" + i.ID + "-" + i.Ends.UTC().Format("20060102") + "@hubwright")
		line("DTSTAMP:" + now.UTC().Format("20060102T150405Z"))
		line("DTSTART;VALUE=DATE:" + i.Ends.UTC().Format("20060102"))
		line("DTEND;VALUE=DATE:" + i.Ends.UTC().AddDate(0, 0, 1).Format("20060102"))
		line("SUMMARY:" + escape(i.What+" of "+i.Of+" ends"))
		line("DESCRIPTION:" + escape(i.Fix))
		if i.URL != "" {
			line("URL:" + base + i.URL)
		}
		line("TRANSP:TRANSPARENT")
		if !i.Support {
			line("BEGIN:VALARM")
			line("ACTION:DISPLAY")
			line("DESCRIPTION:" + escape(i.What+" of "+i.Of+" ends in 14 days"))
			line("TRIGGER:-P14D")
			line("END:VALARM")
		}
		line("END:VEVENT")
	}
	line("END:VCALENDAR")
	return []byte(b.String())
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`, "\r", "").Replace(s)
}

// fold breaks a line after 75 bytes at most, never inside a letter.
func fold(s string) string {
	const most = 74
	var b strings.Builder
	n := 0
	for _, r := range s {
		size := len(string(r))
		if n+size > most {
			b.WriteString("\r\n ")
			n = 1
		}
		b.WriteRune(r)
		n += size
	}
	return b.String()
}
