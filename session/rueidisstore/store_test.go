package rueidisstore_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// kit runs the rules of stores on the client, each on keys of its own.
func kit(t *testing.T, client *rueidisstore.Client) {
	opened := 0
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		opened++
		store, err := rueidisstore.New(client, rueidisstore.Config{Prefix: fmt.Sprint(prefix, opened)})
		require.NoError(t, err)
		return store
	})
}

func TestStore(t *testing.T) {
	kit(t, dial(t, []*redistest.Server{redistest.Run(t)}))
}

// A connection of its own for each command, which go-redis has too.
func TestStoreThatDoesNotPipeline(t *testing.T) {
	if os.Getenv("MOORING_LONG") != "1" {
		t.Skip("long: MOORING_LONG=1")
	}
	kit(t, dial(t, []*redistest.Server{redistest.Run(t)}, func(o *rueidis.ClientOption) { o.DisableAutoPipelining = true }))
}

func TestStoreInCluster(t *testing.T) {
	t.Parallel()
	kit(t, dial(t, redistest.Cluster(t)))
}

func TestStoreUnderSentinel(t *testing.T) {
	if os.Getenv("MOORING_LONG") != "1" {
		t.Skip("long: MOORING_LONG=1")
	}
	t.Parallel()
	_, _, sentinel := redistest.Watched(t)
	kit(t, dial(t, []*redistest.Server{sentinel}, func(o *rueidis.ClientOption) { o.Sentinel.MasterSet = redistest.MasterSet }))
}

// A server that forgot the scripts gets them again, in one command and in many.
func TestScriptsThatTheServerForgot(t *testing.T) {
	store, server := alone(t)
	a, b := signedIn(t, store, "ada"), signedIn(t, store, "bob")
	ending := newEnding(session.CauseSignedOut)
	ending.Journal = true
	for _, s := range []session.Session{a, b} {
		server.Do(t, "SCRIPT", "FLUSH")
		_, err := store.End(t.Context(), s.ID, ending)
		require.NoError(t, err)
	}
	leased, err := store.Lease(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, leased, 2)
	server.Do(t, "SCRIPT", "FLUSH")
	require.NoError(t, store.Delivered(t.Context(), a.ID, b.ID))
	leased, err = store.Lease(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, leased)
	require.NotContains(t, fmt.Sprint(server.Do(t, "KEYS", "*")), "}:j:")
	require.True(t, strings.Contains(fmt.Sprint(server.Do(t, "KEYS", "*")), keyOf(a.ID)))
}
