package workflows

import "context"

// Origin says which run a step belongs to and who started that.
type Origin struct {
	RunID string
	Actor string // the person's name
}

type originKey struct{}

// WithOrigin is a context for the steps of a run.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf is what the engine told a step; empty outside of a run.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
