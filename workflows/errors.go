package workflows

import (
	"errors"
	"fmt"
)

// ErrNotFound says that a record does not exist.
var ErrNotFound = errors.New("not found")

// ErrStale says that somebody else saved the record in between.
var ErrStale = errors.New("somebody else changed this in the meantime")

// ErrStopping is the cause (context.Cause) of a step's ended context when the
// server stops. The step is run again at the next start: what goes on outside,
// such as a detached command, must be left alone. With any other cause the
// person has cancelled.
var ErrStopping = errors.New("the server is stopping")

// LockedError says that another run works on the same thing.
type LockedError struct {
	Run Run // the run that holds the lock
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("run %d (%s) is working on this, started by %s", e.Run.Number, e.Run.Title, e.Run.CreatedBy)
}
