package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// plain forwards a request for an http address whose name has a Route, and
// explains the door to all others. Each request has its own connection.
func (s *Server) plain(c net.Conn, req *http.Request) {
	host, port := strings.ToLower(req.URL.Hostname()), 80
	if p, err := strconv.Atoi(req.URL.Port()); err == nil {
		port = p
	}
	var dial Dialer
	if req.URL.IsAbs() && req.URL.Scheme == "http" {
		dial = s.route(host, port)
	}
	if dial == nil {
		s.explain(c, req)
		return
	}
	defer c.Close()
	s.leads(c, key(host, port))
	if s.cfg.Gate != nil {
		v := s.cfg.Gate(host, port)
		if v.Delay > 0 && !s.hand.wait(v.Delay) || v.Drop {
			return
		}
		if v.Status != 0 {
			say(c, v.Status, "cannot reach "+req.Host)
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	far, err := dial(ctx)
	if err != nil {
		s.seen(host, port, http.StatusBadGateway)
		say(c, http.StatusBadGateway, host+" does not answer: "+err.Error())
		return
	}
	defer far.Close()
	s.seen(host, port, http.StatusOK)
	req.Header.Del("Proxy-Connection")
	req.Close = true
	if req.Write(far) == nil {
		_, _ = io.Copy(c, far)
	}
}
