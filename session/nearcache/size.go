package nearcache

import (
	"unsafe"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// perEntry is what an entry takes besides its session: itself, and its place in the map.
const perEntry = int64(unsafe.Sizeof(entry{})) + 2*int64(unsafe.Sizeof(session.ID{})+8)

// size estimates the bytes that a session takes when it is kept. What it shares with
// others counts for each.
func size(s session.Session) int64 {
	n := perEntry
	for _, text := range []string{
		s.User, s.Name, s.Method, s.Stage, s.UserAgent, s.Device, s.ACR, s.Actor, s.Tenant, string(s.Drift.Restricted), s.Drift.Key.JWK,
	} {
		n += int64(len(text))
	}
	n += int64(len(s.Value))
	n += sizeOfLocation(s.Anchor) + sizeOfLocation(s.Drift.Second)
	n += int64(len(s.Drift.Moves)) * 24
	for _, names := range [][]string{s.Drift.Reported, s.Drift.Proved, s.AMR, s.Required} {
		for _, name := range names {
			n += 16 + int64(len(name))
		}
	}
	return n
}

func sizeOfLocation(l binding.Location) int64 {
	n := int64(len(l.Generation))
	if l.ASN != nil {
		n += 64 + int64(len(l.ASN.Organization))
	}
	if l.Geo != nil {
		n += 256
		for _, names := range []binding.Names{l.Geo.Continent.Names, l.Geo.Country.Names, l.Geo.City.Names} {
			for language, name := range names {
				n += 64 + int64(len(language)+len(name))
			}
		}
	}
	return n
}
