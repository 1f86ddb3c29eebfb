package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/auth"
	"hubwright/static"
)

// Limits of a request's body, in bytes.
const (
	formLimit   = 8 << 20
	uploadLimit = 600 << 20 // engine archives
)

type route struct {
	method, path string
	role         auth.Role // public: no login
	do           echo.HandlerFunc
}

const public auth.Role = ""

// table is every route of the product with who may use it.
func (s *Server) table() []route {
	const v, au, o, a = auth.RoleViewer, auth.RoleAuditor, auth.RoleOperator, auth.RoleAdmin
	return []route{
		{"GET", "/healthz", public, s.health},
		{"GET", "/setup", public, s.setup},
		{"POST", "/setup", public, s.completeSetup},
		{"GET", "/login", public, s.login},
		{"POST", "/login", public, s.startSession},
		{"POST", "/logout", v, s.endSession},

		{"GET", "/", v, s.home},
		{"GET", "/deployments", v, s.deployments},
		{"POST", "/deployments", o, s.createDeployment},
		{"GET", "/deployments/:id", v, s.guide},
		{"GET", "/deployments/:id/board", v, s.board},
		{"GET", "/deployments/:id/socket", v, s.boardSocket},
		{"POST", "/deployments/:id/sites", o, s.addSite},

		// Each with .json and .svg behind it: its twin for machines, and a badge.
		{"GET", "/status", v, s.status},
		{"GET", "/status.json", v, s.status},
		{"GET", "/status.svg", v, s.status},
		{"GET", "/status/:id", v, s.deploymentStatus},
		{"GET", "/shared/:token", public, s.shared},
		{"GET", "/status/socket", v, s.statusSocket},
		{"GET", "/status/:id/socket", v, s.deploymentSocket},
		{"GET", "/shared/:token/socket", public, s.sharedSocket},
		{"POST", "/status/shares", o, s.createShare},
		{"POST", "/status/shares/:id/revoke", o, s.revokeShare},

		{"GET", "/calendar", v, s.calendar},
		{"GET", "/calendar.ics", v, s.calendarFile},
		{"GET", "/announcements", v, s.announcements},
		{"POST", "/announcements", o, s.createAnnouncement},
		{"GET", "/announcements/:id", v, s.announcement},
		{"POST", "/announcements/:id", o, s.updateAnnouncement},
		{"POST", "/announcements/:id/end", o, s.endAnnouncement},
		{"GET", "/notifications", v, s.notifications},
		{"POST", "/notifications/mine", v, s.saveMine},
		{"POST", "/notifications/mail", a, s.saveMailServer},
		{"GET", "/notifications/new", a, s.newChannel},
		{"POST", "/notifications/channels", a, s.createChannel},
		{"GET", "/notifications/channels/:id", v, s.channel},
		{"POST", "/notifications/channels/:id", a, s.updateChannel},
		{"POST", "/notifications/channels/:id/test", v, s.testChannel},
		{"POST", "/notifications/channels/:id/delete", v, s.deleteChannel},
		{"POST", "/notifications/channels/:id/deliveries/:delivery/retry", v, s.retryDelivery},

		{"GET", "/stacks", v, s.stacks},
		{"GET", "/stacks/new", a, s.newStack},
		{"POST", "/stacks/discover", a, s.discoverStack},
		{"POST", "/stacks", a, s.createStack},
		{"GET", "/stacks/:id", v, s.stack},
		{"GET", "/stacks/:id/checks", v, s.stackChecks},
		{"POST", "/stacks/:id/test", o, s.testStack},
		{"GET", "/stacks/:id/edit", a, s.editStack},
		{"POST", "/stacks/:id/edit", a, s.updateStack},
		{"GET", "/stacks/:id/policy", a, s.editPolicy},
		{"POST", "/stacks/:id/policy", a, s.savePolicy},

		{"GET", "/connections", v, s.connections},
		{"GET", "/connections/new", a, s.newConnection},
		{"POST", "/connections", a, s.createConnection},
		{"GET", "/connections/:id", v, s.connection},
		{"POST", "/connections/:id/test", o, s.testConnection},
		{"GET", "/connections/:id/edit", a, s.editConnection},
		{"POST", "/connections/:id/edit", a, s.updateConnection},

		{"POST", "/drafts", o, s.createDraft},
		{"GET", "/drafts/:id", v, s.draft},
		{"GET", "/drafts/:id/pages/:page", v, s.draftPage},
		{"POST", "/drafts/:id/pages/:page", o, s.saveDraftPage},
		{"POST", "/drafts/:id/pages/:page/lookup", o, s.lookupField},
		{"GET", "/drafts/:id/review", v, s.review},
		{"GET", "/drafts/:id/checks", v, s.draftChecks},
		{"POST", "/drafts/:id/checks", o, s.runDraftChecks},
		{"POST", "/drafts/:id/checks/:check/waive", o, s.waiveCheck},
		{"GET", "/drafts/:id/documents/:name", v, s.draftDocument},
		{"POST", "/drafts/:id/start", o, s.startRun},
		{"POST", "/drafts/:id/delete", o, s.deleteDraft},

		{"GET", "/runs", v, s.runs},
		{"GET", "/runs/socket", v, s.runsSocket},
		{"GET", "/runs/trends", v, s.runTrends},
		{"GET", "/runs/compare", v, s.compareRuns},
		{"GET", "/runs/:id", v, s.run},
		{"GET", "/runs/:id/panel", v, s.runPanel},
		{"GET", "/runs/:id/dossier", v, s.runDossier},
		{"GET", "/runs/:id/drill", v, s.runDrill},
		{"GET", "/runs/:id/drill.json", v, s.runDrillJSON},
		{"GET", "/runs/:id/dossier.zip", au, s.downloadDossier},
		{"POST", "/runs/:id/cancel", o, s.cancelRun},
		{"POST", "/runs/:id/retry", o, s.retryRun},
		{"POST", "/runs/:id/decide", o, s.decideRun},
		{"GET", "/runs/:id/log", v, s.runLog},
		{"GET", "/runs/:id/log.txt", v, s.runLogText},
		{"GET", "/runs/:id/log/search", v, s.searchRunLog},
		{"GET", "/runs/:id/socket", v, s.runSocket},

		{"GET", "/clusters", v, s.clusters},
		{"GET", "/clusters/:id", v, s.cluster},
		{"POST", "/clusters/:id/kubeconfig", o, s.downloadKubeconfig},
		{"GET", "/clusters/:id/models/diff", o, s.diffModels},
		{"GET", "/clusters/:id/models/:version", o, s.downloadModel},
		{"POST", "/runs/:id/downloads/:name", o, s.downloadResult},

		{"GET", "/audit", v, s.audit},
		{"GET", "/audit/export.csv", v, s.exportAudit},
		{"GET", "/audit/export.json", au, s.exportAuditJSON},
		{"GET", "/tokens", v, s.tokens},
		{"POST", "/tokens", v, s.createToken},
		{"POST", "/tokens/:id/revoke", v, s.revokeToken},
		{"GET", "/team", a, s.team},
		{"POST", "/team", a, s.changeTeam},
		{"GET", "/settings", a, s.settings},
		{"POST", "/settings", a, s.changeSettings},
		{"GET", "/help", v, s.help},
	}
}

func (s *Server) routes(e *echo.Echo) {
	for _, r := range s.table() {
		limit := int64(formLimit)
		if r.path == "/settings" {
			limit = uploadLimit
		}
		e.Add(r.method, r.path, s.allow(r.role, limit, r.do))
	}
	if s.Gallery {
		e.GET("/gallery", s.galleryIndex)
		e.GET("/gallery/:name", s.galleryPage)
	}
	e.GET(static.Prefix+"*", echo.WrapHandler(static.Handler()))
	e.RouteNotFound("/*", s.allow(public, formLimit, func(c echo.Context) error {
		return echo.NewHTTPError(http.StatusNotFound)
	}))
}
