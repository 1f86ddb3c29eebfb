package devops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Runner is an agent that needs no machine: what the scripts of the agent's
// package ask for at the wire, asked from here.
type Runner struct {
	Client *http.Client
	URL    string // organization or collection
	Pool   string
	Name   string
	// Authorize proves who registers the agent and takes it out again.
	Authorize func(ctx context.Context, r *http.Request) error

	pool, id int
	key      string
}

// ErrRemoved is what an agent ends with that was taken out of its pool.
var ErrRemoved = errors.New("The agent was removed from the server.") //nolint:staticcheck // what the agent says

// Register is what config.sh does. An error says what config.sh says.
func (r *Runner) Register(ctx context.Context) error {
	var pools struct{ Value []pool }
	if err := r.ask(ctx, http.MethodGet, "/pools?poolName="+url.QueryEscape(r.Pool), nil, &pools); err != nil {
		return err
	}
	if len(pools.Value) == 0 {
		return fmt.Errorf("Agent pool not found: '%s'", r.Pool) //nolint:staticcheck // what the agent says
	}
	r.pool = pools.Value[0].ID
	var made agent
	if err := r.ask(ctx, http.MethodPost, fmt.Sprintf("/pools/%d/agents", r.pool), map[string]string{"name": r.Name, "version": agentVersion, "osDescription": "Linux"}, &made); err != nil {
		return err
	}
	r.id, r.key = made.ID, made.Key
	return nil
}

// Listen is what run.sh does: it asks for work until ctx ends, or the agent is
// not known any more.
func (r *Runner) Listen(ctx context.Context) error {
	for ctx.Err() == nil {
		status, _, err := r.send(ctx, http.MethodGet, fmt.Sprintf("/pools/%d/messages", r.pool), nil, func(req *http.Request) error {
			req.Header.Set("Authorization", "Bearer "+r.key)
			return nil
		})
		switch {
		case status == http.StatusForbidden:
			return ErrRemoved
		case err != nil || status != http.StatusNoContent:
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return ctx.Err()
}

// Leave is what config.sh remove does.
func (r *Runner) Leave(ctx context.Context) error {
	return r.ask(ctx, http.MethodDelete, fmt.Sprintf("/pools/%d/agents/%d", r.pool, r.id), nil, nil)
}

func (r *Runner) ask(ctx context.Context, method, path string, body, into any) error {
	status, text, err := r.send(ctx, method, path, body, func(req *http.Request) error { return r.Authorize(ctx, req) })
	switch {
	case err != nil:
		return err
	case status == http.StatusNoContent:
		return nil
	case status != http.StatusOK:
		return fmt.Errorf("VS30063: You are not authorized to access %s.", r.URL) //nolint:staticcheck // what the agent says
	}
	return json.Unmarshal(text, into)
}

func (r *Runner) send(ctx context.Context, method, path string, body any, authorize func(*http.Request) error) (int, []byte, error) {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // strings alone
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.URL, "/")+"/_apis/distributedtask"+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	if err := authorize(req); err != nil {
		return 0, nil, err
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, text, err
}
