package rpclogin_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
	"github.com/mooring-go/mooring/session"
)

// opened returns a stream of ada's within the call's context, in a bubble, and her stage.
func opened(t *testing.T, call context.Context) (*rpclogin.Stream, *loginstagetest.Stage) {
	t.Helper()
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
	watch, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- stage.Watch(watch) }()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	synctest.Wait()

	w := rpclogin.HeaderWriter{}
	of := loginstage.Call{Path: "/shop.v1.Orders/Watch", RemoteAddr: "192.0.2.1:50000", Host: "api.example.com"}
	_, err := stage.Begin(w, of.Request(call), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	of.Header = http.Header{"Authorization": {"Bearer " + w.Header().Get(session.DefaultTokenHeader)}}
	ctx, err := stage.Authenticate(call, of)
	require.NoError(t, err)
	stream := rpclogin.Open(ctx, stage.UserLogin, false)
	t.Cleanup(stream.Close)
	return stream, stage
}

func TestReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, _ := opened(t, t.Context())
		failed := errors.New("the client is gone")
		for _, want := range []error{nil, failed} {
			ended, err := stream.Receive(func() error { return want })
			assert.Nil(t, ended)
			assert.Equal(t, want, err)
		}
		assert.PanicsWithValue(t, "a fault of the framework", func() {
			_, _ = stream.Receive(func() error { panic("a fault of the framework") })
		})
		assert.Nil(t, stream.Ended())
		assert.NoError(t, stream.Context().Err())
	})
}

// A Receive that waits for the client returns once the session has ended.
func TestReceiveEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, stage := opened(t, t.Context())
		never := make(chan struct{})
		defer close(never)
		go func() {
			time.Sleep(time.Hour)
			_, _ = stage.RevokeUser(context.Background(), "ada", "root")
		}()
		ended, err := stream.Receive(func() error { <-never; return nil })
		require.NoError(t, err)
		require.NotNil(t, ended)
		assert.Equal(t, loginstage.DenialSignIn, ended.Denial)
		assert.Equal(t, session.CauseRevoked, ended.Ending.Cause)
		assert.Error(t, stream.Context().Err())
		assert.Equal(t, session.CauseRevoked, stream.Ended().Ending.Cause)

		ended, _ = stream.Receive(func() error { t.Error("the stream has ended"); return nil })
		assert.NotNil(t, ended)
	})
}

// A call that is over has not ended with its session.
func TestAStreamWhoseCallIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, hangUp := context.WithCancel(t.Context())
		stream, _ := opened(t, call)
		ended, err := stream.Receive(func() error {
			hangUp()
			return call.Err()
		})
		assert.Nil(t, ended)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Nil(t, stream.Ended())
		assert.Error(t, stream.Context().Err())
	})
}

func TestAHeaderWriterTakesNoBody(t *testing.T) {
	w := rpclogin.HeaderWriter(httptest.NewRecorder().Header())
	w.WriteHeader(http.StatusTeapot)
	_, err := w.Write([]byte("a body"))
	assert.ErrorIs(t, err, http.ErrBodyNotAllowed)
	w.Header().Set("Mooring-Token", "secret")
	assert.Equal(t, "secret", http.Header(w).Get("Mooring-Token"))
}
