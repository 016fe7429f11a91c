package session_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestStartGivesANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		started := r.start(t, session.Session{User: "ada", MaxAge: time.Minute})
		assert.Equal(t, r.carrier.token.ID(), started.ID)
		assert.Equal(t, time.Minute, r.carrier.maxAge)
		assert.Equal(t, time.Now().UTC(), started.Created)
		assert.Equal(t, started.Created, started.LastSeen)
		loaded, err := r.Load(request())
		require.NoError(t, err)
		assert.Equal(t, started, loaded)
		assert.Equal(t, []string{"write"}, r.carrier.done)

		given := time.Date(1999, 2, 3, 4, 5, 6, 7, time.UTC)
		kept := r.start(t, session.Session{User: "ada", Created: given, LastSeen: given.Add(time.Second)})
		assert.Equal(t, given, kept.Created)
		assert.Equal(t, given.Add(time.Second), kept.LastSeen)
	})
}

// The token of before is dead, and the carrier cleared before it is written
// unless it was the same user's.
func TestStartReplacesWhatWasBefore(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(t *testing.T, r *rig)
		done   []string
		causes []session.Cause
	}{
		{"nothing", func(*testing.T, *rig) {}, []string{"write"}, nil},
		{"the same user's", func(t *testing.T, r *rig) { r.start(t, session.Session{User: "ada"}) }, []string{"write"}, []session.Cause{session.CauseReplaced}},
		{"the same user's, of another kind", func(t *testing.T, r *rig) {
			r.start(t, session.Session{User: "ada", Kind: session.KindPending})
		}, []string{"write"}, nil},
		{"the same user's, ended", func(t *testing.T, r *rig) {
			s := r.start(t, session.Session{User: "ada"})
			_, err := r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
			require.NoError(t, err)
		}, []string{"write"}, []session.Cause{session.CauseRevoked}},
		{"another user's", func(t *testing.T, r *rig) { r.start(t, session.Session{User: "bob"}) }, []string{"clear", "write"}, []session.Cause{session.CauseReplaced}},
		{"another user's, ended", func(t *testing.T, r *rig) {
			s := r.start(t, session.Session{User: "bob"})
			_, err := r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
			require.NoError(t, err)
		}, []string{"clear", "write"}, []session.Cause{session.CauseRevoked}},
		{"nobody's", func(_ *testing.T, r *rig) { r.carrier.token = session.NewToken("ada") }, []string{"clear", "write"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			test.before(t, r)
			before := r.carrier.token
			r.carrier.done = nil
			started := r.start(t, session.Session{User: "ada"})
			assert.Equal(t, test.done, r.carrier.done)
			assert.Equal(t, test.causes, r.causes())
			assert.NotEqual(t, before.ID(), started.ID)
			if !before.IsZero() {
				_, err := r.Get(t.Context(), before.ID(), session.KindSession)
				assert.Error(t, err)
			}
			listed, err := r.List(t.Context(), "ada", session.KindSession)
			require.NoError(t, err)
			assert.Len(t, listed, 1)
		})
	}
}

func TestStartSaysWhatItReplaces(t *testing.T) {
	r := newRig(t)
	first := r.start(t, session.Session{User: "ada"})
	r.carrier.token = session.Token{} // another browser
	second := r.start(t, session.Session{User: "ada"})
	_, err := r.Start(httptest.NewRecorder(), request(), session.Session{User: "ada", Expires: r.Now(t.Context()).Add(time.Hour)},
		session.Replace{Before: first.ID, Ending: session.Ending{Actor: "ada"}})
	require.NoError(t, err)
	require.Len(t, r.ended, 1)
	assert.Equal(t, first.ID, r.ended[0].Session.ID, "what is named goes before what the carrier has")
	assert.Equal(t, "ada", r.ended[0].Ending.Actor)
	_, err = r.Get(t.Context(), second.ID, session.KindSession)
	assert.NoError(t, err)
}

func TestStartThatFails(t *testing.T) {
	fresh := session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}
	for name, test := range map[string]struct {
		spoil func(r *rig)
		ended []session.Cause
	}{
		"reading":   {func(r *rig) { r.carrier.readErr = errOut }, nil},
		"the store": {func(r *rig) { r.store.err = errOut }, nil},
		"writing":   {func(r *rig) { r.carrier.writeErr = errOut }, []session.Cause{session.CauseReplaced, session.CauseNotCarried}},
		"clearing":  {func(r *rig) { r.carrier.err = errOut }, []session.Cause{session.CauseReplaced, session.CauseNotCarried}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.start(t, session.Session{User: "bob"})
			test.spoil(r)
			ctx, cancel := context.WithCancel(t.Context())
			s, err := r.Start(httptest.NewRecorder(), request().WithContext(ctx), fresh, session.Replace{})
			cancel()
			assert.ErrorIs(t, err, errOut)
			assert.Zero(t, s)
			r.store.err = nil
			listed, err := r.List(t.Context(), "ada", session.KindSession)
			require.NoError(t, err)
			assert.Empty(t, listed, "nobody has the token of it")
			assert.Equal(t, test.ended, r.causes())
		})
	}
}

// The session whose token could not be given is ended though the client is gone.
func TestStartThatFailsEndsWhateverBecameOfTheRequest(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.carrier.writeErr = errOut
	r.store.Store = cancelAfterStart{r.store.Store, cancel}
	_, err := r.Start(httptest.NewRecorder(), request().WithContext(ctx), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{})
	require.ErrorIs(t, err, errOut)
	assert.Equal(t, []session.Cause{session.CauseNotCarried}, r.causes())
}

type cancelAfterStart struct {
	session.Store
	cancel func()
}

func (s cancelAfterStart) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	defer s.cancel()
	return s.Store.Start(ctx, started, replace)
}

func (s cancelAfterStart) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if err := ctx.Err(); err != nil {
		return session.Session{}, err
	}
	return s.Store.End(ctx, id, ending)
}
