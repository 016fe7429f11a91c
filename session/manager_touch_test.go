package session_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

func TestTouchIsMadeWhenItIsDue(t *testing.T) {
	home, away := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	drift := session.Drift{Restricted: binding.NetworkASNChanged}
	for _, test := range []struct {
		name  string
		every time.Duration
		idle  time.Duration
		after time.Duration
		ip    netip.Addr
		drift session.Drift
		due   bool
	}{
		{"at once", 0, 0, 0, home, session.Drift{}, false},
		{"just before a minute", 0, 0, time.Minute - 1, home, session.Drift{}, false},
		{"after a minute", 0, 0, time.Minute, home, session.Drift{}, true},
		{"moved", 0, 0, time.Second, away, session.Drift{}, true},
		{"moved to nowhere", 0, 0, time.Second, netip.Addr{}, session.Drift{}, true},
		{"drifted", 0, 0, time.Second, home, drift, true},
		{"set, before", time.Second, 0, time.Second - 1, home, session.Drift{}, false},
		{"set, after", time.Second, 0, time.Second, home, session.Drift{}, true},
		{"a short idle limit, before a quarter of it", 0, time.Minute, 15*time.Second - 1, home, session.Drift{}, false},
		{"a short idle limit, after a quarter of it", 0, time.Minute, 15 * time.Second, home, session.Drift{}, true},
		{"a long idle limit", 0, time.Hour, time.Minute - 1, home, session.Drift{}, false},
		{"a long idle limit, after a minute", 0, time.Hour, time.Minute, home, session.Drift{}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *session.Config) { c.TouchEvery = test.every })
				s := r.start(t, session.Session{User: "ada", IP: home, Idle: test.idle})
				time.Sleep(test.after)
				seen := session.Seen{Time: r.Now(t.Context()), IP: test.ip, Drift: test.drift}
				touched, err := r.Touch(t.Context(), s, seen)
				require.NoError(t, err)
				stored, err := r.Get(t.Context(), s.ID, session.KindSession)
				require.NoError(t, err)
				assert.Equal(t, stored, touched, "what is returned is what is stored")
				if !test.due {
					assert.Zero(t, r.store.touches)
					assert.Equal(t, s, touched)
					return
				}
				assert.Equal(t, 1, r.store.touches)
				assert.Equal(t, seen.Time, touched.LastSeen)
				assert.Equal(t, test.ip, touched.IP)
				assert.Equal(t, test.drift, touched.Drift)
			})
		})
	}
}

func TestTouchOfWhatHasEnded(t *testing.T) {
	r := newRig(t)
	s := r.start(t, session.Session{User: "ada"})
	_, err := r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
	require.NoError(t, err)
	var ended *session.EndedError
	_, err = r.Touch(t.Context(), s, session.Seen{Time: r.Now(t.Context()), IP: netip.MustParseAddr("192.0.2.9")})
	assert.ErrorAs(t, err, &ended)
}
