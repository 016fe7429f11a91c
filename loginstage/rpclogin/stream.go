package rpclogin

import (
	"context"
	"errors"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// A Stream is what ends a framework's stream with the session of its caller. Make one with
// [Open]. Its methods are safe for concurrent use, but for Receive and Close: one Receive
// runs at a time, and Close comes once, when the handler has returned.
type Stream struct {
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

// Open returns the Stream of a call for whose caller [loginstage.UserLogin.Authenticate]
// returned ctx, with a session in it. inUse: the open stream counts as use of the session,
// as [loginstage.UserLogin.LiveInUse] says. [loginstage.UserLogin.Watch] has to run:
// without it, or where the store cannot be heard, the stream ends after half a minute.
func Open(ctx context.Context, login *loginstage.UserLogin, inUse bool) *Stream {
	live := login.Live
	if inUse {
		live = login.LiveInUse
	}
	ctx, cancel := context.WithCancelCause(ctx)
	session := live((&http.Request{}).WithContext(ctx))
	stop := context.AfterFunc(session, func() { cancel(context.Cause(session)) })
	return &Stream{
		ctx: ctx, session: session, received: make(chan received, 1),
		close: func() {
			stop()
			cancel(nil)
			_ = session.Err() // now it knows that the call is over
		},
	}
}

// Context returns the context for the handler. It ends with the call, or with the session:
// then its cause is a [*loginstage.LiveError].
func (s *Stream) Context() context.Context { return s.ctx }

// Close releases what the stream holds, when the handler has returned.
func (s *Stream) Close() { s.close() }

// Ended returns the denial that the stream ends with, once its session has ended, is
// restricted or has reached a limit, in this process or another one. nil: it goes on, or
// ended for another reason.
func (s *Stream) Ended() *loginstage.AccessError {
	for _, ctx := range []context.Context{s.ctx, s.session} {
		if ctx.Err() == nil {
			continue
		}
		if why, ok := errors.AsType[*loginstage.LiveError](context.Cause(ctx)); ok {
			return why.AccessError()
		}
	}
	return nil
}

// Receive calls receive, which waits for the client's next message, on a goroutine of its
// own, and returns its error, or what Ended does as soon as the session has ended. Then
// receive still runs, and what it receives into is its, until the framework ends the
// stream. A panic of receive is one of Receive, on the handler's goroutine.
func (s *Stream) Receive(receive func() error) (ended *loginstage.AccessError, err error) {
	if ended := s.Ended(); ended != nil {
		return ended, nil
	}
	go func() {
		var of received
		defer func() {
			of.panicked = recover()
			s.received <- of
		}()
		of.err = receive()
	}()
	var of received
	select {
	case of = <-s.received:
	case <-s.ctx.Done():
		if ended := s.Ended(); ended != nil {
			return ended, nil
		}
		of = <-s.received // the call is over
	}
	if of.panicked != nil {
		panic(of.panicked)
	}
	if ended := s.Ended(); ended != nil {
		return ended, nil
	}
	return nil, of.err
}
