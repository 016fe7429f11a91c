package session_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

func TestRecordRoundTrip(t *testing.T) {
	now := time.Date(2026, 3, 29, 1, 59, 59, 999_999_999, time.UTC)
	anchor := binding.Location{
		IP:  netip.MustParseAddr("2001:db8::1"),
		ASN: &binding.ASN{Number: 64496, Organization: "Example", Network: netip.MustParsePrefix("2001:db8::/32")},
		Geo: &binding.Geo{
			Continent:   binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe", "de": "Europa"}},
			Country:     binding.Country{ISOCode: "DE", GeoNameID: 2921044},
			City:        binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}},
			Coordinates: &binding.Coordinates{Latitude: 52.5, Longitude: 13.4},
		},
		Generation: "g1",
	}
	full := session.Session{
		ID: session.NewToken("ada").ID(), User: "ada", Name: "Ada \U0001F469", Method: "password", Stage: "login", Kind: session.KindPending,
		Created: now, LastSeen: now.Add(time.Nanosecond), IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "agent",
		Expires: now.Add(time.Hour), Idle: time.Minute, MaxAge: time.Hour,
		Policy: binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCity}, Anchor: anchor, KnownDevice: true,
		Drift: session.Drift{Second: anchor, Restricted: binding.GeoIPCityChanged, Moves: []time.Time{now}, Reported: []string{"a"}},
	}
	for name, s := range map[string]session.Session{
		"full":  full,
		"least": {ID: full.ID, User: "ada"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := session.EncodeRecord(s)
			require.NoError(t, err)
			got, err := session.DecodeRecord(text)
			require.NoError(t, err)
			require.Equal(t, s, got)
		})
	}

	ending := session.Ending{
		Cause: session.CauseBroken, Time: now, Actor: "ada", Reason: binding.NetworkASNChanged,
		Client: netip.MustParseAddr("192.0.2.1"), Detail: []byte(`{ "a": "<1>" }`), Keep: now.Add(time.Hour), Journal: true,
	}
	text, err := session.EncodeEnding(ending)
	require.NoError(t, err)
	got, err := session.DecodeEnding(text)
	require.NoError(t, err)
	require.Equal(t, ending, got)
}

func TestRecordRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":       ``,
		"no JSON":       `{"v":1`,
		"no version":    `{"id":"x"}`,
		"newer version": `{"v":2}`,
		"no ID":         `{"v":1,"user":"ada"}`,
		"another form":  `{"v":1,"user":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := session.DecodeRecord([]byte(text))
			require.ErrorIs(t, err, session.ErrRecord)
			_, err = session.DecodeEnding([]byte(text))
			require.ErrorIs(t, err, session.ErrRecord)
		})
	}
}

func FuzzDecodeRecord(f *testing.F) {
	text, err := session.EncodeRecord(session.Session{ID: session.NewToken("ada").ID(), User: "ada"})
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"v":1,"anchor":{"geo":{}},"drift":{"moves":[1]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := session.DecodeRecord(text)
		if err != nil {
			require.ErrorIs(t, err, session.ErrRecord)
			return
		}
		again, err := session.EncodeRecord(s)
		require.NoError(t, err)
		back, err := session.DecodeRecord(again)
		require.NoError(t, err)
		require.Equal(t, s, back)
	})
}
