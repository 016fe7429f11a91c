package replay

import (
	"context"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
)

// atlas is a locator that keeps one copy of equal facts, without the names that
// nothing is decided by, so that sessions take little memory.
type atlas struct {
	locator  binding.Locator
	networks map[binding.ASN]*binding.ASN
	names    map[uint32]string // of networks, by number
	places   map[placeKey]*binding.Geo
	recent   [1 << 14]binding.Location // by address, those that were located last
}

// placeKey is all that places are compared by.
type placeKey struct {
	continentID, countryID, cityID uint32
	continent, country, city       string
	subdivision                    string
}

func newAtlas(l binding.Locator) *atlas {
	return &atlas{locator: l, networks: map[binding.ASN]*binding.ASN{}, names: map[uint32]string{}, places: map[placeKey]*binding.Geo{}}
}

func (a *atlas) locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	slot := &a.recent[slotOf(ip)]
	if slot.IP == ip {
		return *slot, nil
	}
	l, err := a.locator.Locate(ctx, ip)
	if err != nil {
		return l, err
	}
	if l.ASN != nil {
		l.ASN = a.network(*l.ASN)
	}
	if l.Geo != nil {
		l.Geo = a.place(*l.Geo)
	}
	*slot = l
	return l, nil
}

// slotOf spreads addresses over the slots.
func slotOf(ip netip.Addr) int {
	const prime = 16777619 // FNV-1
	hash := uint32(2166136261)
	for _, b := range ip.As16() {
		hash = (hash ^ uint32(b)) * prime
	}
	return int(hash % (1 << 14))
}

func (a *atlas) network(asn binding.ASN) *binding.ASN {
	known, ok := a.networks[asn]
	if !ok {
		known = &asn
		a.networks[asn], a.names[asn.Number] = known, asn.Organization
	}
	return known
}

func (a *atlas) place(g binding.Geo) *binding.Geo {
	key := placeKey{
		g.Continent.GeoNameID, g.Country.GeoNameID, g.City.GeoNameID,
		g.Continent.Code + "/" + g.Continent.Names.English(), g.Country.ISOCode + "/" + g.Country.Names.English(), g.City.Names.English(), g.Subdivision,
	}
	known, ok := a.places[key]
	if !ok {
		g.Continent.Names, g.Country.Names, g.City.Names = english(g.Continent.Names), english(g.Country.Names), english(g.City.Names)
		known = &g
		a.places[key] = known
	}
	return known
}

func english(n binding.Names) binding.Names {
	if name := n.English(); name != "" {
		return binding.Names{"en": name}
	}
	return nil
}
