package checks

import (
	"fmt"

	"hubwright/web/ui"
)

func (c Count) status(running bool) ui.Status {
	switch {
	case running:
		return ui.Status{Tone: ui.ToneRun, Words: fmt.Sprintf("Checking, %d of %d", c.Total-c.Open, c.Total)}
	case c.Blocking > 0:
		return ui.Status{Tone: ui.ToneBad, Words: fmt.Sprintf("%d failed", c.Failed)}
	case c.Total == 0 || c.Open == c.Total:
		return ui.Status{Tone: ui.ToneIdle, Words: "Not checked"}
	case c.Open > 0:
		return ui.Status{Tone: ui.ToneIdle, Words: fmt.Sprintf("%d of %d checked", c.Total-c.Open, c.Total)}
	case c.Warnings+c.Failed > 0:
		return ui.Status{Tone: ui.ToneWarn, Words: plural(c.Warnings+c.Failed, "warning")}
	}
	return ui.Status{Tone: ui.ToneOK, Words: "All passed"}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
