package connectlogin

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
)

// WrapStreamingHandler guards streams. It checks a stream when it is opened, and ends it
// when its session ends, in this process or another one, is restricted or reaches a
// limit: see [loginstage.UserLogin.Live]. Then the context of the handler ends, with a
// [*loginstage.LiveError] as its cause, Send and Receive return the error that the client
// gets, whatever the handler returns afterwards, and nothing is sent any more but for a
// message that is on its way. The streams of anonymous callers go on.
//
// [loginstage.UserLogin.Watch] has to run: without it, or where the store cannot be
// heard, streams of signed-in callers end after half a minute, as CodeUnavailable.
func (g Guard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, err := g.admit(ctx, call(conn.Spec(), conn.Peer(), http.MethodPost, conn.RequestHeader()), conn.ResponseHeader())
		if err != nil {
			return err
		}
		if _, signedIn := loginstage.Current(ctx); !signedIn {
			return next(ctx, conn)
		}
		live := &liveConn{StreamingHandlerConn: conn, guard: g, live: rpclogin.Open(ctx, g.Login, g.StreamsUse)}
		defer live.live.Close()
		err = next(live.live.Context(), live)
		if ended := live.live.Ended(); ended != nil {
			return live.over(ended)
		}
		return err
	}
}

// liveConn is a stream that ends with its session.
type liveConn struct {
	connect.StreamingHandlerConn
	guard Guard
	live  *rpclogin.Stream
}

// over returns what the stream ends with.
func (c *liveConn) over(ended *loginstage.AccessError) error {
	return c.guard.deny(c.live.Context(), ended, errorOf(rpclogin.EndStatusOf(ended)))
}

// Send sends a message, unless the session has ended.
func (c *liveConn) Send(message any) error {
	if ended := c.live.Ended(); ended != nil {
		return c.over(ended)
	}
	return c.StreamingHandlerConn.Send(message)
}

// Receive receives a message, and returns once the session has ended: the stream's own
// Receive waits for the client alone. Until the stream has ended message is its.
func (c *liveConn) Receive(message any) error {
	ended, err := c.live.Receive(func() error { return c.StreamingHandlerConn.Receive(message) })
	if ended != nil {
		return c.over(ended)
	}
	return err
}
