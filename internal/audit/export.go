package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hubwright/workflows"
)

const exportPage = 500

// each calls fn with every event of the filter, in its order. Before, After
// and Limit hold as they do in a list, but Limit 0 is no limit.
func each(ctx context.Context, repo Repo, f Filter, fn func(workflows.AuditEvent) error) error {
	left := f.Limit
	for {
		f.Limit = exportPage
		if left > 0 {
			f.Limit = min(left, exportPage)
		}
		events, err := repo.AuditEvents(ctx, f)
		if err != nil {
			return fmt.Errorf("reading the audit: %w", err)
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
		}
		if left > 0 {
			if left -= len(events); left == 0 {
				return nil
			}
		}
		if len(events) < f.Limit {
			return nil
		}
		if last := events[len(events)-1].Seq; f.Oldest {
			f.After = last
		} else {
			f.Before = last
		}
	}
}

// WriteCSV writes the events of the filter, in its order, as CSV with a
// header (RFC 4180, times in UTC). A cell that a spreadsheet would take for a
// formula gets an apostrophe in front.
func WriteCSV(ctx context.Context, w io.Writer, repo Repo, f Filter) error {
	out := csv.NewWriter(w)
	header := []string{"seq", "at", "actor", "action", "object", "run", "workflow", "address", "token", "deployment", "site", "stack", "detail", "prev_hash", "hash", "version"}
	if err := out.Write(header); err != nil {
		return err
	}
	err := each(ctx, repo, f, func(e workflows.AuditEvent) error {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		if len(e.Detail) == 0 {
			detail = nil
		}
		row := []string{strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Action, e.Object,
			e.RunID, e.WorkflowID, e.Address, e.Token, e.Target.DeploymentID, e.Target.SiteID, e.Target.StackID, string(detail), e.PrevHash, e.Hash, strconv.Itoa(max(e.Version, 1))}
		for i, cell := range row {
			row[i] = inert(cell)
		}
		return out.Write(row)
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

type jsonEvent struct {
	Seq        int64             `json:"seq"`
	At         time.Time         `json:"at"`
	Actor      string            `json:"actor"`
	Action     string            `json:"action"`
	Object     string            `json:"object"`
	Run        string            `json:"run,omitempty"`
	Workflow   string            `json:"workflow,omitempty"`
	Address    string            `json:"address,omitempty"`
	Token      string            `json:"token,omitempty"`
	Deployment string            `json:"deployment,omitempty"`
	Site       string            `json:"site,omitempty"`
	Stack      string            `json:"stack,omitempty"`
	Detail     map[string]string `json:"detail,omitempty"`
	PrevHash   string            `json:"prevHash"`
	Hash       string            `json:"hash"`
	Version    int               `json:"version"`
}

// WriteJSON writes the events of the filter, in its order, as JSON Lines: one
// object a line. It tells the Seq of the last one, or f.After when there is
// none: where the next call with Oldest goes on.
func WriteJSON(ctx context.Context, w io.Writer, repo Repo, f Filter) (last int64, err error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	last = f.After
	err = each(ctx, repo, f, func(e workflows.AuditEvent) error {
		last = e.Seq
		return enc.Encode(inJSON(e))
	})
	return last, err
}

// EncodeJSON writes events as WriteJSON does.
func EncodeJSON(w io.Writer, events []workflows.AuditEvent) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, e := range events {
		if err := enc.Encode(inJSON(e)); err != nil {
			return err
		}
	}
	return nil
}

func inJSON(e workflows.AuditEvent) jsonEvent {
	return jsonEvent{
		Seq: e.Seq, At: e.At.UTC(), Actor: e.Actor, Action: e.Action, Object: e.Object, Run: e.RunID, Workflow: e.WorkflowID, Address: e.Address, Token: e.Token,
		Deployment: e.Target.DeploymentID, Site: e.Target.SiteID, Stack: e.Target.StackID,
		Detail: e.Detail, PrevHash: e.PrevHash, Hash: e.Hash, Version: max(e.Version, 1),
	}
}
