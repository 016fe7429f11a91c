package connectlogin

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"

	"github.com/mooring-go/mooring/loginstage"
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
		live := g.open(ctx, conn)
		defer live.close()
		err = next(live.ctx, live)
		if over := live.over(live.session); over != nil {
			return over
		}
		return err
	}
}

// liveConn is a stream that ends with its session.
type liveConn struct {
	connect.StreamingHandlerConn
	guard    Guard
	ctx      context.Context // ends with the call or with the session, at once
	session  context.Context // ends with the session, and some time after the call
	close    func()
	received chan received
}

// received is what came of a Receive.
type received struct {
	err      error
	panicked any
}

// open returns the stream with a context in ctx, to be closed when the handler has
// returned.
func (g Guard) open(ctx context.Context, conn connect.StreamingHandlerConn) *liveConn {
	live := g.Login.Live
	if g.StreamsUse {
		live = g.Login.LiveInUse
	}
	ctx, cancel := context.WithCancelCause(ctx)
	session := live((&http.Request{}).WithContext(ctx))
	stop := context.AfterFunc(session, func() { cancel(context.Cause(session)) })
	return &liveConn{
		StreamingHandlerConn: conn, guard: g, ctx: ctx, session: session, received: make(chan received, 1),
		close: func() {
			stop()
			cancel(nil)
			_ = session.Err() // now it knows that the call is over
		},
	}
}

// over returns what the stream ends with if the context has ended with the session, and
// nil otherwise.
func (c *liveConn) over(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	why, ok := errors.AsType[*loginstage.LiveError](context.Cause(ctx))
	if !ok {
		return nil
	}
	denied := why.AccessError()
	return c.guard.deny(c.ctx, denied, endError(denied))
}

// Send sends a message, unless the session has ended.
func (c *liveConn) Send(message any) error {
	if over := c.over(c.ctx); over != nil {
		return over
	}
	return c.StreamingHandlerConn.Send(message)
}

// Receive receives a message, and returns once the session has ended: the stream's own
// Receive waits for the client alone, on a goroutine that ends with the stream. Until
// then message is its.
func (c *liveConn) Receive(message any) error {
	if over := c.over(c.ctx); over != nil {
		return over
	}
	go func() {
		var of received
		defer func() {
			of.panicked = recover() // for the handler's goroutine, where the host expects it
			c.received <- of
		}()
		of.err = c.StreamingHandlerConn.Receive(message)
	}()
	var of received
	select {
	case of = <-c.received:
	case <-c.ctx.Done():
		if over := c.over(c.ctx); over != nil {
			return over
		}
		of = <-c.received // the call is over
	}
	if of.panicked != nil {
		panic(of.panicked)
	}
	if over := c.over(c.ctx); over != nil {
		return over
	}
	return of.err
}
