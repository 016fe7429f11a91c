package loginstagetest_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/sink"
)

func TestEventsAreRecordedAndPassedOn(t *testing.T) {
	var passed []loginstage.Event
	stage := loginstagetest.New(t, loginstage.Config{Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
		passed = append(passed, e)
		return errors.New("lost")
	})})
	require.Zero(t, stage.Events.Last())

	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	browser.PostForm("/login", url.Values{"user": {"ada"}})
	browser.PostForm("/logout", nil)
	require.Equal(t, passed, stage.Events.Events())
	require.Len(t, stage.Events.Of(loginstage.ActionLogin), 1)
	require.Equal(t, loginstage.ActionLogout, stage.Events.Last().Action)
	require.EqualValues(t, 2, stage.LostEvents(), "what becomes of them elsewhere is not hidden")

	stage.Events.Reset()
	require.Empty(t, stage.Events.Events())
}

func TestEventsOnTheirWayAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			time.Sleep(time.Second) // the events after this one wait
			return nil
		})})
		browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
		for range 3 {
			browser.PostForm("/login", url.Values{"user": {"ada"}})
			browser.PostForm("/logout", nil)
		}
		require.Len(t, stage.Events.Events(), 6)
	})
}

func TestASinkThatHangsIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		stage := loginstagetest.New(t, loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			<-release
			return nil
		})})
		browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
		browser.PostForm("/login", url.Values{"user": {"ada"}})
		began := time.Now()
		require.Equal(t, loginstage.ActionLogin, stage.Events.Last().Action)
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}
