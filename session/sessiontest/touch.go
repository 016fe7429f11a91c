package sessiontest

import (
	"net/netip"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// touch records the use in the store, and in s as the contract says.
func (f *storeFixture) touch(s *session.Session, seen session.Seen) {
	f.Helper()
	require.NoError(f, f.Touch(f.Context(), s.ID, seen))
	s.Apply(seen, time.Now())
}

var touchRules = []rule[*storeFixture]{
	{"Touch records time and address",
		"LastSeen and IP are as of the use; nothing else changes, in no other session.",
		func(f *storeFixture) {
			s, waiting, other := f.full(), f.pending("ada"), f.session("ada")
			f.started(s, waiting, other)
			f.touch(&s, session.Seen{Time: f.now.Add(1), IP: netip.MustParseAddr("198.51.100.1")})
			f.touch(&waiting, session.Seen{Time: f.now.Add(2), IP: netip.MustParseAddr("2001:db8::2")})
			f.isLive(s, waiting, other)
		}},
	{"Touch records an unknown address",
		"The zero Addr, unknown, is recorded too: the address before it is not where the session was last used.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.touch(&s, session.Seen{Time: f.now})
			require.False(f, s.IP.IsValid())
			f.isLive(s)
		}},
	{"of two touches the later time wins",
		"LastSeen never goes back, in whatever order touches arrive, and the address is that of the later one.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			late := session.Seen{Time: f.now.Add(2), IP: netip.MustParseAddr("198.51.100.2")}
			f.touch(&s, late)
			f.touch(&s, session.Seen{Time: f.now.Add(1), IP: netip.MustParseAddr("198.51.100.1")})
			require.Equal(f, late, session.Seen{Time: s.LastSeen, IP: s.IP})
			f.isLive(s)
			f.touch(&s, session.Seen{Time: s.Created.Add(-time.Hour), IP: netip.MustParseAddr("198.51.100.3")})
			f.isLive(s)
			f.touch(&s, session.Seen{Time: f.now.Add(3), IP: netip.MustParseAddr("198.51.100.4")})
			f.isLive(s)
		}},
	{"Touch ahead of the clock counts as now",
		"A time that is ahead of the store's clock counts as the store's now: else it would keep a session from being idle for as long as the clock was ahead.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			ip := netip.MustParseAddr("198.51.100.1")
			moved := f.now.Add(time.Second)
			require.NoError(f, f.Touch(f.Context(), s.ID, session.Seen{
				Time: f.now.Add(20 * time.Hour), IP: ip, Drift: session.Drift{Moves: []time.Time{moved}},
			}))
			got, err := f.Get(f.Context(), s.ID)
			require.NoError(f, err)
			// The store's clock may differ from this one by a few minutes.
			require.WithinRange(f, got.LastSeen, f.now, time.Now().Add(10*time.Minute), "LastSeen")
			s.LastSeen, s.IP, s.Drift.Moves, s.Version = got.LastSeen, ip, []time.Time{moved}, s.Version+1
			f.isLive(s)
			require.NoError(f, f.Touch(f.Context(), s.ID, session.Seen{Time: f.now, IP: netip.Addr{}}))
			f.isLive(s)
		}},
	{"Touch replaces a LastSeen that is ahead of the clock",
		"A LastSeen far ahead of the store's clock was written by a clock that was wrong. It gives way to the next touch, and not to time.",
		func(f *storeFixture) {
			s := f.session("ada")
			s.LastSeen = f.now.Add(20 * time.Hour)
			f.started(s)
			s.LastSeen, s.IP = f.now, netip.MustParseAddr("198.51.100.1")
			require.NoError(f, f.Touch(f.Context(), s.ID, session.Seen{Time: s.LastSeen, IP: s.IP}))
			f.isLive(s)
		}},
	{"Touch adds to the drift",
		"A drift that comes with a touch adds to the session's as Session.Apply does, whichever time is later.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.touch(&s, session.Seen{Time: f.now.Add(2), IP: s.IP, Drift: session.Drift{Moves: []time.Time{f.now.Add(2)}}})
			f.touch(&s, session.Seen{Time: f.now.Add(1), IP: s.IP, Drift: session.Drift{
				Moves: []time.Time{f.now.Add(1)}, Reported: []string{"move"}, Restricted: binding.GeoIPCityChanged,
				Second: f.full().Anchor,
			}})
			f.touch(&s, session.Seen{Time: f.now.Add(3), IP: s.IP})
			require.Len(f, s.Drift.Moves, 2)
			f.isLive(s)
			f.touch(&s, session.Seen{Time: f.now.Add(4), IP: s.IP, Drift: session.Drift{
				Second: binding.Location{IP: netip.MustParseAddr("2001:db8::ffff")}, Restricted: binding.NetworkIPChanged,
			}})
			require.Equal(f, f.full().Anchor, s.Drift.Second)
			f.isLive(s)
		}},
	{"a broken binding outranks an idle limit",
		"A session that is restricted because it was idle, and by its binding besides, is restricted by its binding, in whichever order the two come: that may ask for more proof.",
		func(f *storeFixture) {
			first, last := f.started(f.session("ada")), f.started(f.session("ada"))
			restricted := func(s *session.Session, why binding.Reason) {
				f.touch(s, session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Restricted: why}})
				f.isLive(*s)
			}
			restricted(&first, session.RestrictedIdle)
			require.Equal(f, session.RestrictedIdle, first.Drift.Restricted)
			restricted(&first, binding.GeoIPCountryChanged)
			restricted(&last, binding.GeoIPCountryChanged)
			restricted(&last, session.RestrictedIdle)
			for _, s := range []session.Session{first, last} {
				require.Equal(f, binding.GeoIPCountryChanged, s.Drift.Restricted)
			}
		}},
	{"the first device key stays",
		"A session is bound to one device key, whichever touch brings it and whatever its time: what comes later replaces nothing.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.touch(&s, session.Seen{Time: f.now.Add(2), IP: s.IP})
			f.touch(&s, session.Seen{Time: f.now.Add(1), IP: s.IP, Drift: session.Drift{Key: deviceKey("first")}})
			f.touch(&s, session.Seen{Time: f.now.Add(3), IP: s.IP, Drift: session.Drift{Key: deviceKey("second"), Proved: []string{"move"}}})
			f.touch(&s, session.Seen{Time: f.now.Add(4), IP: netip.MustParseAddr("198.51.100.1")})
			require.Equal(f, deviceKey("first"), s.Drift.Key)
			require.Equal(f, []string{"move"}, s.Drift.Proved)
			f.isLive(s)
			f.list("ada", s)
		}},
	{"a renewal keeps what it is given",
		"A session that goes on under another ID has the device key and the lineage that it is started with, and no store adds to them or takes from them.",
		func(f *storeFixture) {
			old := f.started(f.session("ada"))
			f.touch(&old, session.Seen{Time: f.now.Add(1), IP: old.IP, Drift: session.Drift{Key: deviceKey("first")}})
			with := f.signedIn("ada", f.now.Add(1))
			with.Lineage, with.Drift = old.ID, session.Drift{Key: deviceKey("first")}
			f.replaces(with, session.Replace{Renews: old.ID, Version: old.Version}, ends{session.CauseRenewed: {old}})
			f.touch(&with, session.Seen{Time: f.now.Add(5), IP: netip.MustParseAddr("198.51.100.1")})
			without := f.signedIn("ada", f.now.Add(2))
			without.Lineage = old.ID
			f.replaces(without, session.Replace{Renews: with.ID}, ends{session.CauseRenewed: {with}})
			require.True(f, without.Drift.Key.IsZero())
			f.isLive(without)
		}},
	{"Touch does not revive an ended session",
		"Touch acts on live sessions alone. An ended one is *EndedError with its ending, and stays as it is.",
		func(f *storeFixture) {
			s := f.ended(f.session("ada"))
			err := f.Touch(f.Context(), s.ID, session.Seen{Time: f.now.Add(1), Drift: session.Drift{Reported: []string{"move"}}})
			f.tellsEnding(err, s, f.ending(session.CauseSignedOut))
			f.isEnded(s, f.ending(session.CauseSignedOut))
			f.list("ada")
		}},
}
