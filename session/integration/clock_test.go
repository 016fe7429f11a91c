package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// The clock is the server's, in whatever time zone the server or the session is.
func TestClock(t *testing.T) {
	zones := map[string]string{"pgx": "timezone=Asia/Kathmandu", "postgres": "timezone=Asia/Kathmandu", "mysql": "time_zone='%2B05:45'"}
	eachEngine(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		_, table := e.store(t, e.connect(t, dsn))
		if zone, ok := zones[e.driver]; ok {
			dsn = withOptions(dsn, zone)
		}
		store := e.over(t, e.connect(t, dsn), table)
		before := time.Now()
		told, err := store.Now(t.Context())
		require.NoError(t, err)
		require.WithinRange(t, told, before.Add(-time.Second), time.Now().Add(time.Second), "the server is on the same machine")
		require.Equal(t, time.UTC, told.Location())
		again, err := store.Now(t.Context())
		require.NoError(t, err)
		require.False(t, again.Before(told))
	})
}

// A process whose clock is ahead sweeps nothing that is live by the server's, and
// records no use that has not happened yet.
func TestAProcessThatIsAhead(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		store, _ := e.store(t, e.open(t))
		s := newSession("ada")
		s.Idle = time.Hour
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		swept, err := store.Sweep(t.Context(), time.Now().Add(24*time.Hour))
		require.NoError(t, err)
		require.Zero(t, swept)
		for _, drift := range []session.Drift{{}, {Reported: []string{"a"}}} {
			require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: time.Now().Add(20 * time.Hour), Drift: drift}))
			got, err := store.Get(t.Context(), s.ID)
			require.NoError(t, err)
			require.WithinRange(t, got.LastSeen, s.LastSeen, time.Now().Add(time.Second))
		}
	})
}
