package rueidisstore_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

const prefix = "shop"

// dial returns a client of the servers, closed when the test is over.
func dial(t testing.TB, servers []*redistest.Server, change ...func(*rueidis.ClientOption)) *rueidisstore.Client {
	t.Helper()
	var option rueidis.ClientOption
	for _, server := range servers {
		option.InitAddress = append(option.InitAddress, server.Addr)
	}
	for _, change := range change {
		change(&option)
	}
	client, err := rueidisstore.Dial(option)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// open returns a store on the client.
func open(t testing.TB, client *rueidisstore.Client) *rueidisstore.Store {
	t.Helper()
	store, err := rueidisstore.New(client, rueidisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	return store
}

// alone starts a server, with further arguments, and returns a store on it.
func alone(t testing.TB, args ...string) (*rueidisstore.Store, *redistest.Server) {
	t.Helper()
	server := redistest.Run(t, args...)
	return open(t, dial(t, []*redistest.Server{server})), server
}

// watched starts a master, its replica and a Sentinel, and returns a store on the master.
func watched(t testing.TB) (store *rueidisstore.Store, master, replica, sentinel *redistest.Server) {
	t.Helper()
	master, replica, sentinel = redistest.Watched(t)
	client := dial(t, []*redistest.Server{sentinel}, func(o *rueidis.ClientOption) { o.Sentinel.MasterSet = redistest.MasterSet })
	return open(t, client), master, replica, sentinel
}

// keyOf returns the key of a session.
func keyOf(id session.ID) string { return prefix + ":{" + id.Shard() + "}:s:" + id.String() }

// now is some seconds ago, so that it is past by the server's clock, by which the
// keys expire.
var now = time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)

func newSession(user string) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: user, Method: "password", Stage: "login",
		Created: now, LastSeen: now, Expires: now.Add(2 * time.Hour),
	}
}

// signedIn returns a live session of the user.
func signedIn(t testing.TB, store *rueidisstore.Store, user string) session.Session {
	t.Helper()
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	return s
}

func newEnding(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: now, Keep: now.Add(time.Hour)}
}
