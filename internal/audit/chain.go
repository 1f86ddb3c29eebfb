package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"hubwright/workflows"
)

// HashVersion is how the hashes of new events are made.
const HashVersion = 2

// Hash is the hash of an event: over its content, its Seq and its PrevHash, so
// that no event can be changed, moved or taken out unseen. It is hexadecimal
// SHA-256 over the fields, each with its length before it. Events of version 1
// keep theirs, which knew of no workflow, address and token.
func Hash(e workflows.AuditEvent) string {
	h := sha256.New()
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	text := func(s string) {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	version := max(e.Version, 1)
	text("hubwright audit " + strconv.Itoa(version))
	text(e.PrevHash)
	number(e.Seq)
	number(e.At.UnixNano())
	for _, s := range []string{e.Actor, e.Action, e.Object, e.RunID, e.Target.DeploymentID, e.Target.SiteID, e.Target.StackID} {
		text(s)
	}
	if version > 1 {
		for _, s := range []string{e.WorkflowID, e.Address, e.Token} {
			text(s)
		}
	}
	number(int64(len(e.Detail)))
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
		text(k)
		text(e.Detail[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Chain walks events in the order of Seq, from 1. The zero Chain stands before
// the first event.
type Chain struct {
	seq     int64
	head    string
	version int
}

// ChainBehind stands behind a sealed event.
func ChainBehind(e workflows.AuditEvent) Chain {
	return Chain{seq: e.Seq, head: e.Hash, version: e.Version}
}

// Seal fills in the event's PrevHash and Hash and moves behind it.
func (c *Chain) Seal(e *workflows.AuditEvent) {
	e.PrevHash = c.head
	e.Hash = Hash(*e)
	c.seq, c.head = e.Seq, e.Hash
}

// Next moves behind a sealed event when it is the one that follows unchanged,
// and says so. No event has an older version than one before it: its address
// could be taken out of the hash.
func (c *Chain) Next(e workflows.AuditEvent) bool {
	if e.Seq != c.seq+1 || e.PrevHash != c.head || e.Version < c.version || e.Hash != Hash(e) {
		return false
	}
	c.seq, c.head, c.version = e.Seq, e.Hash, e.Version
	return true
}

// Seq is the Seq of the last event that was passed.
func (c *Chain) Seq() int64 { return c.seq }

// Report is what Verify found.
type Report struct {
	Rows        int64
	FirstBroken int64  // 0: the chain is whole
	Head        string // hash of the newest event; who writes it down can later prove that nothing before it changed
}

// OK says whether the record is whole.
func (r Report) OK() bool { return r.FirstBroken == 0 }

// Verify reads the whole record and says whether anything in it was changed.
func Verify(ctx context.Context, repo Repo) (Report, error) {
	var r Report
	var err error
	if r.Rows, r.FirstBroken, err = repo.VerifyAudit(ctx); err != nil {
		return Report{}, fmt.Errorf("verifying the audit: %w", err)
	}
	newest, err := repo.AuditEvents(ctx, Filter{Limit: 1})
	if err != nil {
		return Report{}, fmt.Errorf("verifying the audit: %w", err)
	}
	if len(newest) > 0 {
		r.Head = newest[0].Hash
	}
	return r, nil
}
