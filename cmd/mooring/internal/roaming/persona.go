package roaming

import "net/netip"

// How a session is used: days, and uses a day, every two hours from 7 o'clock.
const (
	days       = 7
	usesPerDay = 8
	firstHour  = 7
	hoursApart = 2
)

// Persona is a kind of honest user.
type Persona struct {
	Name   string
	Share  float64 // of all users
	Habits string  // in words, with the parameters

	// live returns where the user is from one use to the next. It draws what
	// stays the same first.
	live func(d dice, w *World) func(use int) netip.Addr
}

// Personas returns the honest users. Their shares sum up to 1.
func Personas() []Persona {
	return []Persona{
		{"fixed line", 0.25, "a new address each day, in one case of ten of another prefix of the provider, and in half of those in another city", fixedLine},
		{"phone", 0.30, "on the home Wi-Fi or on the mobile network, evenly; a new mobile address each time, of any prefix, which is often in another city", phone},
		{"dual stack", 0.20, "IPv6 for six of ten uses; a new IPv6 address each day in the same /64, a new IPv4 address each day in the same prefix", dualStack},
		{"office", 0.10, "two providers, the second for three of ten uses; one fixed address each; in one case of five in different cities", office},
		{"VPN", 0.05, "a VPN for one use of four, through a hosting provider: in six cases of ten in another country, chosen once", vpn},
		{"traveller", 0.05, "three days abroad, in seven cases of ten on the same continent; on foreign networks for half of the uses, and on the mobile network of home for the others", traveller},
		{"at home", 0.05, "reaches the application by a private address in the evening, and by the mobile network at other times", atHome},
	}
}

// home draws a country, a provider of fixed lines there and a city.
func home(d dice, w *World) (c *country, line *provider, city int) {
	c = one(d, w.countries)
	return c, one(d, c.fixed), d.IntN(citiesEach)
}

// daily keeps an address for a day.
func daily(draw func() netip.Addr) func(use int) netip.Addr {
	day, ip := -1, netip.Addr{}
	return func(use int) netip.Addr {
		if use/usesPerDay != day {
			day, ip = use/usesPerDay, draw()
		}
		return ip
	}
}

func fixedLine(d dice, w *World) func(int) netip.Addr {
	_, line, city := home(d, w)
	prefix := one(d, line.in(city))
	return daily(func() netip.Addr {
		if d.chance(0.1) {
			if d.chance(0.5) {
				city = other(d, []int{0, 1, 2, 3}, city)
				prefix = one(d, line.in(city))
			} else {
				prefix = other(d, line.in(city), prefix)
			}
		}
		return prefix.address(d)
	})
}

func phone(d dice, w *World) func(int) netip.Addr {
	c, line, city := home(d, w)
	wifi, mobile := one(d, line.in(city)).address(d), one(d, c.mobile)
	return func(int) netip.Addr {
		if d.chance(0.5) {
			return wifi
		}
		return mobile.address(d)
	}
}

func dualStack(d dice, w *World) func(int) netip.Addr {
	_, line, city := home(d, w)
	prefix, subnet := one(d, line.in(city)), line.subnet(d)
	v4 := daily(func() netip.Addr { return prefix.address(d) })
	v6 := daily(func() netip.Addr { return temporary(d, subnet) })
	return func(use int) netip.Addr {
		if d.chance(0.6) {
			return v6(use)
		}
		return v4(use)
	}
}

func office(d dice, w *World) func(int) netip.Addr {
	c, line, city := home(d, w)
	second, secondCity := other(d, c.fixed, line), city
	if d.chance(0.2) {
		secondCity = other(d, []int{0, 1, 2, 3}, city)
	}
	egress, backup := one(d, line.in(city)).address(d), one(d, second.in(secondCity)).address(d)
	return func(int) netip.Addr {
		if d.chance(0.3) {
			return backup
		}
		return egress
	}
}

func vpn(d dice, w *World) func(int) netip.Addr {
	c, line, city := home(d, w)
	exit := c.hosting
	if d.chance(0.6) {
		exit = other(d, w.countries, c).hosting
	}
	direct := one(d, line.in(city)).address(d)
	return func(int) netip.Addr {
		if d.chance(0.25) {
			return exit.address(d)
		}
		return direct
	}
}

func traveller(d dice, w *World) func(int) netip.Addr {
	c, line, city := home(d, w)
	abroad := other(d, w.countries, c)
	if near := neighbours(w, c); len(near) > 0 && d.chance(0.7) {
		abroad = one(d, near)
	}
	left := (1 + d.IntN(days-3)) * usesPerDay
	direct, mobile, hotel := one(d, line.in(city)).address(d), one(d, c.mobile), one(d, abroad.fixed)
	return func(use int) netip.Addr {
		switch {
		case use < left || use >= left+3*usesPerDay:
			return direct
		case d.chance(0.5):
			return hotel.address(d)
		default:
			return mobile.address(d)
		}
	}
}

// neighbours returns the other countries of the continent.
func neighbours(w *World, c *country) []*country {
	var near []*country
	for _, n := range w.countries {
		if n != c && n.continent == c.continent {
			near = append(near, n)
		}
	}
	return near
}

func atHome(d dice, w *World) func(int) netip.Addr {
	c := one(d, w.countries)
	mobile := one(d, c.mobile)
	private := daily(func() netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, byte(2 + d.IntN(250))}) })
	return func(use int) netip.Addr {
		if use%usesPerDay >= 6 { // from 19 o'clock
			return private(use)
		}
		return mobile.address(d)
	}
}
