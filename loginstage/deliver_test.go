package loginstage_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// What ends is told by Deliver alone, in order, after an outage of the sink too,
// and to one of many that deliver.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []loginstage.Event
		failing := true
		store := newJournal()
		login, err := loginstage.New(loginstage.Config{
			Store: store, DurableEvents: true,
			Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
				if e.Action != loginstage.ActionLogout {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				if failing {
					return errors.New("out of order")
				}
				told = append(told, e)
				return nil
			}),
		})
		require.NoError(t, err)

		for range 3 {
			_, err := login.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		sessions, err := login.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		for _, s := range sessions {
			require.NoError(t, login.Revoke(t.Context(), "ada", s.ID, "admin"))
		}

		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 2 {
			running.Go(func() { assert.ErrorIs(t, login.Deliver(ctx), context.Canceled) })
		}
		time.Sleep(time.Minute)
		mu.Lock()
		assert.Empty(t, told)
		failing = false
		mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		running.Wait()

		require.Len(t, told, len(sessions))
		for i, s := range sessions {
			assert.Equal(t, s.ID, told[i].Session)
			assert.Equal(t, session.CauseRevoked, told[i].Cause)
			assert.Equal(t, "admin", told[i].Actor)
			assert.Equal(t, "Session revoked", told[i].Context.LogoutReason)
		}
		assert.Zero(t, store.undelivered())
	})
}

func TestDeliverNeedsAJournal(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{DurableEvents: true})
	require.ErrorContains(t, err, "DurableEvents true: want a Store that is a session.Journal")
	login, err := loginstage.New(loginstage.Config{Store: newJournal()})
	require.NoError(t, err)
	require.ErrorContains(t, login.Deliver(t.Context()), "DurableEvents false")
}

// What is told at once reads as what is delivered later, from what was written
// into the ending.
func TestAnEventReadsTheSameAtOnceAndLater(t *testing.T) {
	for name, test := range map[string]struct {
		config loginstage.Config
		to     netip.Addr
	}{
		"another prefix": {loginstage.Config{NetworkBinding: binding.NetworkASNNetwork}, bindingtest.BerlinOtherPrefix},
		"another city":   {loginstage.Config{GeoIPBinding: binding.GeoIPCity}, bindingtest.Munich},
		"elsewhere":      {loginstage.Config{NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCity}, bindingtest.Tokyo},
		"unknown":        {loginstage.Config{GeoIPBinding: binding.GeoIPContinent}, bindingtest.Unlocated},
		"explained":      {loginstage.Config{GeoIPBinding: binding.GeoIPCountry, ExplainEvents: true}, bindingtest.Paris},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.Store = memstore.New()
			stage, browser := open(t, test.config)
			signIn(t, browser, "ada")
			browser.MoveTo(test.to)
			browser.Get("/whoami?from=elsewhere")
			event := stage.Events.Last()
			require.Equal(t, session.CauseBroken, event.Cause)

			_, err := test.config.Store.Get(t.Context(), event.Session)
			ended, ok := errors.AsType[*session.EndedError](err)
			require.True(t, ok, err)
			var later loginstage.Context
			require.NoError(t, json.Unmarshal(ended.Ending.Detail, &later))
			later.LogoutReason = event.Context.LogoutReason
			want, err := json.Marshal(later)
			require.NoError(t, err)
			got, err := json.Marshal(event.Context)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
			assert.Equal(t, map[string]string{"from": "elsewhere"}, event.Context.HTTPRequest.Args)
		})
	}
}
