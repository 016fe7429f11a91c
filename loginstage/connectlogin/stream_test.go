package connectlogin_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/connectlogin"
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

// echo says what it hears.
func echo(_ context.Context, stream *connect.BidiStream[text, text]) error {
	for {
		in, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(in); err != nil {
			return err
		}
	}
}

// waiting echoes one message and waits until its context ends.
func waiting(ctx context.Context, stream *connect.BidiStream[text, text]) error {
	in, err := stream.Receive()
	if err != nil {
		return err
	}
	if err := stream.Send(in); err != nil {
		return err
	}
	<-ctx.Done()
	return errors.New("the handler's own error")
}

// busy sends until it cannot, and says that all went well.
func busy(_ context.Context, stream *connect.BidiStream[text, text]) error {
	if _, err := stream.Receive(); err != nil {
		return err
	}
	for stream.Send(wrapperspb.String("more")) == nil {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// ticks sends until its context ends.
func ticks(ctx context.Context, _ *connect.Request[text], stream *connect.ServerStream[text]) error {
	for ctx.Err() == nil {
		if err := stream.Send(wrapperspb.String("tick")); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// collect receives until the client has said everything, and tells the test of it.
func (r *rig) collect(_ context.Context, stream *connect.ClientStream[text]) (*connect.Response[text], error) {
	defer func() { r.collected <- "the end" }()
	for stream.Receive() {
		r.collected <- stream.Msg().Value
	}
	if stream.Err() != nil {
		return nil, stream.Err()
	}
	return connect.NewResponse(wrapperspb.String("collected")), nil
}

// A conversation is an open stream, and how it ends.
type conversation struct {
	end  func() error
	done func()
}

// collecting opens a stream of "Collect".
func (c *client) collecting() *connect.ClientStreamForClient[text, text] {
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	c.Cleanup(cancel)
	stream := c.remote("Collect").CallClientStream(ctx)
	maps.Copy(stream.RequestHeader(), c.request("").Header())
	return stream
}

// converse opens a stream of the method and makes sure that its handler runs.
func (c *client) converse(method string) conversation {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	c.Cleanup(cancel)
	switch method {
	case "Ticks":
		stream, err := c.remote(method).CallServerStream(ctx, c.request(""))
		require.NoError(c, err)
		require.True(c, stream.Receive(), "%v", stream.Err())
		return conversation{func() error {
			for stream.Receive() {
			}
			return stream.Err()
		}, cancel}
	case "Collect":
		stream := c.collecting()
		require.NoError(c, stream.Send(wrapperspb.String("hello")))
		require.Equal(c, "hello", <-c.collected)
		return conversation{func() error {
			require.Equal(c, "the end", <-c.collected)
			_, err := stream.CloseAndReceive()
			return err
		}, cancel}
	}
	stream := c.remote(method).CallBidiStream(ctx)
	maps.Copy(stream.RequestHeader(), c.request("").Header())
	require.NoError(c, stream.Send(wrapperspb.String("hello")))
	_, err := stream.Receive()
	require.NoError(c, err)
	return conversation{func() error {
		for {
			if _, err := stream.Receive(); err != nil {
				return err
			}
		}
	}, cancel}
}

// streaming returns the methods that the protocol can call as streams: bidirectional ones
// need HTTP/2.
func (p protocol) streaming() []string {
	methods := []string{"Ticks", "Collect"}
	if p.http2 {
		methods = append(methods, "Echo", "Waiting", "Busy", "Public")
	}
	return methods
}

// eachStreaming runs the test in every protocol, with the interceptor alone and behind
// guards of net/http.
func eachStreaming(t *testing.T, config loginstage.Config, test func(t *testing.T, r *rig)) {
	for name, p := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Run("interceptor", func(t *testing.T) { test(t, open(t, p, config, mounting{interceptor: true})) })
			t.Run("both", func(t *testing.T) { test(t, open(t, p, config, mounting{interceptor: true, guards: true})) })
		})
	}
}

// oneStreaming runs the test in one protocol.
func oneStreaming(t *testing.T, config loginstage.Config, test func(t *testing.T, r *rig)) {
	test(t, open(t, protocols["Connect over HTTP/2"], config, mounting{interceptor: true}))
}

// Whatever ends the session ends what is open in it, whether the handler sends, receives
// or waits, and the client is told, whatever the handler says.
func TestStreamsEndWithTheSession(t *testing.T) {
	for name, way := range map[string]struct {
		config loginstage.Config
		do     func(t *testing.T, r *rig, c *client)
		code   connect.Code
		reason string
		extra  map[string]string
	}{
		"revoked": {loginstage.Config{}, func(t *testing.T, r *rig, _ *client) {
			_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
		}, connect.CodeUnauthenticated, "SIGN_IN", map[string]string{"cause": "revoked"}},
		"signed out": {loginstage.Config{}, func(t *testing.T, _ *rig, c *client) {
			_, err := c.call("SignOut", "")
			require.NoError(t, err)
		}, connect.CodeUnauthenticated, "SIGN_IN", map[string]string{"cause": "signed_out"}},
		"broken": {loginstage.Config{}, func(t *testing.T, _ *rig, c *client) {
			c.ip = bindingtest.Paris
			_, err := c.call("Private", "")
			denied(t, connect.CodeUnauthenticated, "BROKEN", err)
		}, connect.CodeUnauthenticated, "BROKEN", map[string]string{"cause": "binding_broken"}},
		"restricted": {loginstage.Config{Actions: binding.Always(binding.StepUp)}, func(t *testing.T, _ *rig, c *client) {
			c.ip = bindingtest.Paris
			_, err := c.call("Private", "")
			denied(t, connect.CodePermissionDenied, "STEP_UP", err)
		}, connect.CodePermissionDenied, "STEP_UP", nil},
		"required": {loginstage.Config{}, func(t *testing.T, r *rig, _ *client) {
			sessions, err := r.stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			_, err = r.store.Update(t.Context(), sessions[0].ID, session.Update{Version: sessions[0].Version, Require: []string{"terms"}})
			require.NoError(t, err)
		}, connect.CodePermissionDenied, "REQUIRED", map[string]string{"required": `["terms"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			run := oneStreaming
			if name == "revoked" {
				run = eachStreaming
			}
			run(t, way.config, func(t *testing.T, r *rig) {
				c, other := r.signedIn("ada"), r.signedIn("bob")
				open := map[string]conversation{}
				for _, method := range r.streaming() {
					open[method] = c.converse(method)
				}
				goesOn := other.converse("Ticks")
				way.do(t, r, c)
				for method, stream := range open {
					assert.Equal(t, way.extra, denied(t, way.code, way.reason, stream.end()), method)
				}
				over := make(chan error, 1)
				go func() { over <- goesOn.end() }()
				select {
				case err := <-over:
					assert.Fail(t, "another session's stream has ended", "%v", err)
				case <-time.After(20 * time.Millisecond):
				}
				goesOn.done()
				assert.Equal(t, connect.CodeCanceled, connect.CodeOf(<-over))
			})
		})
	}
}

// The host's own denial is what a stream ends with, too.
func TestDenyOfAStreamThatEnds(t *testing.T) {
	own := connect.NewError(connect.CodeFailedPrecondition, errors.New("no"))
	r := open(t, protocols["Connect over HTTP/2"], loginstage.Config{}, mounting{interceptor: true, spoil: func(g *connectlogin.Guard) {
		g.Deny = func(context.Context, *loginstage.AccessError) error { return own }
	}})
	stream := r.signedIn("ada").converse("Echo")
	_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	assert.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(stream.end()))
}

// Over HTTP/1.1 net/http reads what the client says before it answers: the handler ends
// with the session, and the client is told when it has said everything.
func TestClientStreamsOverHTTP1(t *testing.T) {
	for _, name := range []string{"Connect over HTTP/1.1", "gRPC-Web over HTTP/1.1"} {
		t.Run(name, func(t *testing.T) {
			r := open(t, protocols[name], loginstage.Config{}, mounting{interceptor: true})
			stream := r.signedIn("ada").collecting()
			require.NoError(t, stream.Send(wrapperspb.String("hello")))
			require.Equal(t, "hello", <-r.collected)
			_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
			require.Equal(t, "the end", <-r.collected)
			require.NoError(t, stream.Send(wrapperspb.String("nobody hears it")))
			_, err = stream.CloseAndReceive()
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
			assert.Empty(t, r.collected)
		})
	}
}

// Streams leave no goroutine behind, whoever ends them.
func TestStreamsLeaveNothingBehind(t *testing.T) {
	r := open(t, protocols["gRPC over HTTP/2"], loginstage.Config{}, mounting{interceptor: true})
	c := r.signedIn("ada")
	c.is("ada", "Private")
	before := runtime.NumGoroutine()
	for range 3 {
		var streams []conversation
		for range 10 {
			streams = append(streams, c.converse("Echo"), c.converse("Busy"), c.converse("Ticks"))
		}
		_, err := r.stage.RevokeUser(t.Context(), "ada", "operator")
		require.NoError(t, err)
		for _, stream := range streams {
			require.Error(t, stream.end())
		}
		c = r.signedIn("ada")
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, time.Minute, 10*time.Millisecond)
}

// fakeConn is a stream without a client.
type fakeConn struct {
	connect.StreamingHandlerConn
	header  http.Header
	receive func() error
	sent    int
}

func (c *fakeConn) Spec() connect.Spec          { return connect.Spec{Procedure: "/shop.Shop/Fake"} }
func (c *fakeConn) Peer() connect.Peer          { return connect.Peer{Addr: "192.0.2.1:1"} }
func (c *fakeConn) RequestHeader() http.Header  { return c.header }
func (c *fakeConn) ResponseHeader() http.Header { return http.Header{} }
func (c *fakeConn) Receive(any) error           { return c.receive() }
func (c *fakeConn) Send(any) error              { c.sent++; return nil }

// silentConn returns a stream of ada's whose client says nothing, until ctx ends.
func silentConn(t *testing.T, stage *loginstagetest.Stage, ctx context.Context) *fakeConn {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := stage.Begin(w, loginstage.Call{RemoteAddr: "192.0.2.1:1"}.Request(t.Context()), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	header := http.Header{"Authorization": {"Bearer " + w.Header().Get(session.DefaultTokenHeader)}}
	return &fakeConn{header: header, receive: func() error {
		<-ctx.Done()
		return io.ErrUnexpectedEOF
	}}
}

func receiving(_ context.Context, conn connect.StreamingHandlerConn) error {
	return conn.Receive(new(text))
}

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
				guard := connectlogin.Guard{Login: stage.UserLogin, StreamsUse: test.use}
				err := guard.WrapStreamingHandler(receiving)(t.Context(), silentConn(t, stage, t.Context()))
				extra := denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
				assert.Equal(t, map[string]string{"cause": string(test.cause)}, extra)
				assert.InDelta(t, test.after.Seconds(), time.Since(began).Seconds(), 1)
			})
		})
	}
}

// A host that forgets Watch has no streams that outlive their sessions; the client is told
// to try again.
func TestStreamsOfAHostWithoutAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		began := time.Now()
		guard := connectlogin.Guard{Login: stage.UserLogin}
		err := guard.WrapStreamingHandler(receiving)(t.Context(), silentConn(t, stage, t.Context()))
		denied(t, connect.CodeUnavailable, "UNAVAILABLE", err)
		assert.LessOrEqual(t, time.Since(began), 31*time.Second)
	})
}

// A client that hangs up ends its stream at once, and gets what the handler says.
func TestStreamsOfAClientThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		watch(t, stage.UserLogin)
		ctx, hangUp := context.WithCancel(t.Context())
		began := time.Now()
		time.AfterFunc(time.Minute, hangUp)
		guard := connectlogin.Guard{Login: stage.UserLogin}
		err := guard.WrapStreamingHandler(func(ctx context.Context, conn connect.StreamingHandlerConn) error {
			<-ctx.Done()
			assert.Equal(t, time.Minute, time.Since(began))
			_, live := errors.AsType[*loginstage.LiveError](context.Cause(ctx))
			assert.False(t, live)
			return conn.Receive(new(text))
		})(ctx, silentConn(t, stage, ctx))
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// What the session's end catches in a handler: nothing is sent or received any more.
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
		watch(t, stage.UserLogin)
		synctest.Wait()
		fake := silentConn(t, stage, t.Context())
		fake.receive = func() error { return nil }
		guard := connectlogin.Guard{Login: stage.UserLogin}
		err := guard.WrapStreamingHandler(func(ctx context.Context, conn connect.StreamingHandlerConn) error {
			require.NoError(t, conn.Send(new(text)))
			require.NoError(t, conn.Receive(new(text)))
			fake.receive = func() error { // the session ends while a message arrives
				_, err := stage.RevokeUser(t.Context(), "ada", "operator")
				assert.NoError(t, err)
				<-ctx.Done()
				return nil
			}
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", conn.Receive(new(text)))
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", conn.Receive(new(text)))
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", conn.Send(new(text)))
			return nil
		})(t.Context(), fake)
		denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
		assert.Equal(t, 1, fake.sent)
	})
}

// A message that cannot be decoded may panic, in the goroutine of the handler, where the
// host recovers.
func TestAPanicWhileReceiving(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
	fake := silentConn(t, stage, t.Context())
	fake.receive = func() error { panic("asked for") }
	assert.PanicsWithValue(t, "asked for", func() {
		_ = connectlogin.Guard{Login: stage.UserLogin}.WrapStreamingHandler(receiving)(t.Context(), fake)
	})
}
