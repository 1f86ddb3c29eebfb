package ui

// icons are drawn on a grid of 16, as strokes.
var icons = map[string]string{
	"tick":     "M3.5 8.5l3 3 6-7",
	"ring":     "M12.5 8a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0z",
	"spin":     "M8 2.500a5.5 5.5 0 1 1-5.2 3.7",
	"clock":    "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM8 5v3.200l2 1.3",
	"warn":     "M8 2.500l6 11H2zM8 6.700v2.800M8 11.600v.1",
	"cross":    "M4.5 4.500l7 7M11.5 4.500l-7 7",
	"dash":     "M4 8h8",
	"dot":      "M8 6.500a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
	"right":    "M3.5 8h9M9 4.500L12.5 8 9 11.5",
	"left":     "M12.5 8h-9M7 4.500L3.5 8 7 11.5",
	"chevron":  "M6 4l4 4-4 4",
	"down":     "M4 6l4 4 4-4",
	"plus":     "M8 3.500v9M3.5 8h9",
	"download": "M8 2.500v7.500M4.8 7L8 10.2 11.2 7M3 13.500h10",
	"upload":   "M8 10.500V3M4.8 6L8 2.8 11.2 6M3 13.500h10",
	"search":   "M11.5 7a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0zM10.3 10.300l3.2 3.2",
	"info":     "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM8 7.500V11M8 5.100v.1",
	"lock":     "M4 7.500h8v6H4zM5.5 7.500V5.300a2.5 2.5 0 0 1 5 0v2.2",
	"key":      "M7 8a2.7 2.7 0 1 1-5.4 0A2.7 2.7 0 0 1 7 8zM7 8h7.2M11.8 8v2.6M14.2 8v2",
	"again":    "M13 8a5 5 0 1 1-1.5-3.600M13 2.500v3h-3",
	"stop":     "M4.5 4.500h7v7h-7z",
	"trash":    "M3 4.500h10M6.5 4.500v-2h3v2M4.5 4.500l.6 9h5.800l.6-9M6.8 7.200v3.600M9.2 7.200v3.6",
	"server":   "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1",
	"cluster":  "M8 1.800l5.4 3.100v6.200L8 14.200l-5.4-3.100V4.900zM8 14V8M8 8l5.3-3M8 8L2.7 5",
	"list":     "M5.5 4h8M5.5 8h8M5.5 12h8M2.6 4h.1M2.6 8h.1M2.6 12h.1",
	"people":   "M8 8.200a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.200zM3 13.500a5 5 0 0 1 10 0",
	"shield":   "M8 2l5 1.800v3.700c0 3-2 5.4-5 6.5-3-1.1-5-3.5-5-6.500V3.800zM5.8 7.900l1.6 1.6 2.9-3.1",
	"box":      "M2.5 5L8 2.2 13.5 5v6L8 13.8 2.5 11zM2.5 5L8 7.8 13.5 5M8 7.800v6",
	"flag":     "M4 14V2.500h8.500L10.5 6l2 3.500H4",
	"help":     "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM6.4 6.400A1.7 1.7 0 1 1 8.6 8c-.4.2-.6.5-.6 1M8 11.100v.1",
	"pencil":   "M3 13l.6-2.8 7.2-7.2 2.2 2.2-7.2 7.200z",
	"globe":    "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM2.8 8h10.400M8 2.500c2 1.6 2.7 3.5 2.7 5.500S10 11.9 8 13.500C6 11.9 5.3 10 5.3 8S6 4.1 8 2.500z",
	"terminal": "M2.5 3h11v10h-11zM5 6.200L7 8 5 9.800M8.2 10h2.6",
}

func iconOf(t Tone) string {
	switch t {
	case ToneWait:
		return "clock"
	case ToneRun:
		return "spin"
	case ToneOK:
		return "tick"
	case ToneWarn:
		return "warn"
	case ToneBad:
		return "cross"
	case ToneSkip:
		return "dash"
	}
	return "ring"
}
