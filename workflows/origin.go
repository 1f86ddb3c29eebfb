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

// Client is from where a person's request came.
type Client struct {
	Address string // of the client, without a port
	Token   string // name of the API token that it had, "" for a session
}

type clientKey struct{}

// WithClient is a context for what a person asked for: the audit takes its
// address from there.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientOf is who asked; empty for what Hubwright does by itself.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}

// OriginOf is what the engine told a step; empty outside of a run.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
