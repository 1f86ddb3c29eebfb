package standin

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// logger prints the coloured lines of the real engine, which come without a terminal too.
type logger struct {
	out     io.Writer
	started time.Time
	debug   bool
}

func (l *logger) line(colour int, level, format string, args ...any) {
	text := strings.TrimSuffix(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintf(l.out, "\x1b[%dm%s\x1b[0m[%04d] %-44s \n", colour, level, int(time.Since(l.started)/time.Second), text)
}

func (l *logger) info(format string, args ...any)  { l.line(36, "INFO", format, args...) }
func (l *logger) warn(format string, args ...any)  { l.line(33, "WARN", format, args...) }
func (l *logger) error(format string, args ...any) { l.line(31, "ERRO", format, args...) }

func (l *logger) detail(format string, args ...any) {
	if l.debug {
		l.line(37, "DEBU", format, args...)
	}
}

// plainLogger prints the lines that operations on a cluster write to stderr.
type plainLogger struct {
	mu  sync.Mutex
	out io.Writer
}

// line prints a message with fields, each as name=value.
func (l *plainLogger) line(level, message string, fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "time=%q level=%s msg=%q", time.Now().Format(time.RFC3339), level, message)
	for _, f := range fields {
		fmt.Fprint(l.out, " "+f)
	}
	fmt.Fprintln(l.out)
}

func (l *plainLogger) info(format string, args ...any) { l.line("info", fmt.Sprintf(format, args...)) }
func (l *plainLogger) warn(format string, args ...any) {
	l.line("warning", fmt.Sprintf(format, args...))
}
func (l *plainLogger) error(format string, args ...any) {
	l.line("error", fmt.Sprintf(format, args...))
}
