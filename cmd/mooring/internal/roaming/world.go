package roaming

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
)

// World is a made-up world: six countries on three continents. Each has four
// cities, two providers of fixed lines, two of mobile ones and one that hosts
// servers. Countries have codes that ISO 3166 leaves to users, networks have
// numbers for private use (RFC 6996), and addresses are of 11.0.0.0/8 and 2d00::/8,
// with nothing of what is known of them in the real world.
type World struct {
	countries []*country
	v4        []binding.Location // by the second byte of the address
	v6        []binding.Location // by the second
}

type country struct {
	continent string
	fixed     []*provider
	mobile    []*provider
	hosting   *provider
}

// provider announces some IPv4 prefixes, each in one city, and an IPv6 prefix of
// which no city is known, as is usual.
type provider struct {
	country *country
	number  uint32
	v4      []prefix4
	v6      byte
}

type prefix4 struct {
	second byte // of 11.second.0.0/16
	city   int
}

const citiesEach = 4

// NewWorld builds the world. It is always the same.
func NewWorld() *World {
	w := &World{}
	for i, continent := range []string{"EU", "EU", "EU", "NA", "NA", "AS"} {
		c := &country{continent: continent}
		code := "X" + string(rune('A'+i))
		geo := func(city int) *binding.Geo {
			g := &binding.Geo{Continent: binding.Continent{Code: continent}, Country: binding.Country{ISOCode: code}}
			if city >= 0 {
				g.City = binding.City{Names: binding.Names{"en": fmt.Sprintf("%s City %d", code, city+1)}}
			}
			return g
		}
		places := []*binding.Geo{geo(0), geo(1), geo(2), geo(3)}
		nowhere := geo(-1)
		build := func(kind string, cities ...int) *provider {
			p := &provider{country: c, number: 64512 + uint32(len(w.v6)), v6: byte(len(w.v6))}
			asn := func(network netip.Prefix) *binding.ASN {
				return &binding.ASN{Number: p.number, Organization: code + " " + kind, Network: network}
			}
			for _, city := range cities {
				second := byte(len(w.v4))
				p.v4 = append(p.v4, prefix4{second, city})
				network := netip.PrefixFrom(netip.AddrFrom4([4]byte{11, second}), 16)
				w.v4 = append(w.v4, binding.Location{ASN: asn(network), Geo: places[city]})
			}
			network := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x2d, p.v6}), 16)
			w.v6 = append(w.v6, binding.Location{ASN: asn(network), Geo: nowhere})
			return p
		}
		for n := range 2 {
			c.fixed = append(c.fixed, build(fmt.Sprintf("Fixed %d", n+1), 0, 1, 2, 3, 0, 1, 2, 3))
			c.mobile = append(c.mobile, build(fmt.Sprintf("Mobile %d", n+1), 0, 0, 1, 1))
		}
		c.hosting = build("Hosting", 0, 0)
		w.countries = append(w.countries, c)
	}
	return w
}

// Locate says what is known of an address: nothing, outside of the world.
func (w *World) Locate(_ context.Context, ip netip.Addr) (binding.Location, error) {
	ip = binding.Normalize(ip)
	if !ip.IsValid() {
		return binding.Location{}, binding.ErrNoAddress
	}
	known := binding.Location{}
	if bytes := ip.AsSlice(); ip.Is4() && bytes[0] == 11 && int(bytes[1]) < len(w.v4) {
		known = w.v4[bytes[1]]
	} else if ip.Is6() && bytes[0] == 0x2d && int(bytes[1]) < len(w.v6) {
		known = w.v6[bytes[1]]
	}
	known.IP = ip
	return known, nil
}

// ownerOf returns who announces the address, or nil.
func (w *World) ownerOf(ip netip.Addr) *provider {
	for _, c := range w.countries {
		for _, p := range c.providers() {
			if bytes := ip.AsSlice(); ip.Is6() && bytes[0] == 0x2d && bytes[1] == p.v6 {
				return p
			}
			for _, prefix := range p.v4 {
				if bytes := ip.AsSlice(); ip.Is4() && bytes[0] == 11 && bytes[1] == prefix.second {
					return p
				}
			}
		}
	}
	return nil
}

func (c *country) providers() []*provider {
	return append(append([]*provider{c.hosting}, c.fixed...), c.mobile...)
}

// dice are what everything is drawn with.
type dice struct{ *rand.Rand }

func (d dice) chance(p float64) bool { return d.Float64() < p }

// one draws one of several.
func one[T any](d dice, of []T) T { return of[d.IntN(len(of))] }

// other draws one that is not the one given; there must be one.
func other[T comparable](d dice, of []T, than T) T {
	for {
		if drawn := one(d, of); drawn != than {
			return drawn
		}
	}
}

// address draws an address in one of the provider's prefixes.
func (p *provider) address(d dice) netip.Addr { return one(d, p.v4).address(d) }

func (p prefix4) address(d dice) netip.Addr {
	return netip.AddrFrom4([4]byte{11, p.second, byte(d.IntN(256)), byte(1 + d.IntN(254))})
}

// in returns the provider's prefixes in the city.
func (p *provider) in(city int) []prefix4 {
	var found []prefix4
	for _, prefix := range p.v4 {
		if prefix.city == city {
			found = append(found, prefix)
		}
	}
	return found
}

// subnet draws a /64 of the provider.
func (p *provider) subnet(d dice) [8]byte {
	return [8]byte{0x2d, p.v6, byte(d.IntN(256)), byte(d.IntN(256)), byte(d.IntN(256)), byte(d.IntN(256)), 0, 0}
}

// temporary draws an address in a /64, as RFC 8981 has it.
func temporary(d dice, subnet [8]byte) netip.Addr {
	var ip [16]byte
	copy(ip[:], subnet[:])
	for i := 8; i < 16; i++ {
		ip[i] = byte(d.IntN(256))
	}
	return netip.AddrFrom16(ip)
}
