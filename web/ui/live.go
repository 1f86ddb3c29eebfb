package ui

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// Live is a part of a page that hears of its own changes by a socket, and asks
// for itself where no socket gets through. Its content is one element with the
// ID and "-parts". A page has one of them.
type Live struct {
	ID      string
	Again   string // where the part comes from as a fragment
	Socket  string // where it hears of changes
	Version string // of what is shown, as live.Version names it
	Title   string // of the window
	Icon    string // the favicon's state
	Now     time.Time
	// StaleAfter is when answers in it count as old; 0 when there are none.
	StaleAfter time.Duration
}

func (l Live) staleAfter() string { return strconv.Itoa(int(l.StaleAfter.Seconds())) }

// Part is a piece of a live page that is replaced alone when it changes. Its
// element has its ID.
type Part struct {
	ID   string
	Key  string // two parts with the same ID and Key look the same, but for how old things are
	Body templ.Component
}

// Key is a key of all that a part shows. Leave out what the page itself keeps
// fresh, such as how long ago something was.
func Key(shown ...any) string {
	b, err := json.Marshal(shown)
	if err != nil {
		return strconv.FormatInt(time.Now().UnixNano(), 36) // it is taken for changed
	}
	return string(b)
}
