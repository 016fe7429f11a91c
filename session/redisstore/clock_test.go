package redisstore_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestNowIsTheServers(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"single": shared(t), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			store, _ := open(t, client)
			clock, ok := session.StoreAs[session.Clock](store)
			require.True(t, ok)
			before := time.Now()
			now, err := clock.Now(t.Context())
			require.NoError(t, err)
			require.False(t, now.Before(before.Truncate(time.Microsecond)))
			require.False(t, now.After(time.Now()))
			require.Equal(t, time.UTC, now.Location())
		})
	}
}

// A time that a process with a clock ahead brings counts as the server's now.
func TestTouchAheadOfTheServersClock(t *testing.T) {
	client := shared(t)
	store, _ := open(t, client)
	for _, ahead := range []time.Duration{time.Second, 20 * time.Hour, 290 * 365 * 24 * time.Hour} {
		s := newSession("ada")
		s.Idle = time.Hour
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		before := time.Now().Truncate(time.Microsecond)
		ip := netip.MustParseAddr("192.0.2.7")
		drift := session.Drift{Reported: []string{"move"}}
		require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: before.Add(ahead), IP: ip, Drift: drift}))
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.False(t, got.LastSeen.Before(before), ahead)
		require.False(t, got.LastSeen.After(time.Now()), ahead)
		require.Equal(t, ip, got.IP)
		require.Equal(t, drift, got.Drift)
	}
}

// A LastSeen that was written by a clock that was wrong does not keep the session
// alive beyond its next use.
func TestTouchReplacesATimeThatIsAhead(t *testing.T) {
	store, _ := open(t, shared(t))
	for _, ahead := range []time.Duration{5 * time.Minute, 20 * time.Hour} {
		s := newSession("ada")
		s.LastSeen = time.Now().UTC().Add(ahead)
		s.Expires = s.LastSeen.Add(time.Hour)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		seen := session.Seen{Time: now.Add(time.Second), IP: netip.MustParseAddr("192.0.2.7")}
		require.NoError(t, store.Touch(t.Context(), s.ID, seen))
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, seen.Time, got.LastSeen)
		require.Equal(t, seen.IP, got.IP)
	}
}
