package integration

import (
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// now is when the tests happen: a little while ago, so that what comes a moment
// after it is past by every server's clock.
var now = time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)

// newSession returns a session of the user with what sessions usually hold.
func newSession(user string) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: "Ada Lovelace", Method: "password", Stage: "login",
		Created: now, LastSeen: now, IP: netip.MustParseAddr("203.0.113.7"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
		Expires:   now.Add(12 * time.Hour), Idle: time.Hour,
		Policy: binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry},
		Anchor: binding.Location{
			IP:  netip.MustParseAddr("203.0.113.7"),
			ASN: &binding.ASN{Number: 64496, Organization: "Example Telecom", Network: netip.MustParsePrefix("203.0.113.0/24")},
			Geo: &binding.Geo{
				Continent: binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe"}},
				Country:   binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: binding.Names{"en": "Germany"}},
				City:      binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}},
			},
			Generation: "2026-11-20",
		},
	}
}

func newEnding(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: now, Actor: "ada", Keep: now.Add(time.Hour)}
}

// journaled returns an ending to be delivered.
func journaled(cause session.Cause) session.Ending {
	ending := newEnding(cause)
	ending.Journal = true
	return ending
}

// overdue returns a session of the user that was last used so long ago that it is over.
func overdue(user string) session.Session {
	s := newSession(user)
	s.Created = now.Add(-3 * time.Hour)
	s.LastSeen = s.Created
	return s
}
