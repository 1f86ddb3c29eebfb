package handlers

import (
	"context"
	"strings"
	"sync"

	"hubwright/web/status"
)

// mostMade is of how many pages of one Board what was made is kept.
const mostMade = 200

// boardCache keeps the Board that was read last, and what was made of it for
// those who look. What it holds is never changed.
type boardCache struct {
	mu    sync.Mutex
	board status.Board
	made  map[string]string // what changes of a page, by where it asks for itself
}

// of is what changes of a page, made once for all who look the same way.
func (c *boardCache) of(ctx context.Context, p status.Props) (string, error) {
	key := p.URL
	if p.Wall {
		key += " wall"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.board.At.Equal(p.Board.At)
	if made, ok := c.made[key]; ok && now {
		return made, nil
	}
	var b strings.Builder
	p.Version = statusLive(p).version()
	if err := status.Live(p).Render(ctx, &b); err != nil {
		return "", err
	}
	if now && len(c.made) < mostMade {
		c.made[key] = b.String()
	}
	return b.String(), nil
}

// Board is the Board of all Deployments.
func (s *Server) Board(ctx context.Context) (status.Board, error) { return s.statusBoard(ctx) }

// statusBoard is the Board of all Deployments. It asks no cluster: the Monitor
// did.
func (s *Server) statusBoard(ctx context.Context) (status.Board, error) {
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	now := s.Clock()
	if age := now.Sub(s.boards.board.At); age >= 0 && age < boardFresh {
		return s.boards.board, nil
	}
	r := statusReader{s: s, now: now}
	if err := r.read(ctx); err != nil {
		return status.Board{}, err
	}
	b := status.Board{At: now, Deployments: []status.Deployment{}}
	for _, d := range r.deployments {
		b.Deployments = append(b.Deployments, r.deployment(d))
	}
	if err := r.endings(ctx, b.Deployments); err != nil {
		return status.Board{}, err
	}
	b.Health, b.Words = overall(b.Deployments)
	b.Announcements = r.announcements()
	s.boards.board, s.boards.made = b, map[string]string{}
	return b, nil
}
