package roaming

import "net/netip"

// Thief is a kind of thief.
type Thief struct {
	Name   string
	Habits string // in words, with the parameters

	// strike is where the thief is, who has stolen from the victim. owner is who
	// announces the victim's address.
	strike func(d dice, w *World, owner *provider) netip.Addr
}

// Thieves returns all kinds of thief. Each is as frequent as another.
func Thieves() []Thief {
	return []Thief{
		{"same carrier", "a customer of the provider that the victim is with, with an address of any of its IPv4 prefixes", sameCarrier},
		{"same country", "on a fixed or mobile line of another provider in the victim's country", sameCountry},
		{"other country", "on a fixed or mobile line in another country, any one", otherCountry},
		{"hosting", "at a hosting provider: in three cases of ten in the victim's country", hosting},
	}
}

func sameCarrier(d dice, _ *World, owner *provider) netip.Addr { return owner.address(d) }

func sameCountry(d dice, _ *World, owner *provider) netip.Addr {
	for {
		if p := one(d, owner.country.providers()); p != owner && p != owner.country.hosting {
			return p.address(d)
		}
	}
}

func otherCountry(d dice, w *World, owner *provider) netip.Addr {
	c := other(d, w.countries, owner.country)
	return one(d, append(c.fixed[:2:2], c.mobile...)).address(d)
}

func hosting(d dice, w *World, owner *provider) netip.Addr {
	if d.chance(0.3) {
		return owner.country.hosting.address(d)
	}
	return other(d, w.countries, owner.country).hosting.address(d)
}
