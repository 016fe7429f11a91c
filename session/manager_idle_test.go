package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A session that can be resumed is restricted at its idle limit, to the nanosecond, by
// the store's clock, and once. It is over at its Deadline, whatever it is used for.
func TestAnIdleSessionIsRestricted(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"clocks agree": 0, "the store's clock is ahead": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &clocked{Store: memstore.New(), ahead: ahead}
				var told []session.ID
				open := func() *session.Manager {
					m, err := session.NewManager(session.Config{Store: store, OnIdle: func(_ context.Context, s session.Session) { told = append(told, s.ID) }})
					require.NoError(t, err)
					m.Now(t.Context())
					return m
				}
				m, other := open(), open()
				now := m.Now(t.Context())
				token, s, err := m.Issue(t.Context(), session.Session{
					User: "ada", Expires: now.Add(10 * time.Hour), Idle: time.Hour, Resume: time.Hour,
				}, session.Replace{})
				require.NoError(t, err)
				require.Equal(t, s.LastSeen.Add(time.Hour), s.IdleAt())
				require.Equal(t, s.LastSeen.Add(2*time.Hour), s.Deadline())
				restricted := func(m *session.Manager) binding.Reason {
					found, err := m.Authenticate(t.Context(), token)
					require.NoError(t, err)
					listed, err := m.List(t.Context(), "ada", session.KindSession)
					require.NoError(t, err)
					require.Len(t, listed, 1)
					require.Equal(t, found.Drift.Restricted, listed[0].Drift.Restricted)
					return found.Drift.Restricted
				}
				time.Sleep(time.Hour - 1)
				assert.Empty(t, restricted(m))
				time.Sleep(1)
				listed, err := other.List(t.Context(), "ada", session.KindSession)
				require.NoError(t, err)
				assert.Equal(t, session.RestrictedIdle, listed[0].Drift.Restricted, "though nobody has come yet")
				stored, err := store.Get(t.Context(), s.ID)
				require.NoError(t, err)
				assert.Empty(t, stored.Drift.Restricted, "a list writes nothing")
				assert.Equal(t, session.RestrictedIdle, restricted(m))
				assert.Equal(t, session.RestrictedIdle, restricted(other))
				assert.Equal(t, []session.ID{s.ID}, told, "once")

				found, err := m.Authenticate(t.Context(), token)
				require.NoError(t, err)
				used, err := m.Touch(t.Context(), found, session.Seen{
					Time: m.Now(t.Context()), IP: binding.Location{}.IP, Drift: session.Drift{Moves: []time.Time{now}, Reported: []string{"move"}},
				})
				require.NoError(t, err)
				assert.Equal(t, s.LastSeen, used.LastSeen)
				assert.Empty(t, used.Drift.Moves)
				assert.Equal(t, []string{"move"}, used.Drift.Reported)

				time.Sleep(time.Hour - 1)
				assert.Equal(t, session.RestrictedIdle, restricted(m))
				time.Sleep(1)
				_, err = m.Authenticate(t.Context(), token)
				var ended *session.EndedError
				require.ErrorAs(t, err, &ended)
				assert.Equal(t, session.CauseIdle, ended.Ending.Cause)
			})
		})
	}
}

// A LastSeen ahead of the clock says nothing of when a session was used: it has been idle
// since it was created.
func TestAWrongClockKeepsNoSessionFromBeingIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		m, err := session.NewManager(session.Config{Store: store})
		require.NoError(t, err)
		now := time.Now().UTC()
		token := session.NewToken("ada")
		_, err = store.Start(t.Context(), session.Session{
			ID: token.ID(), User: "ada", Created: now, LastSeen: now.Add(20 * time.Hour), Expires: now.Add(100 * time.Hour), Idle: time.Hour, Resume: time.Hour,
		}, session.Replace{})
		require.NoError(t, err)
		time.Sleep(time.Hour - 1)
		found, err := m.Authenticate(t.Context(), token)
		require.NoError(t, err)
		require.Empty(t, found.Drift.Restricted)
		time.Sleep(1)
		found, err = m.Authenticate(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, session.RestrictedIdle, found.Drift.Restricted)
	})
}

func TestResumeNeedsAnIdle(t *testing.T) {
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: time.Now(), LastSeen: time.Now(), Expires: time.Now().Add(time.Hour)}
	require.NoError(t, s.Validate())
	for _, change := range []func(*session.Session){
		func(s *session.Session) { s.Resume = time.Second },
		func(s *session.Session) { s.Idle, s.Resume = time.Second, -1 },
		func(s *session.Session) { s.Device = "a\nb" },
	} {
		broken := s
		change(&broken)
		require.ErrorIs(t, broken.Validate(), session.ErrInvalid)
	}
}
