package maxmind

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/oschwald/geoip2-golang/v2"

	"github.com/mooring-go/mooring/binding"
)

// Readers is a [binding.Locator] and [binding.Coverer] over readers that the host has
// open for other purposes. It is safe for concurrent use. [FromReaders] makes one.
type Readers struct {
	asn, city *geoip2.Reader
	known     facts
	surveyErr error
	name      string
	names     cache[uint64, spelled] // by GeoName ID
}

// spelled is what a place is called as a reader has it, and as a location has it.
type spelled struct {
	read  geoip2.Names
	names binding.Names
}

// namesOf returns what the place with the GeoName ID is called. Most lookups are of places
// that were looked up before, for which nothing is allocated.
func (r *Readers) namesOf(geoNameID uint, read geoip2.Names) binding.Names {
	id := uint64(geoNameID)
	if held := r.names.get(id, id); held != nil && held.read == read {
		return held.names
	}
	return r.names.put(id, id, spelled{read, namesOf(read)}).names
}

var (
	_ binding.Locator = (*Readers)(nil)
	_ binding.Coverer = (*Readers)(nil)
)

// FromReaders returns a locator over readers of the host: asn of GeoLite2-ASN or
// GeoIP2-ISP, city of GeoLite2-City, GeoIP2-City, GeoIP2-Enterprise or a Country
// database. Either may be nil: nothing is known of networks, or of places.
//
// It finds the facts that [Open] finds in the same files, but for names in other
// languages than the eight that geoip2 reads, and compares and covers alike. What it
// does not do is what the host does with a reader anyway: check the file, replace it,
// close it. A lookup in a closed reader is a [*FileError], so the host replaces its
// readers by a locator of its own that holds the Readers in use, and closes the old
// ones when no request uses them any more. Each lookup decodes a whole record.
func FromReaders(asn, city *geoip2.Reader) *Readers {
	r := &Readers{asn: asn, city: city}
	var names []string
	add := func(reader *geoip2.Reader, k kind, lookup func(netip.Addr) (facts, netip.Prefix, bool, error)) {
		if reader == nil {
			return
		}
		meta := reader.Metadata()
		names = append(names, fmt.Sprintf("%s %s %d", meta.DatabaseType, meta.BuildTime().UTC().Format(time.RFC3339), meta.NodeCount))
		known, err := survey(k.all(), lookup)
		r.known = r.known.and(known)
		r.surveyErr = errors.Join(r.surveyErr, err)
	}
	add(asn, asnKind, func(ip netip.Addr) (facts, netip.Prefix, bool, error) {
		network, prefix, err := r.network(ip)
		return factsOfNetwork(network), prefix, network != nil, err
	})
	add(city, cityKind, func(ip netip.Addr) (facts, netip.Prefix, bool, error) {
		place, prefix, err := r.place(ip)
		return factsOfPlace(place), prefix, place != nil, err
	})
	r.name = strings.Join(names, ", ")
	return r
}

// InMemory does nothing. It marks a locator that answers at once, so that a stage
// needs to set it no deadline.
func (r *Readers) InMemory() {}

// Locate finds what the readers know of ip. What a reader refuses, because it is
// closed, damaged or of a type without the facts, is a [*FileError].
func (r *Readers) Locate(_ context.Context, ip netip.Addr) (binding.Location, error) {
	if !ip.IsValid() {
		return binding.Location{}, binding.ErrNoAddress
	}
	ip = binding.Normalize(ip)
	at := inside(ip)
	asn, _, err := r.network(at)
	if err != nil {
		return binding.Location{}, err
	}
	geo, _, err := r.place(at)
	if err != nil {
		return binding.Location{}, err
	}
	return binding.Location{IP: ip, ASN: asn, Geo: geo, Generation: r.name}, nil
}

// Covers returns nil if the readers have the facts that p asks for, and otherwise an
// error that wraps [ErrNotCovered].
func (r *Readers) Covers(p binding.Policy) error {
	err := errors.Join(
		r.known.covers(asnKind, p, r.asn != nil, typeOf(r.asn)),
		r.known.covers(cityKind, p, r.city != nil, typeOf(r.city)),
	)
	if err != nil && r.surveyErr != nil {
		return errors.Join(err, r.surveyErr)
	}
	return err
}

func typeOf(r *geoip2.Reader) string {
	if r == nil {
		return ""
	}
	return r.Metadata().DatabaseType
}

// network finds what is known of the network of ip, and the prefix that this is
// about.
func (r *Readers) network(ip netip.Addr) (*binding.ASN, netip.Prefix, error) {
	if r.asn == nil || lacksFamily(r.asn.Metadata().IPVersion, ip) {
		return nil, netip.Prefix{}, nil
	}
	record, err := r.asn.ASN(ip)
	if err != nil {
		return nil, netip.Prefix{}, readerError(asnKind, err)
	}
	if !record.HasData() {
		return nil, record.Network, nil
	}
	return &binding.ASN{
		Number: uint32(record.AutonomousSystemNumber), Organization: record.AutonomousSystemOrganization,
		Network: ofFamily(record.Network, ip),
	}, record.Network, nil
}

// place finds what is known of the place of ip, and the prefix that this is about.
func (r *Readers) place(ip netip.Addr) (*binding.Geo, netip.Prefix, error) {
	if r.city == nil || lacksFamily(r.city.Metadata().IPVersion, ip) {
		return nil, netip.Prefix{}, nil
	}
	record, err := r.city.City(ip)
	if err != nil {
		return nil, netip.Prefix{}, readerError(cityKind, err)
	}
	if !record.HasData() {
		return nil, record.Traits.Network, nil
	}
	geo := &binding.Geo{
		Continent: binding.Continent{
			Code: record.Continent.Code, GeoNameID: uint32(record.Continent.GeoNameID), Names: r.namesOf(record.Continent.GeoNameID, record.Continent.Names),
		},
		Country: binding.Country{
			ISOCode: record.Country.ISOCode, GeoNameID: uint32(record.Country.GeoNameID), Names: r.namesOf(record.Country.GeoNameID, record.Country.Names),
		},
		City: binding.City{
			GeoNameID: uint32(record.City.GeoNameID), Names: r.namesOf(record.City.GeoNameID, record.City.Names),
		},
		Coordinates: coordinates(record.Location.Latitude, record.Location.Longitude),
	}
	dropPlaceholders(geo)
	if needsSubdivision(geo.City) {
		var subdivisions []subdivision
		for _, s := range record.Subdivisions {
			subdivisions = append(subdivisions, subdivision{s.ISOCode, namesOf(s.Names)})
		}
		geo.Subdivision = nameOf(subdivisions)
	}
	return geo, record.Traits.Network, nil
}

// lacksFamily reports whether a database of the IP version knows nothing of the family
// of ip.
func lacksFamily(version uint, ip netip.Addr) bool { return ip.Is6() && version == 4 }

// readerError returns err as an error of the reader that was given for k.
func readerError(k kind, err error) error {
	if _, wrong := errors.AsType[geoip2.InvalidMethodError](err); !wrong {
		err = corrupt(err)
	}
	return &FileError{Option: string(k), Err: err}
}

// namesOf returns the names that there are, by language.
func namesOf(n geoip2.Names) binding.Names {
	var names binding.Names
	for _, name := range [...]struct{ language, name string }{
		{"de", n.German}, {"en", n.English}, {"es", n.Spanish}, {"fr", n.French},
		{"ja", n.Japanese}, {"pt-BR", n.BrazilianPortuguese}, {"ru", n.Russian}, {"zh-CN", n.SimplifiedChinese},
	} {
		if name.name == "" {
			continue
		}
		if names == nil {
			names = binding.Names{}
		}
		names[name.language] = name.name
	}
	return names
}
