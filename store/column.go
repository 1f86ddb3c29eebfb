package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// NewID makes a short random id: the prefix, an underline and 80 random bits.
func NewID(prefix string) string {
	var b [10]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return prefix + "_" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// nanos is a time as it is stored; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// timeColumn scans what nanos made.
type timeColumn struct{ t *time.Time }

func (c timeColumn) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("time stored as %T", src)
	}
	*c.t = fromNanos(n)
	return nil
}

// jsonColumn scans a JSON document. The empty text leaves the zero value.
type jsonColumn struct{ v any }

func (c jsonColumn) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("JSON stored as %T", src)
	}
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), c.v)
}

// asJSON is a document as it is stored. Only values that always marshal are
// given to it: structs and maps of strings and numbers.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshalling %T: %v", v, err))
	}
	return string(b)
}

// isDuplicate says whether a statement failed because a unique value is taken.
func isDuplicate(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// orNewID is the id, or a new one when it is empty.
func orNewID(id, prefix string) string {
	if id != "" {
		return id
	}
	return NewID(prefix)
}

// now is the clock's time as it comes back from the database.
func (d *DB) now() time.Time { return fromNanos(nanos(d.clock())) }

func (d *DB) orNow(t time.Time) time.Time {
	if t.IsZero() {
		return d.now()
	}
	return fromNanos(nanos(t))
}
