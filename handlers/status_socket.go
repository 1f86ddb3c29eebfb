package handlers

import (
	"context"

	"github.com/labstack/echo/v4"
)

// statusSocket tells of changes to the page of all Deployments.
func (s *Server) statusSocket(c echo.Context) error {
	return s.watchStatus(c, look{wall: isWall(c)}, s.stillIn(c))
}

// deploymentSocket tells of changes to the page of one Deployment.
func (s *Server) deploymentSocket(c echo.Context) error {
	id, err := id(c)
	if err == nil {
		_, err = s.Store.Deployment(c.Request().Context(), id)
	}
	if err != nil {
		return err
	}
	return s.watchStatus(c, look{deploymentID: id, wall: isWall(c)}, s.stillIn(c))
}

// sharedSocket tells of changes to the page behind a link.
func (s *Server) sharedSocket(c echo.Context) error {
	token := c.Param("token")
	share, err := s.openShare(c, token)
	if err != nil {
		return err
	}
	hash := shareHash(token)
	open := func(ctx context.Context) bool {
		again, err := s.Store.ShareByToken(ctx, hash)
		return err == nil && again.Opens(s.Clock())
	}
	return s.watchStatus(c, look{deploymentID: share.DeploymentID, wall: isWall(c), shared: true}, open)
}

func isWall(c echo.Context) bool { return c.QueryParam("view") == "wall" }

// watchStatus tells of changes to the status page as l looks at it.
func (s *Server) watchStatus(c echo.Context, l look, allowed func(context.Context) bool) error {
	return s.watch(c, l, func(ctx context.Context) (livePage, error) {
		p, err := s.statusProps(ctx, l)
		return statusLive(p), err
	}, allowed)
}
