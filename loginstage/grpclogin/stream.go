package grpclogin

import (
	"context"

	"google.golang.org/grpc"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
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
	live := &liveStream{ServerStream: stream, guard: g, live: rpclogin.Open(ctx, g.Login, g.StreamsUse)}
	defer live.live.Close()
	err = handler(server, live)
	if ended := live.live.Ended(); ended != nil {
		return live.over(ended)
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
	guard Guard
	live  *rpclogin.Stream
}

// Context returns the context, which ends with the session.
func (s *liveStream) Context() context.Context { return s.live.Context() }

// over returns what the stream ends with.
func (s *liveStream) over(ended *loginstage.AccessError) error {
	return s.guard.deny(s.live.Context(), ended, statusOf(rpclogin.EndStatusOf(ended)))
}

// SendMsg sends a message, unless the session has ended.
func (s *liveStream) SendMsg(m any) error {
	if ended := s.live.Ended(); ended != nil {
		return s.over(ended)
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg receives a message, and returns once the session has ended: the stream's own
// RecvMsg waits for the client alone. Until the stream has ended m is its.
func (s *liveStream) RecvMsg(m any) error {
	ended, err := s.live.Receive(func() error { return s.ServerStream.RecvMsg(m) })
	if ended != nil {
		return s.over(ended)
	}
	return err
}
