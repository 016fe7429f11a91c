package maxmind

import (
	"net/netip"
	"strings"

	"github.com/mooring-go/mooring/binding"
)

// A generation is a pair of databases and what was looked up in them. Either may
// be nil. The databases do not change, so that all facts of a location come from
// the same content.
type generation struct {
	asn, city *database
	name      string
	networks  cache[netip.Prefix, binding.ASN] // many prefixes share a record
	places    cache[uintptr, binding.Geo]      // by the record's offset
}

func newGeneration(asn, city *database) *generation {
	var names []string
	for _, d := range []*database{asn, city} {
		if d != nil {
			names = append(names, d.name())
		}
	}
	return &generation{asn: asn, city: city, name: strings.Join(names, ", ")}
}

// network finds what is known of the network of ip. A record with neither a number
// nor a name, as GeoIP2-ISP has some, is none.
func (g *generation) network(ip netip.Addr) (*binding.ASN, error) {
	if g.asn == nil {
		return nil, nil
	}
	result, found, err := g.asn.lookup(ip)
	if err != nil {
		return nil, g.asn.fileError(err)
	}
	if !found {
		return nil, nil
	}
	prefix := ofFamily(result.Prefix(), ip)
	hash := hashOf(prefix)
	asn := g.networks.get(hash, prefix)
	if asn == nil {
		decoded, err := decodeASN(result)
		if err != nil {
			return nil, g.asn.fileError(err)
		}
		decoded.Network = prefix
		asn = g.networks.put(hash, prefix, decoded)
	}
	if asn.Number == 0 && asn.Organization == "" {
		return nil, nil
	}
	return asn, nil
}

// place finds what is known of the place of ip.
func (g *generation) place(ip netip.Addr) (*binding.Geo, error) {
	if g.city == nil {
		return nil, nil
	}
	result, found, err := g.city.lookup(ip)
	if err != nil {
		return nil, g.city.fileError(err)
	}
	if !found {
		return nil, nil
	}
	offset := result.Offset()
	if geo := g.places.get(uint64(offset), offset); geo != nil {
		return geo, nil
	}
	decoded, err := decodeGeo(result, g.city.parts)
	if err != nil {
		return nil, g.city.fileError(err)
	}
	return g.places.put(uint64(offset), offset, decoded), nil
}
