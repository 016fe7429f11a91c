package sessiontest

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

var startRules = []rule[*storeFixture]{
	{"Start makes the session live",
		"A session is live from Start until it is ended: Get and List return it.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.isLive(s)
			f.list("ada", s)
		}},
	{"every field is kept",
		"Times are kept to the nanosecond, everything else to the byte; Get, List, End and endings return the same.",
		func(f *storeFixture) {
			f.roundTrip(f.full())
		}},
	{"long fields are kept whole",
		"What a client or a host wrote can be long: a user's ID up to MaxUser, an event's Detail very long. It is kept to the last byte.",
		func(f *storeFixture) {
			s := f.full()
			s.User = strings.Repeat("ü", session.MaxUser/2)
			s.ID = session.NewToken(s.User).ID()
			s.Name, s.Method, s.UserAgent = strings.Repeat("猫", 400), strings.Repeat("m", 1000), strings.Repeat("Mozilla/5.0 ", 400)
			f.started(s)
			f.isLive(s)
			f.list(s.User, s)
			ending := f.fullEnding()
			ending.Detail = json.RawMessage(`"` + strings.Repeat("\\u003c", 20_000) + `"`)
			_, err := f.End(f.Context(), s.ID, ending)
			require.NoError(f, err)
			f.isEnded(s, ending)
		}},
	{"absent fields stay absent",
		"Everything but the ID and the user can be absent. What was not given does not come back as something.",
		func(f *storeFixture) {
			f.roundTrip(session.Session{
				ID: session.NewToken("ada").ID(), User: "ada", Created: f.now, LastSeen: f.now, Expires: f.now.Add(time.Hour),
			})
		}},
	{"each part of a location is kept or absent by itself",
		"A location can have an address, ASN facts and GeoIP facts or any of them, and each of those any of its parts.",
		func(f *storeFixture) {
			for _, anchor := range []binding.Location{
				{IP: netip.MustParseAddr("192.0.2.255")},
				{IP: netip.MustParseAddr("::")},
				{ASN: &binding.ASN{}},
				{ASN: &binding.ASN{Network: netip.MustParsePrefix("0.0.0.0/0")}},
				{Geo: &binding.Geo{}},
				{Geo: &binding.Geo{Coordinates: &binding.Coordinates{}}},
				{Geo: &binding.Geo{City: binding.City{Names: binding.Names{"en": ""}}}},
				{Generation: "1"},
			} {
				s := f.session("ada")
				s.Anchor = anchor
				f.started(s)
				f.isLive(s)
			}
		}},
	{"addresses are kept as they are",
		"IPv4, IPv6 and IPv4 that is mapped into IPv6 are different addresses, and the zero Addr is unknown.",
		func(f *storeFixture) {
			for _, ip := range []string{"0.0.0.0", "255.255.255.255", "::", "::1", "::ffff:192.0.2.1", "2001:db8::1"} {
				s := f.session("ada")
				s.IP = netip.MustParseAddr(ip)
				f.started(s)
				f.isLive(s)
			}
			s := f.session("ada")
			s.IP = netip.Addr{}
			f.started(s)
			f.isLive(s)
		}},
	{"what cannot be kept is refused",
		"A session that Validate refuses is ErrInvalid, and a Start that fails has started and ended nothing.",
		func(f *storeFixture) {
			old := f.started(f.session("ada"))
			late := time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC)
			for name, spoil := range map[string]func(*session.Session){
				"no user": func(s *session.Session) { s.User = "" },
				"a user too long": func(s *session.Session) {
					s.User = strings.Repeat("x", session.MaxUser+1)
					s.ID = session.NewToken(s.User).ID()
				},
				"another user's ID":      func(s *session.Session) { s.ID = session.NewToken("bob").ID() },
				"no ID":                  func(s *session.Session) { s.ID = session.ID{} },
				"no Created":             func(s *session.Session) { s.Created = time.Time{} },
				"no LastSeen":            func(s *session.Session) { s.LastSeen = time.Time{} },
				"no Expires":             func(s *session.Session) { s.Expires = time.Time{} },
				"Expires past 2262":      func(s *session.Session) { s.Expires = late },
				"Created past 2262":      func(s *session.Session) { s.Created, s.Expires = late, late },
				"LastSeen past 2262":     func(s *session.Session) { s.LastSeen = late },
				"Created before 1678":    func(s *session.Session) { s.Created = time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC) },
				"an Idle below 0":        func(s *session.Session) { s.Idle = -1 },
				"a MaxAge below 0":       func(s *session.Session) { s.MaxAge = -1 },
				"a TellExpiry below 0":   func(s *session.Session) { s.TellExpiry = -1 },
				"several of these wrong": func(s *session.Session) { s.User, s.Expires = "", time.Time{} },
			} {
				s := f.session("ada")
				spoil(&s)
				ended, err := f.Start(f.Context(), s, f.replacing(session.Replace{Before: old.ID, Others: true, Max: 1}))
				require.ErrorIs(f, err, session.ErrInvalid, name)
				require.Empty(f, ended, name)
				f.isGone(s)
				f.isLive(old)
			}
			last := f.session("ada")
			last.Expires = time.Unix(0, math.MaxInt64).UTC()
			f.started(last)
			f.isLive(last)
		}},
	{"an ID that is live is ErrExists",
		"An ID that is live is ErrExists, and a Start that fails has neither started nor ended anything.",
		func(f *storeFixture) {
			s, other := f.session("ada"), f.session("ada")
			f.started(s, other)
			again := s
			again.Name = "changed"
			_, err := f.Start(f.Context(), again, f.replacing(session.Replace{Before: other.ID, Others: true, Max: 1}))
			require.ErrorIs(f, err, session.ErrExists)
			f.isLive(s, other)
		}},
	{"an ID whose ending is kept is ErrExists",
		"A session once ended never lives again, not even by Start, and a Start that fails has ended nothing.",
		func(f *storeFixture) {
			other := f.started(f.session("ada"))
			s := f.ended(f.session("ada"))
			_, err := f.Start(f.Context(), s, f.replacing(session.Replace{Before: other.ID, Others: true, Max: 1}))
			require.ErrorIs(f, err, session.ErrExists)
			f.isEnded(s, f.ending(session.CauseSignedOut))
			f.isLive(other)
		}},
}

// roundTrip checks that the session comes back as it is, by whatever way.
func (f *storeFixture) roundTrip(s session.Session) {
	f.Helper()
	f.started(s)
	f.isLive(s)
	f.list(s.User, s)
	ending := f.ending(session.CauseRevoked)
	ended, err := f.End(f.Context(), s.ID, ending)
	require.NoError(f, err)
	require.Equal(f, s, ended, "what End returned")
	f.isEnded(s, ending)

	again := s
	again.ID = session.NewToken(s.User).ID()
	f.started(again)
	all, err := f.EndUser(f.Context(), s.User, session.ID{}, ending)
	require.NoError(f, err)
	require.Equal(f, []session.Session{again}, all, "what EndUser returned")

	again.ID = session.NewToken(s.User).ID()
	f.started(again)
	next := f.session(s.User)
	replace := session.Replace{Before: again.ID}
	if again.Kind == session.KindPending {
		replace = session.Replace{Answers: again.ID}
	}
	replaced, err := f.Start(f.Context(), next, f.replacing(replace))
	require.NoError(f, err)
	require.Len(f, replaced, 1)
	require.Equal(f, again, replaced[0].Session, "what Start returned")
}
