package sessiontest

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// storeFixture is a store of one rule's own, and what rules say about it.
type storeFixture struct {
	*testing.T
	session.Store
	now time.Time
}

func newStoreFixture(t *testing.T, store session.Store) *storeFixture {
	// A fraction of a second shows what is lost below it. Ten seconds ago is past by
	// every clock that a store may have.
	now := time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)
	return &storeFixture{T: t, Store: store, now: now}
}

// past returns an instant at which limits that a sweep is to find were reached: past by
// every clock, and no longer ago than a store keeps what expires by its own clock.
func (f *storeFixture) past() time.Time { return f.now.Add(-20 * time.Minute) }

// session returns a new session of the user, signed in a minute ago.
func (f *storeFixture) session(user string) session.Session {
	signIn := f.now.Add(-time.Minute)
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: "Name of " + user, Method: "password", Stage: "default",
		Created: signIn, LastSeen: signIn, IP: netip.MustParseAddr("192.0.2.1"), Expires: f.now.Add(2 * time.Hour),
	}
}

func (f *storeFixture) pending(user string) session.Session {
	s := f.session(user)
	s.Kind = session.KindPending
	return s
}

func (f *storeFixture) device(user string) session.Session {
	s := f.session(user)
	s.Kind = session.KindDevice
	return s
}

// expiring returns a session of the user that reached its absolute limit at past.
func (f *storeFixture) expiring(user string) session.Session {
	s := f.signedIn(user, f.past().Add(-time.Hour))
	s.Expires = f.past()
	return s
}

// signedIn returns a session of the user that was made at the time.
func (f *storeFixture) signedIn(user string, at time.Time) session.Session {
	s := f.session(user)
	s.Created, s.LastSeen = at, at
	return s
}

// full returns a session with something in every field.
func (f *storeFixture) full() session.Session {
	const odd = " 'quoted\" \\ %d {x}:y;z ü 猫 🐈 \t\n"
	anchor := binding.Location{
		IP: netip.MustParseAddr("2001:db8::1"),
		ASN: &binding.ASN{
			Number: 4_294_967_295, Organization: "Organization" + odd, Network: netip.MustParsePrefix("2001:db8::/32"),
		},
		Geo: &binding.Geo{
			Continent:   binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe", "ja": "ヨーロッパ"}},
			Country:     binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: binding.Names{"de": "Deutschland" + odd}},
			City:        binding.City{GeoNameID: 2867714, Names: binding.Names{"de": "München", "en": "Munich", "pt-BR": "Munique"}},
			Coordinates: &binding.Coordinates{Latitude: 48.1374, Longitude: -11.57549999999},
		},
		Generation: "generation" + odd,
	}
	second := anchor
	second.IP = netip.MustParseAddr("198.51.100.7")
	second.Geo = nil
	return session.Session{
		ID: session.NewToken("ada").ID(), User: "ada", Name: "Name" + odd, Method: "method" + odd, Stage: "stage" + odd,
		Carrier: "cookie __Host-ü",
		Kind:    session.KindPending, Created: f.now.Add(-time.Minute), LastSeen: f.now.Add(-time.Second - 1),
		IP: netip.MustParseAddr("2001:db8::ffff"), UserAgent: "Mozilla/5.0" + odd, Device: "Device ü 猫",
		Expires: f.now.Add(2*time.Hour + 1), Idle: time.Hour + 1, Resume: time.Minute + 1, MaxAge: 90*time.Minute + 1,
		Policy: binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}, Anchor: anchor,
		KnownDevice: true, StaySignedIn: true, Lineage: session.NewToken("ada").ID(), TellExpiry: 3*time.Hour + 1,
		AuthTime: f.now.Add(-time.Hour - 1), AMR: []string{"pwd", "otp ü"}, ACR: "aal2 ü", Actor: "operator ü", Tenant: "tenant ü",
		Required: []string{"terms", "enrol ü"}, Value: []byte(` {"a" : "<b>"} `), Version: 1<<53 + 1,
		Drift: session.Drift{
			Second: second, Restricted: binding.GeoIPCityChanged,
			Moves: []time.Time{f.now.Add(-2), f.now.Add(-1)}, Reported: []string{"reported" + odd, "twice"},
			Key: deviceKey("odd" + odd), Proved: []string{"proved" + odd, "again"},
		},
	}
}

// deviceKey returns a device key by its name. A store keeps keys and does not read them.
func deviceKey(name string) devicekey.Key {
	return devicekey.Key{Kind: devicekey.DBSC, Alg: devicekey.ES256, JWK: name}
}

func (f *storeFixture) ending(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: f.now, Keep: f.now.Add(time.Hour)}
}

// replacing returns r with an ending that is kept.
func (f *storeFixture) replacing(r session.Replace) session.Replace {
	r.Ending = session.Ending{Time: f.now, Keep: f.now.Add(time.Hour), Actor: "operator", Client: netip.MustParseAddr("192.0.2.9")}
	return r
}

// started starts the sessions, which replace nothing, and returns the first.
func (f *storeFixture) started(sessions ...session.Session) session.Session {
	f.Helper()
	for _, s := range sessions {
		ended, err := f.Start(f.Context(), s, session.Replace{})
		require.NoError(f, err)
		require.Empty(f, ended, "nothing was to be replaced")
	}
	return sessions[0]
}

// ended starts the session and ends it.
func (f *storeFixture) ended(s session.Session) session.Session {
	f.Helper()
	f.started(s)
	_, err := f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
	require.NoError(f, err)
	return s
}

// isLive checks that the sessions are live, as they are given.
func (f *storeFixture) isLive(sessions ...session.Session) {
	f.Helper()
	for _, want := range sessions {
		got, err := f.Get(f.Context(), want.ID)
		require.NoError(f, err)
		require.Equal(f, want, got)
	}
}

// isEnded checks that Get tells the ending of the session.
func (f *storeFixture) isEnded(want session.Session, ending session.Ending) {
	f.Helper()
	_, err := f.Get(f.Context(), want.ID)
	f.tellsEnding(err, want, ending)
}

// tellsEnding checks that err is an *EndedError with the session and the ending.
func (f *storeFixture) tellsEnding(err error, want session.Session, ending session.Ending) {
	f.Helper()
	told, ok := errors.AsType[*session.EndedError](err)
	require.True(f, ok, "want *session.EndedError, got %v", err)
	require.Equal(f, session.Ended{Session: want, Ending: ending}, told.Ended)
}

// isGone checks that the store knows nothing of the session.
func (f *storeFixture) isGone(s session.Session) {
	f.Helper()
	_, err := f.Get(f.Context(), s.ID)
	require.ErrorIs(f, err, session.ErrNotFound)
}

// list checks that List returns exactly these sessions, in this order.
func (f *storeFixture) list(user string, want ...session.Session) {
	f.Helper()
	got, err := f.List(f.Context(), user)
	require.NoError(f, err)
	require.Len(f, got, len(want), "sessions of %q", user)
	for i := range want {
		require.Equal(f, want[i], got[i], "session %d of %q", i, user)
	}
}

// causes returns the IDs of the sessions that ended and their causes.
func causes(ended []session.Ended) map[session.ID]session.Cause {
	found := make(map[session.ID]session.Cause, len(ended))
	for _, e := range ended {
		found[e.Session.ID] = e.Ending.Cause
	}
	return found
}

// replaces starts s and checks which sessions end for which cause, both in what
// is returned and in the store, and that no others do.
func (f *storeFixture) replaces(s session.Session, r session.Replace, want map[session.Cause][]session.Session, spared ...session.Session) {
	f.Helper()
	r = f.replacing(r)
	ended, err := f.Start(f.Context(), s, r)
	require.NoError(f, err)
	f.isLive(s)
	byID := map[session.ID]session.Cause{}
	for cause, sessions := range want {
		for _, old := range sessions {
			byID[old.ID] = cause
			f.isEnded(old, r.Because(cause))
			assert.Contains(f, ended, session.Ended{Session: old, Ending: r.Because(cause)}, "what Start returned")
		}
	}
	require.Equal(f, byID, causes(ended), "the sessions that Start returned, and the causes of their endings")
	require.Len(f, ended, len(byID), "each session is returned once")
	f.isLive(spared...)
}
