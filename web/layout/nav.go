package layout

import (
	"strings"

	"hubwright/static"
	"hubwright/web/ui"
)

type entry struct {
	nav        Nav
	label, url string
}

func mainNav() []entry {
	return []entry{
		{NavDeployments, "Deployments", "/deployments"},
		{NavStatus, "Status", "/status"},
		{NavClusters, "Clusters", "/clusters"},
		{NavRuns, "Runs", "/runs"},
		{NavStacks, "Stacks", "/stacks"},
		{NavConnections, "Connections", "/connections"},
		{NavAudit, "Audit", "/audit"},
	}
}

func sideNav(r ui.Role) []entry {
	out := []entry{{NavNotifications, "Notifications", "/notifications"}}
	if r.Admin() {
		out = append(out, entry{NavTeam, "Team", "/team"}, entry{NavSettings, "Settings", "/settings"})
	}
	return append(out, entry{NavTokens, "API tokens", "/tokens"}, entry{NavHelp, "Help", "/help"})
}

func (f Frame) title() string {
	if f.Title == "" {
		return "Hubwright"
	}
	return f.Title + " · Hubwright"
}

func (f Frame) icon() Icon {
	if f.Icon == "" {
		return IconIdle
	}
	return f.Icon
}

func iconURL(i Icon) string { return static.URL("icon-" + string(i) + ".svg") }

// again is after how many seconds a page without scripts loads itself.
func (f Frame) again() int {
	if f.Going {
		return 4
	}
	return f.Every
}

func (f Frame) roleWords() string { return strings.ToLower(string(f.Role)) }

func (f Frame) sideActive() bool {
	return f.Active == NavTeam || f.Active == NavSettings || f.Active == NavTokens || f.Active == NavNotifications || f.Active == NavHelp
}

// htmxConfig keeps htmx inside our Content-Security-Policy: no style of its
// own, no history cache.
const htmxConfig = `{"includeIndicatorCSS":false,"history":false,"prefix":"","noSwap":[204,304,400,401,403,404,405,413,429,500,502,503,504]}`
