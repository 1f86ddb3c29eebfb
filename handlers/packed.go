package handlers

import (
	"compress/gzip"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// worthPacking is from how many bytes on an answer is compressed.
const worthPacking = 1000

// packed compresses what is large: many look from afar, all day, and a log of
// 100,000 lines is 17 MB. What is compressed already, sockets and parts of
// files are left alone.
func packed() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{Level: gzip.BestSpeed, MinLength: worthPacking, Skipper: func(c echo.Context) bool {
		h, at := c.Request().Header, c.Request().URL.Path
		return h.Get("Upgrade") != "" || h.Get("Range") != "" || strings.Contains(at, "/downloads/") ||
			slices.Contains([]string{".zip", ".gz", ".woff2"}, path.Ext(at))
	}})
}
