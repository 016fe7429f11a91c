package redisstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestAKindThatIsNamedTwiceCountsOnce(t *testing.T) {
	store, _ := open(t, shared(t))
	_, s := signedIn(t, store)
	device := newSession("ada")
	device.Kind = session.KindDevice
	_, err := store.Start(t.Context(), device, session.Replace{})
	require.NoError(t, err)
	list, err := store.List(t.Context(), "ada", session.KindSession, session.KindSession)
	require.NoError(t, err)
	require.Equal(t, []session.Session{s}, list)
	ended, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked), session.KindSession, session.KindSession)
	require.NoError(t, err)
	require.Equal(t, []session.Session{s}, ended)
}

// Kinds whose names begin alike, or look like syntax, are told apart.
func TestOddKinds(t *testing.T) {
	store, _ := open(t, shared(t))
	kinds := []session.Kind{"", "s", "p", "x", "x:", "session", "pending", "device", "later", "later:", "laterg", "later g", "%", "\x00", "ü"}
	byKind := map[session.Kind]session.Session{}
	for _, kind := range kinds {
		s := newSession("ada")
		s.Kind = kind
		_, err := store.Start(t.Context(), s, session.Replace{Max: 1, Ending: newEnding("")})
		require.NoError(t, err)
		byKind[kind] = s
	}
	for i, kind := range kinds {
		list, err := store.List(t.Context(), "ada", kind)
		require.NoError(t, err)
		require.Equal(t, []session.Session{byKind[kind]}, list, "%q", kind)
		ended, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked), kind)
		require.NoError(t, err)
		require.Equal(t, []session.Session{byKind[kind]}, ended, "%q", kind)
		list, err = store.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, list, len(kinds)-i-1)
	}
}
