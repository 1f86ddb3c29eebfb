package workflows

import "context"

// Log is where a step writes while it runs. Every text is masked before it is
// stored. The methods never fail the step: what cannot be stored now is kept
// and tried again, except Cursor.Append, which must know.
type Log interface {
	Info(format string, args ...any)
	Warn(format string, args ...any)
	Error(format string, args ...any)
	Good(format string, args ...any)  // something was verified
	Phase(format string, args ...any) // a headline inside the step
	Command(text string)              // the echo of a command that is run
	// Progress sets the step's percentage (-1: unknown) and what it is doing.
	Progress(percent int, doing string)
	// Mask makes the value unreadable in everything that is logged from now on
	// in this run, also base64, URL and JSON encoded.
	Mask(secret string)
	// Cursor opens the position of a followed stream, such as the output file
	// of a detached command. It is the same after a restart.
	Cursor(ctx context.Context, stream string) (Cursor, error)
}

// Cursor is a durable position in a stream of output. Lines and position are
// stored in one transaction, so each line is in the log once, whatever dies.
type Cursor interface {
	// Offset is the first byte that is not in the log yet.
	Offset() int64
	// Append stores lines and moves to offset, or does neither.
	Append(ctx context.Context, offset int64, lines []OutputLine) error
}

// OutputLine is one line of a command's output.
type OutputLine struct {
	Level Level // LevelOutput unless the line says otherwise
	Text  string
}
