package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestLimitsAreReachedAtTheirInstant(t *testing.T) {
	signIn := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name     string
		expires  time.Duration // after the sign-in
		lastSeen time.Duration // after the sign-in
		idle     time.Duration
		deadline time.Duration // after the sign-in
		cause    session.Cause
	}{
		{"absolute alone", time.Hour, 0, 0, time.Hour, session.CauseExpired},
		{"idle is nearer", time.Hour, 0, time.Minute, time.Minute, session.CauseIdle},
		{"idle is nearer by a nanosecond", time.Hour, 0, time.Hour - 1, time.Hour - 1, session.CauseIdle},
		{"both at once", time.Hour, 0, time.Hour, time.Hour, session.CauseExpired},
		{"absolute is nearer by a nanosecond", time.Hour, 0, time.Hour + 1, time.Hour, session.CauseExpired},
		{"use moves the idle limit", time.Hour, 10 * time.Minute, time.Minute, 11 * time.Minute, session.CauseIdle},
		{"use does not move the absolute limit", time.Hour, 59*time.Minute + 30*time.Second, time.Minute, time.Hour, session.CauseExpired},
		{"a nanosecond of idleness", time.Hour, 0, 1, 1, session.CauseIdle},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := session.Session{
				Created: signIn, LastSeen: signIn.Add(test.lastSeen), Expires: signIn.Add(test.expires), Idle: test.idle,
			}
			limit := signIn.Add(test.deadline)
			assert.Equal(t, limit, s.Deadline())
			assert.Empty(t, s.Overdue(limit.Add(-1)), "a nanosecond before")
			assert.Equal(t, test.cause, s.Overdue(limit), "at the limit")
			assert.Equal(t, test.cause, s.Overdue(limit.In(time.FixedZone("", 3600))), "at the limit, elsewhere")
			if test.deadline+1 < test.expires || test.cause == session.CauseExpired {
				assert.Equal(t, test.cause, s.Overdue(limit.Add(1)), "a nanosecond after")
			}
			assert.Equal(t, session.CauseExpired, s.Overdue(s.Expires), "the absolute limit is the reason once it is reached")
		})
	}
}

func TestReplaceEndsBecause(t *testing.T) {
	replace := session.Replace{Ending: session.Ending{Cause: session.CauseRevoked, Actor: "ada", Detail: []byte(`{}`)}}
	ending := replace.Because(session.CauseTerminated)
	assert.Equal(t, session.Ending{Cause: session.CauseTerminated, Actor: "ada", Detail: []byte(`{}`)}, ending)
	assert.Equal(t, session.CauseRevoked, replace.Ending.Cause, "the Replace is as it was")
}

func TestEndedErrorSaysWhyAndWhen(t *testing.T) {
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada"}
	err := &session.EndedError{Ended: session.Ended{Session: s, Ending: session.Ending{
		Cause: session.CauseBroken, Time: time.Date(2026, 11, 24, 9, 0, 0, 1, time.UTC),
	}}}
	assert.EqualError(t, err, "session: ended at 2026-11-24T09:00:00.000000001Z: binding_broken")
}

func TestValidateSaysEveryMistake(t *testing.T) {
	err := session.Session{
		ID: session.NewToken("bob").ID(), User: "ada", Created: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC),
		Expires: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), Idle: -1, MaxAge: -2, TellExpiry: -3,
	}.Validate()
	assert.ErrorIs(t, err, session.ErrInvalid)
	for _, part := range []string{
		`not of a token for user "ada"`, "Created 1600-01-01", "LastSeen 0001-01-01", "Expires 2300-01-01", "from 1678 to 2262",
		"Idle -1ns", "MaxAge -2ns", "TellExpiry -3ns", "want 0 or above",
	} {
		assert.ErrorContains(t, err, part)
	}
	assert.ErrorContains(t, session.Session{}.Validate(), "User of 0 bytes, want 1 to 512")
	now := time.Now()
	assert.NoError(t, session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now}.Validate())
}

func TestKindsHaveNames(t *testing.T) {
	assert.Equal(t, "session", session.KindSession.String())
	assert.Equal(t, "pending", session.KindPending.String())
	assert.Equal(t, "later", session.Kind("later").String())
}

// A store that wraps another one is asked for what that can do.
func TestStoreAsLooksBehindWrappers(t *testing.T) {
	journal := sessiontest.NewJournal()
	found, ok := session.StoreAs[session.Journal](wrapper{wrapper{journal}})
	assert.True(t, ok)
	assert.Same(t, journal, found)
	_, ok = session.StoreAs[session.InMemory](wrapper{memstore.New()})
	assert.True(t, ok)
	_, ok = session.StoreAs[session.Clock](wrapper{memstore.New()})
	assert.False(t, ok)
	_, ok = session.StoreAs[session.Journal](nil)
	assert.False(t, ok)
}
