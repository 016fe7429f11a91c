package redisstore_test

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// telling returns a session that reached a limit a minute ago, absolute or idle, and whose
// expiry is to be told.
func telling(user string, cause session.Cause) session.Session {
	s := newSession(user)
	s.Created, s.LastSeen = now.Add(-time.Hour), now.Add(-time.Hour)
	s.TellExpiry = 3 * time.Hour
	switch cause {
	case session.CauseIdle:
		s.Idle = time.Hour - time.Minute
	default:
		s.Expires = now.Add(-time.Minute)
	}
	return s
}

func TestSweepTellsOfExpiryOnce(t *testing.T) {
	for _, cause := range []session.Cause{session.CauseExpired, session.CauseIdle} {
		t.Run(string(cause), func(t *testing.T) {
			client := shared(t)
			store, _ := open(t, client)
			s, quiet, live := telling("ada", cause), telling("ada", cause), newSession("ada")
			quiet.TellExpiry, live.TellExpiry = 0, time.Hour
			for _, each := range []session.Session{s, quiet, live} {
				_, err := store.Start(t.Context(), each, session.Replace{})
				require.NoError(t, err)
			}
			swept, err := store.Sweep(t.Context(), s.Deadline().Add(-1))
			require.NoError(t, err)
			require.Zero(t, swept, "a nanosecond earlier")

			at := now.Add(-time.Second)
			var total session.Swept
			var mu sync.Mutex
			var running sync.WaitGroup
			for range 4 {
				running.Go(func() {
					swept, err := store.Sweep(t.Context(), at)
					assert.NoError(t, err)
					mu.Lock()
					defer mu.Unlock()
					total.Forgotten += swept.Forgotten
					total.Expired += swept.Expired
					total.Undelivered += swept.Undelivered
				})
			}
			running.Wait()
			require.Equal(t, session.Swept{Forgotten: 1, Expired: 1}, total)
			leased, err := store.Lease(t.Context(), time.Minute, 10)
			require.NoError(t, err)
			require.Equal(t, []session.Ended{{Session: s, Ending: session.Ending{
				Cause: cause, Time: s.Deadline(), Keep: at.Add(3 * time.Hour), Journal: true,
			}}}, leased)
			require.NoError(t, store.Delivered(t.Context(), s.ID))
			list, err := store.List(t.Context(), "ada")
			require.NoError(t, err)
			require.Equal(t, []session.Session{live}, list)
			swept, err = store.Sweep(t.Context(), at)
			require.NoError(t, err)
			require.Zero(t, swept)
		})
	}
}

func TestSweepAndTouchOfTheSameSession(t *testing.T) {
	store, _ := open(t, shared(t))
	for i := range 20 {
		s := telling("user "+strconv.Itoa(i), session.CauseIdle)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		var swept session.Swept
		var sweepErr, touchErr error
		var running sync.WaitGroup
		running.Go(func() { swept, sweepErr = store.Sweep(t.Context(), now) })
		running.Go(func() { touchErr = store.Touch(t.Context(), s.ID, session.Seen{Time: now}) })
		running.Wait()
		require.NoError(t, sweepErr)
		_, err = store.Get(t.Context(), s.ID)
		leased, leaseErr := store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, leaseErr)
		require.Len(t, leased, swept.Expired)
		if swept.Expired == 0 {
			require.NoError(t, touchErr)
			require.NoError(t, err, "used meanwhile, so it lives")
			continue
		}
		require.Error(t, err)
		require.Error(t, touchErr, "it ended first")
	}
}

// A session whose expiry is to be told is kept until it can be told; one that nobody
// told of is counted.
func TestExpiryThatNobodyTold(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	s := telling("ada", session.CauseExpired)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	key := prefix + ":{" + s.ID.Shard() + "}:s:" + s.ID.String()
	require.Greater(t, client.PTTL(t.Context(), key).Val(), s.Deadline().Sub(s.Created)+s.TellExpiry)
	require.NoError(t, client.Del(t.Context(), key).Err())
	swept, err := store.Sweep(t.Context(), now)
	require.NoError(t, err)
	require.Equal(t, session.Swept{Undelivered: 1}, swept)
}

func TestSweepForgetsInSmallSteps(t *testing.T) {
	store, prefix := open(t, shared(t))
	const n = 450
	s := newSession("ada")
	s.Created, s.LastSeen, s.Expires = now.Add(-time.Hour), now.Add(-time.Hour), now.Add(-time.Minute)
	for i := range n {
		s.ID = session.NewToken("ada").ID()
		s.TellExpiry = time.Duration(i%2) * time.Hour
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
	}
	var forgotten, expired atomic.Int64
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			swept, err := store.Sweep(t.Context(), now)
			assert.NoError(t, err)
			forgotten.Add(int64(swept.Forgotten))
			expired.Add(int64(swept.Expired))
		})
	}
	running.Wait()
	require.EqualValues(t, n/2, forgotten.Load())
	require.EqualValues(t, n/2, expired.Load())
	live, err := store.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, live)
	leased, err := store.Lease(t.Context(), time.Minute, n)
	require.NoError(t, err)
	require.Len(t, leased, n/2)
	for _, e := range leased {
		require.NoError(t, store.Delivered(t.Context(), e.Session.ID))
	}
	_ = prefix
}

func TestSweepLeavesNothingBehind(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	endedLongAgo(t, store, "ada")
	require.Empty(t, leases(t, store, time.Minute, 1))
	_, err := store.Sweep(t.Context(), now)
	require.NoError(t, err)
	for _, key := range keys(t.Context(), client, prefix) {
		require.True(t, strings.Contains(key, "}:c:"), "left besides the notes of scripts: %s", key)
	}
}
