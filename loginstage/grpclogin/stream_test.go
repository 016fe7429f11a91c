package grpclogin_test

import (
	"context"
	"errors"
	"io"

	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// watch runs Watch until the test is over.
func watch(t *testing.T, login *loginstage.UserLogin) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- login.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
}

// busy sends until it cannot, and says that all went well.
func busy(stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(text)); err != nil {
		return err
	}
	for {
		if err := stream.SendMsg(wrapperspb.String("more")); err != nil {
			return nil //nolint:nilerror // what the client gets is not for the handler to say
		}
		time.Sleep(time.Millisecond)
	}
}

// waiting sends one message and waits until its context ends.
func waiting(stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(text)); err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String(loginstagetest.AdapterUser(loginstage.Current(stream.Context())))); err != nil {
		return err
	}
	<-stream.Context().Done()
	if _, ok := errors.AsType[*loginstage.LiveError](context.Cause(stream.Context())); !ok {
		return status.Error(codes.Aborted, "the context has another cause")
	}
	return errors.New("the handler's own error")
}

// streaming opens a stream, sends a message on it and receives the first.
func (c *client) streaming(method string) grpc.ClientStream {
	c.Helper()
	stream, err := c.tryStreaming(method)
	require.NoError(c, err)
	return stream
}

func (c *client) tryStreaming(method string) (grpc.ClientStream, error) {
	description := &grpc.StreamDesc{StreamName: method, ServerStreams: true, ClientStreams: true}
	stream, err := c.conn.NewStream(c.context(), description, "/shop.Shop/"+method)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(wrapperspb.String("hello")); err != nil {
		return nil, err
	}
	return stream, stream.RecvMsg(new(text))
}

// end returns how the stream ends.
func end(stream grpc.ClientStream) error {
	for {
		if err := stream.RecvMsg(new(text)); err != nil {
			return err
		}
	}
}

// Whatever ends the session ends what is open in it, whether the handler sends, receives
// or waits, and the client is told, whatever the handler says.
func TestStreamsEndWithTheSession(t *testing.T) {
	for name, way := range map[string]struct {
		config loginstage.Config
		do     func(t *testing.T, r *rig, c *client)
		code   codes.Code
		reason string
		extra  map[string]string
	}{
		"revoked": {loginstage.Config{}, func(t *testing.T, r *rig, _ *client) {
			_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
		}, codes.Unauthenticated, "SIGN_IN", map[string]string{"cause": "revoked"}},
		"signed out": {loginstage.Config{}, func(t *testing.T, _ *rig, c *client) {
			_, err := c.call("SignOut", "")
			require.NoError(t, err)
		}, codes.Unauthenticated, "SIGN_IN", map[string]string{"cause": "signed_out"}},
		"a new token": {loginstage.Config{}, func(t *testing.T, _ *rig, c *client) {
			_, err := c.call("Reauthenticate", "ada")
			require.NoError(t, err)
		}, codes.Unauthenticated, "SIGN_IN", map[string]string{"cause": "renewed"}},
		"broken": {loginstage.Config{}, func(t *testing.T, _ *rig, c *client) {
			thief := *c
			thief.ip = bindingtest.Paris
			_, err := thief.call("Private", "")
			denied(t, codes.Unauthenticated, "BROKEN", err)
		}, codes.Unauthenticated, "BROKEN", map[string]string{"cause": "binding_broken"}},
		"restricted": {loginstage.Config{Actions: binding.Always(binding.StepUp)}, func(t *testing.T, _ *rig, c *client) {
			thief := *c
			thief.ip = bindingtest.Paris
			_, err := thief.call("Private", "")
			denied(t, codes.PermissionDenied, "STEP_UP", err)
		}, codes.PermissionDenied, "STEP_UP", nil},
		"required": {loginstage.Config{}, func(t *testing.T, r *rig, _ *client) {
			sessions, err := r.stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			_, err = r.store.Update(t.Context(), sessions[0].ID, session.Update{Version: sessions[0].Version, Require: []string{"terms", "enrol"}})
			require.NoError(t, err)
		}, codes.PermissionDenied, "REQUIRED", map[string]string{"required": `["terms","enrol"]`}},
		"a limit": {loginstage.Config{SessionDuration: duration.Duration(time.Second)}, func(*testing.T, *rig, *client) {},
			codes.Unauthenticated, "SIGN_IN", map[string]string{"cause": "expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			var r *rig
			var c *client
			var goesOn grpc.ClientStream
			streams := map[string]grpc.ClientStream{}
			// The limit may come while a busy machine still opens streams.
			for config, opened := way.config, false; !opened; config.SessionDuration *= 2 {
				require.Less(t, config.SessionDuration, duration.Duration(time.Minute))
				opened = true
				worked := func(err error) {
					if name != "a limit" {
						require.NoError(t, err)
					}
					opened = opened && err == nil
				}
				r = open(t, config, nil)
				other := r.signedIn("bob")
				c = r.signedIn("ada")
				var err error
				for _, handler := range []string{"Watch", "Busy", "Waiting", "Public"} {
					streams[handler], err = c.tryStreaming(handler)
					worked(err)
				}
				goesOn, err = other.tryStreaming("Watch")
				worked(err)
				_, err = c.call("Private", "") // all of it was before the limit
				worked(err)
			}
			way.do(t, r, c)
			for handler, stream := range streams {
				extra := denied(t, way.code, way.reason, end(stream))
				assert.Equal(t, way.extra, extra, handler)
			}
			if name != "a limit" {
				require.NoError(t, goesOn.SendMsg(wrapperspb.String("still here")))
				require.NoError(t, goesOn.RecvMsg(new(text)))
			}
		})
	}
}

// A stream of nobody in particular goes on, and so does one that was opened by a
// restricted session.
func TestStreamsThatAreNotHeldToASession(t *testing.T) {
	r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) { g.Restricted = append(g.Restricted, "/shop.Shop/Watch") })
	anonymous := r.client().streaming("Public")
	restricted := r.signedIn("new-ada").streaming("Watch")
	ended := r.signedIn("bob").streaming("Watch")
	_, err := r.stage.RevokeUser(t.Context(), "bob", "operator")
	require.NoError(t, err)
	denied(t, codes.Unauthenticated, "SIGN_IN", end(ended))
	require.NoError(t, restricted.SendMsg(wrapperspb.String("still here")))
	require.NoError(t, restricted.RecvMsg(new(text)))
	require.NoError(t, anonymous.CloseSend())
	over := make(chan error, 1)
	go func() { over <- end(anonymous) }()
	select {
	case err := <-over:
		assert.Fail(t, "it has ended", "%v", err)
	case <-time.After(50 * time.Millisecond):
	}
}

// The host's own denial is what a stream ends with, too.
func TestDenyOfAStreamThatEnds(t *testing.T) {
	own := status.Error(codes.FailedPrecondition, "no")
	var told []loginstage.Denial
	var mu sync.Mutex
	r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) {
		g.Deny = func(_ context.Context, denied *loginstage.AccessError) error {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, denied.Denial)
			return own
		}
	})
	stream := r.signedIn("ada").streaming("Watch")
	_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	assert.Equal(t, codes.FailedPrecondition, status.Code(end(stream)))
	mu.Lock()
	defer mu.Unlock()
	assert.Contains(t, told, loginstage.DenialSignIn)
}

// A client that does not read holds a message back. Once the session has ended it gets
// that and what was sent before, and nothing else.
func TestAClientThatDoesNotRead(t *testing.T) {
	var sent atomic.Int64
	r := open(t, loginstage.Config{}, nil)
	over := make(chan struct{})
	r.flood = func(stream grpc.ServerStream) error {
		context.AfterFunc(stream.Context(), func() { close(over) })
		for {
			if err := stream.SendMsg(wrapperspb.String(strings.Repeat("x", 4<<10))); err != nil {
				return err
			}
			sent.Add(1)
		}
	}
	stream := r.signedIn("ada").streaming("Flood")
	var before int64
	require.Eventually(t, func() bool { // until nothing more fits
		last := before
		before = sent.Load()
		return before > 0 && before == last
	}, time.Minute, 50*time.Millisecond)
	_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	<-over
	before = sent.Load()
	denied(t, codes.Unauthenticated, "SIGN_IN", end(stream))
	assert.LessOrEqual(t, sent.Load(), before+1)
}

// Streams leave no goroutine behind, whoever ends them.
func TestStreamsLeaveNothingBehind(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("ada")
	c.is("ada", "Private")
	before := runtime.NumGoroutine()
	for range 3 {
		var streams []grpc.ClientStream
		for range 20 {
			streams = append(streams, c.streaming("Watch"), c.streaming("Busy"))
		}
		_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
		require.NoError(t, err)
		for _, stream := range streams {
			require.Error(t, end(stream))
		}
		c = r.signedIn("ada")
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, time.Minute, 10*time.Millisecond)
}

// fakeStream is a stream without a client.
type fakeStream struct {
	grpc.ServerStream
	ctx     context.Context
	receive func() error
	sent    int
}

func (s *fakeStream) Context() context.Context { return s.ctx }
func (s *fakeStream) SendMsg(any) error        { s.sent++; return nil }
func (s *fakeStream) RecvMsg(any) error        { return s.receive() }

// silentStream returns a stream of ada's whose client says nothing.
func silentStream(t *testing.T, stage *loginstagetest.Stage) *fakeStream {
	t.Helper()
	w := httptest.NewRecorder()
	call := loginstage.Call{RemoteAddr: "192.0.2.1:1"}
	_, err := stage.Begin(w, call.Request(t.Context()), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader)))
	return &fakeStream{ctx: ctx, receive: func() error {
		<-ctx.Done()
		return ctx.Err()
	}}
}

// through calls the handler behind the guard.
func (s *fakeStream) through(guard grpclogin.Guard, handler grpc.StreamHandler) error {
	return guard.Stream(nil, s, &grpc.StreamServerInfo{FullMethod: "/shop.Shop/Fake"}, handler)
}

// receiving waits for a message.
func receiving(_ any, stream grpc.ServerStream) error { return stream.RecvMsg(new(text)) }

func TestStreamsReachLimits(t *testing.T) {
	for name, test := range map[string]struct {
		use   bool
		after time.Duration
		cause session.Cause
	}{
		"idle":   {false, time.Hour, session.CauseIdle},
		"in use": {true, 5 * time.Hour, session.CauseExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, loginstage.Config{
					Carrier: session.Bearer{}, SessionDuration: duration.Duration(5 * time.Hour), IdleTimeout: duration.Duration(time.Hour),
				})
				watch(t, stage.UserLogin)
				synctest.Wait()
				began := time.Now()
				err := silentStream(t, stage).through(grpclogin.Guard{Login: stage.UserLogin, StreamsUse: test.use}, receiving)
				extra := denied(t, codes.Unauthenticated, "SIGN_IN", err)
				assert.Equal(t, map[string]string{"cause": string(test.cause)}, extra)
				assert.InDelta(t, test.after.Seconds(), time.Since(began).Seconds(), 1)
			})
		})
	}
}

// A host that forgets Watch, and one whose store is not heard, has no streams that
// outlive their sessions; the client is told to try again.
func TestStreamsOfAHostWithoutAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		began := time.Now()
		err := silentStream(t, stage).through(grpclogin.Guard{Login: stage.UserLogin}, receiving)
		denied(t, codes.Unavailable, "UNAVAILABLE", err)
		assert.LessOrEqual(t, time.Since(began), 31*time.Second)
	})
}

// A client that hangs up ends its stream at once, and gets what the handler says.
func TestStreamsOfAClientThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		watch(t, stage.UserLogin)
		stream := silentStream(t, stage)
		ctx, hangUp := context.WithCancel(stream.ctx)
		stream.ctx = ctx
		stream.receive = func() error {
			<-ctx.Done()
			return io.ErrUnexpectedEOF
		}
		began := time.Now()
		time.AfterFunc(time.Minute, hangUp)
		err := stream.through(grpclogin.Guard{Login: stage.UserLogin}, func(_ any, s grpc.ServerStream) error {
			<-s.Context().Done()
			assert.Equal(t, time.Minute, time.Since(began))
			require.ErrorIs(t, context.Cause(s.Context()), context.Canceled)
			_, live := errors.AsType[*loginstage.LiveError](context.Cause(s.Context()))
			assert.False(t, live)
			return s.RecvMsg(new(text))
		})
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// What the session's end catches in a handler: nothing is sent or received any more.
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		watch(t, stage.UserLogin)
		synctest.Wait()
		stream := silentStream(t, stage)
		stream.receive = func() error { return nil }
		err := stream.through(grpclogin.Guard{Login: stage.UserLogin}, func(_ any, s grpc.ServerStream) error {
			require.NoError(t, s.SendMsg(new(text)))
			require.NoError(t, s.RecvMsg(new(text)))
			stream.receive = func() error { // the session ends while a message arrives
				_, err := stage.RevokeUser(t.Context(), "ada", "operator")
				assert.NoError(t, err)
				<-s.Context().Done()
				return nil
			}
			denied(t, codes.Unauthenticated, "SIGN_IN", s.RecvMsg(new(text)))
			denied(t, codes.Unauthenticated, "SIGN_IN", s.RecvMsg(new(text)))
			denied(t, codes.Unauthenticated, "SIGN_IN", s.SendMsg(new(text)))
			return nil
		})
		denied(t, codes.Unauthenticated, "SIGN_IN", err)
		assert.Equal(t, 1, stream.sent)
	})
}

// A message that cannot be decoded may panic, in the goroutine of the handler, where the
// host recovers.
func TestAPanicWhileReceiving(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
	stream := silentStream(t, stage)
	stream.receive = func() error { panic("asked for") }
	assert.PanicsWithValue(t, "asked for", func() {
		_ = stream.through(grpclogin.Guard{Login: stage.UserLogin}, receiving)
	})
}

// A store that does not answer when a stream is opened opens none.
func TestStreamsWhereNobodyKnows(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}, Store: store})
	stream := silentStream(t, stage)
	called := false
	guard := grpclogin.Guard{Login: stage.UserLogin}
	store.Fail(errors.New("the store is down"))
	err := stream.through(guard, func(any, grpc.ServerStream) error { called = true; return nil })
	denied(t, codes.Unavailable, "UNAVAILABLE", err)
	assert.False(t, called)
}
