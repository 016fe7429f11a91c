package grpclogin

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc"

	"github.com/mooring-go/mooring/loginstage"
)

// Stream is a [grpc.StreamServerInterceptor]. It checks a stream when it is opened, and
// ends it when its session ends, in this process or another one, is restricted or
// reaches a limit: see [loginstage.UserLogin.Live]. Then the stream's context ends, with
// a [*loginstage.LiveError] as its cause, SendMsg and RecvMsg return the status that the
// client gets, whatever the handler returns afterwards, and nothing is sent any more but
// for a message that is on its way. The streams of anonymous callers go on.
//
// [loginstage.UserLogin.Watch] has to run: without it, or where the store cannot be
// heard, streams of signed-in callers end after half a minute, as Unavailable.
func (g Guard) Stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if _, signedIn := loginstage.Current(ctx); !signedIn {
		return handler(server, &guardedStream{ServerStream: stream, ctx: ctx})
	}
	live := g.open(stream, ctx)
	defer live.close()
	err = handler(server, live)
	if over := live.over(live.session); over != nil {
		return over
	}
	return err
}

// guardedStream is a stream whose context has what was found out of its caller.
type guardedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context.
func (s *guardedStream) Context() context.Context { return s.ctx }

// liveStream is a stream that ends with its session.
type liveStream struct {
	grpc.ServerStream
	guard    Guard
	ctx      context.Context // ends with the call or with the session, at once
	session  context.Context // ends with the session, and some time after the call
	close    func()
	received chan received // what came of a RecvMsg
}

// received is what came of a RecvMsg.
type received struct {
	err      error
	panicked any
}

// open returns the stream with a context in ctx, to be closed when the handler has
// returned.
func (g Guard) open(stream grpc.ServerStream, ctx context.Context) *liveStream {
	live := g.Login.Live
	if g.StreamsUse {
		live = g.Login.LiveInUse
	}
	ctx, cancel := context.WithCancelCause(ctx)
	session := live((&http.Request{}).WithContext(ctx))
	stop := context.AfterFunc(session, func() { cancel(context.Cause(session)) })
	return &liveStream{
		ServerStream: stream, guard: g, ctx: ctx, session: session, received: make(chan received, 1),
		close: func() {
			stop()
			cancel(nil)
			_ = session.Err() // now it knows that the call is over
		},
	}
}

// Context returns the context, which ends with the session.
func (s *liveStream) Context() context.Context { return s.ctx }

// over returns what the stream ends with if the context has ended with the session, and
// nil otherwise.
func (s *liveStream) over(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	why, ok := errors.AsType[*loginstage.LiveError](context.Cause(ctx))
	if !ok {
		return nil
	}
	denied := why.AccessError()
	return s.guard.deny(s.ctx, denied, endStatus(denied))
}

// SendMsg sends a message, unless the session has ended.
func (s *liveStream) SendMsg(m any) error {
	if over := s.over(s.ctx); over != nil {
		return over
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg receives a message, and returns once the session has ended: the stream's own
// RecvMsg waits for the client alone, on a goroutine that ends with the stream. Until
// then m is its.
func (s *liveStream) RecvMsg(m any) error {
	if over := s.over(s.ctx); over != nil {
		return over
	}
	go func() {
		var of received
		defer func() {
			of.panicked = recover() // for the handler's goroutine, where the host expects it
			s.received <- of
		}()
		of.err = s.ServerStream.RecvMsg(m)
	}()
	var of received
	select {
	case of = <-s.received:
	case <-s.ctx.Done():
		if over := s.over(s.ctx); over != nil {
			return over
		}
		of = <-s.received // the call is over
	}
	if of.panicked != nil {
		panic(of.panicked)
	}
	if over := s.over(s.ctx); over != nil {
		return over
	}
	return of.err
}
