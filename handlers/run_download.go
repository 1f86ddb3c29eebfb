package handlers

import (
	"errors"
	"mime"
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
	x, err := s.execution(ctx, r)
	if err != nil {
		return err
	}
	if x == nil {
		return workflows.ErrNotFound
	}
	for _, d := range x.Downloads() {
		switch {
		case d.Name != c.Param("name"):
		case d.Kept:
			return s.handOutKept(c, r, d)
		default:
			return s.handOut(c, r, d)
		}
	}
	return workflows.ErrNotFound
}

func (s *Server) handOut(c echo.Context, r workflows.Run, d workflows.Download) error {
	ctx := c.Request().Context()
	body, err := s.Vault.Open(ctx, d.Ref)
	if errors.Is(err, workflows.ErrNotFound) {
		return problemPage(http.StatusNotFound, "The file is not in custody any more", "it was removed from the vault", "Run the workflow again to make a new one.", toTheRun(r))
	}
	if err != nil {
		return err
	}
	if err := s.recordOf(c, r, audit.KubeconfigScoped, d.Title); err != nil {
		return err
	}
	return download(c, d.Name, "application/octet-stream", body)
}

// handOutKept sends a file of the data folder as it is read.
func (s *Server) handOutKept(c echo.Context, r workflows.Run, d workflows.Download) error {
	f, err := s.RunFiles.Open(r.ID, d.Name)
	if errors.Is(err, workflows.ErrNotFound) {
		return problemPage(http.StatusNotFound, "The file is not on the server any more", "it was deleted from the data folder", "Run the workflow again to make a new one.", toTheRun(r))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.recordOf(c, r, audit.LogsDownload, d.Title); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	return c.Stream(http.StatusOK, "application/octet-stream", f)
}

func toTheRun(r workflows.Run) ui.Action {
	return ui.Action{Label: "Back to the run", URL: "/runs/" + r.ID, Primary: true}
}
