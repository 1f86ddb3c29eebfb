package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// downloadResult hands out a file that the run made for a person, such as the
// kubeconfig of a scoped account, with a row in the audit before the first
// byte leaves.
func (s *Server) downloadResult(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	def, ok := s.Catalogue.Find(r.WorkflowID)
	if !ok {
		return workflows.ErrNotFound
	}
	state, err := s.Store.State(ctx, r.ID)
	if err != nil {
		return err
	}
	x, err := def.Resume(state)
	if err != nil {
		return workflows.ErrNotFound
	}
	for _, d := range x.Downloads() {
		if d.Name == c.Param("name") {
			return s.handOut(c, r, d)
		}
	}
	return workflows.ErrNotFound
}

func (s *Server) handOut(c echo.Context, r workflows.Run, d workflows.Download) error {
	ctx := c.Request().Context()
	body, err := s.Vault.Open(ctx, d.Ref)
	if errors.Is(err, workflows.ErrNotFound) {
		return problemPage(http.StatusNotFound, "The file is not in custody any more", "it was removed from the vault", "Run the workflow again to make a new one.",
			ui.Action{Label: "Back to the run", URL: "/runs/" + r.ID, Primary: true})
	}
	if err != nil {
		return err
	}
	err = s.Store.AppendAudit(ctx, workflows.AuditEvent{At: s.Clock(), Actor: me(c).Name, Action: audit.KubeconfigScoped, Object: d.Title, RunID: r.ID, Target: r.Target})
	if err != nil {
		return err
	}
	return download(c, d.Name, "application/octet-stream", body)
}
