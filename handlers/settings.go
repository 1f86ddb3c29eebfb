package handlers

import (
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/problem"
	"hubwright/web/help"
	"hubwright/web/layout"
	"hubwright/web/settings"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (s *Server) settings(c echo.Context) error {
	return s.settingsPage(c, http.StatusOK, nil)
}

// sinks are the places away from here that get the audit's checkpoints.
func (s *Server) sinks() []audit.SinkStatus {
	if s.Checkpoints == nil {
		return nil
	}
	return s.Checkpoints.Status()
}

// notTaken says in words why a checkpoint did not get there.
func notTaken(err error) workflows.Problem {
	p := *problem.Wrap(err, "The last checkpoint was not taken")
	if refused := (*audit.Refused)(nil); errors.As(err, &refused) {
		p.Why, p.Fix = refused.Error(), "Look at the address, the token and the server there."
	} else if p.Code == "unexpected" {
		p.Why, p.Fix = "the connection failed", "The server's log has the details."
	}
	return p
}

func (s *Server) settingsPage(c echo.Context, status int, errs []workflows.FieldError) error {
	list, err := s.Store.Archives(c.Request().Context())
	if err != nil {
		return err
	}
	p := settings.Props{Role: me(c).ui(), Config: s.Config, Build: []ui.Fact{{Label: "Version", Value: s.Build}}, Errors: errs, Now: s.Clock()}
	for _, k := range s.sinks() {
		row := settings.Sink{Name: k.Name, Where: k.Where, SentSeq: k.SentSeq, SentAt: k.SentAt, Waiting: k.Waiting, FailingFrom: k.FailingFrom}
		if k.Err != nil {
			row.Problem = notTaken(k.Err)
		}
		p.Sinks = append(p.Sinks, row)
	}
	for _, a := range list {
		p.Archives = append(p.Archives, settings.Archive{Version: a.Version, FileName: a.FileName, SHA256: a.SHA256, Size: a.Size, AddedBy: a.AddedBy, AddedAt: a.AddedAt})
	}
	for _, v := range s.Archives.Versions() {
		p.Versions = append(p.Versions, ui.Choice{Value: v, Label: v})
	}
	return s.page(c, status, layout.Frame{Title: "Settings", Active: layout.NavSettings, Body: settings.Page(p)})
}

// changeSettings takes the upload as a stream: an archive never lies in memory.
func (s *Server) changeSettings(c echo.Context) error {
	mr, err := c.Request().MultipartReader()
	if err != nil {
		return s.deleteArchive(c)
	}
	fields := map[string]string{}
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest)
		}
		if part.FileName() == "" {
			b, err := io.ReadAll(io.LimitReader(part, 1<<10))
			if err != nil {
				return err
			}
			fields[part.FormName()] = string(b)
			continue
		}
		return s.saveArchive(c, fields["version"], part.FileName(), part)
	}
	if fields["action"] == "delete" {
		return s.forgetArchive(c, fields["version"])
	}
	return s.settingsPage(c, http.StatusUnprocessableEntity, []workflows.FieldError{{Field: "archive", Message: "Choose the archive's file."}})
}

func (s *Server) saveArchive(c echo.Context, version, fileName string, body io.Reader) error {
	err := s.Archives.Save(c.Request().Context(), version, fileName, me(c).Name, body)
	if errs := fieldErrors(err); errs != nil {
		return s.settingsPage(c, http.StatusUnprocessableEntity, errs)
	}
	if err != nil {
		return err
	}
	return s.settingsChanged(c, audit.ArchiveAdd, version, "The archive is here. Air-gapped Hubs can install "+version+" from it.")
}

func (s *Server) deleteArchive(c echo.Context) error {
	if c.FormValue("action") != "delete" {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	return s.forgetArchive(c, c.FormValue("version"))
}

func (s *Server) forgetArchive(c echo.Context, version string) error {
	if err := s.Archives.Delete(c.Request().Context(), version); err != nil {
		return err
	}
	return s.settingsChanged(c, audit.ArchiveDelete, version, "The archive is deleted.")
}

func (s *Server) settingsChanged(c echo.Context, action, version, words string) error {
	if err := s.record(c, action, "engine archive "+version, workflows.Target{}, nil); err != nil {
		return err
	}
	return see(c, "/settings", ui.ToneOK, words)
}

func (s *Server) help(c echo.Context) error {
	p := help.Props{Version: s.Build}
	for _, d := range s.Catalogue {
		p.Workflows = append(p.Workflows, d.Info())
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Help", Active: layout.NavHelp, Body: help.Page(p)})
}
