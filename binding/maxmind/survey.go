package maxmind

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
)

// facts is what records know that a policy can ask for.
type facts struct{ number, continent, country, city bool }

func factsOfNetwork(a *binding.ASN) facts { return facts{number: a != nil && a.Number != 0} }

func factsOfPlace(g *binding.Geo) facts {
	if g == nil {
		return facts{}
	}
	return facts{
		continent: g.Continent.GeoNameID != 0 || g.Continent.Code != "" || g.Continent.Names.English() != "",
		country:   g.Country.GeoNameID != 0 || g.Country.ISOCode != "" || g.Country.Names.English() != "",
		city:      g.City.GeoNameID != 0 || g.City.Names.English() != "",
	}
}

// and returns what either knows.
func (f facts) and(g facts) facts {
	return facts{f.number || g.number, f.continent || g.continent, f.country || g.country, f.city || g.city}
}

// lacks returns the fields that f lacks and want has, as the format names them.
func (f facts) lacks(want facts) []string {
	var fields []string
	for _, field := range []struct {
		name       string
		have, want bool
	}{
		{"autonomous_system_number", f.number, want.number},
		{"continent", f.continent, want.continent},
		{"country", f.country, want.country},
		{"city", f.city, want.city},
	} {
		if field.want && !field.have {
			fields = append(fields, field.name)
		}
	}
	return fields
}

// asked returns the facts that a policy asks a kind of database for.
func (k kind) asked(p binding.Policy) facts {
	if k == asnKind {
		return facts{number: p.Network != binding.NetworkOff}
	}
	return facts{
		continent: p.GeoIP >= binding.GeoIPContinent,
		country:   p.GeoIP >= binding.GeoIPCountry,
		city:      p.GeoIP >= binding.GeoIPCity,
	}
}

// covers returns nil if a database that knows f has what p asks it for. Present and
// databaseType tell of the database.
func (f facts) covers(k kind, p binding.Policy, present bool, databaseType string) error {
	asked, level := k.asked(p), fmt.Stringer(p.Network)
	if k == cityKind {
		level = p.GeoIP
	}
	lacking := f.lacks(asked)
	switch {
	case len(lacking) == 0:
		return nil
	case !present:
		return fmt.Errorf("%w: %s %s needs %s database", ErrNotCovered, k.binding(), level, k.article())
	default:
		return fmt.Errorf("%w: %s %s needs %s, which no record has in the database of type %q",
			ErrNotCovered, k.binding(), level, list(lacking), databaseType)
	}
}

// How many addresses a survey looks at: spread evenly over each family, and where
// that finds fewer records than enough, as in a small database, one network after the
// other in each family.
const (
	spreadIPv4, spreadIPv6 = 1024, 256
	enough                 = 100
	inOrder                = 8192
)

// survey looks addresses up until it has met all of most, or knows that the database
// has less. lookup returns the prefix that the answer is about, and whether there is a
// record.
func survey(most facts, lookup func(netip.Addr) (known facts, prefix netip.Prefix, found bool, err error)) (facts, error) {
	var met facts
	records := 0
	look := func(ip netip.Addr) (netip.Prefix, error) {
		known, prefix, found, err := lookup(ip)
		met = met.and(known)
		if found {
			records++
		}
		return prefix, err
	}
	for i := range uint32(spreadIPv4) {
		if _, err := look(ipv4(i<<22 | 1)); err != nil {
			return met, err
		}
	}
	for i := range uint32(spreadIPv6) {
		if _, err := look(ipv6(0x2000_0000 | i<<21)); err != nil { // 2000::/3, which is in use
			return met, err
		}
	}
	if records >= enough {
		return met, nil
	}
	for _, first := range []netip.Addr{ipv4(0), ipv6(0x2000_0000)} {
		ip := first
		for i := 0; i < inOrder && met != most && ip.IsValid(); i++ {
			prefix, err := look(ip)
			if err != nil {
				return met, err
			}
			ip = after(prefix, ip)
		}
	}
	return met, nil
}

func ipv4(bits uint32) netip.Addr {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], bits)
	return netip.AddrFrom4(ip)
}

// ipv6 returns the address that begins with bits.
func ipv6(bits uint32) netip.Addr {
	var ip [16]byte
	binary.BigEndian.PutUint32(ip[:], bits)
	return netip.AddrFrom16(ip)
}

// after returns the first address behind the prefix, which ip is in, or the zero
// address where there is none.
func after(prefix netip.Prefix, ip netip.Addr) netip.Addr {
	bits := prefix.Bits()
	if ip.Is4() && prefix.Addr().Is6() {
		bits -= 96 // of an IPv4 address in a tree of IPv6
	}
	if bits <= 0 {
		return netip.Addr{}
	}
	last := ip.AsSlice()
	for i := range last {
		switch host := 8*(i+1) - bits; {
		case host >= 8:
			last[i] = 0xff
		case host > 0:
			last[i] |= 1<<host - 1
		}
	}
	end, _ := netip.AddrFromSlice(last)
	return end.Next()
}
