package binding

// Policy says which facts of the place where a session was made must still
// hold where it is used. The zero value asks for nothing.
type Policy struct {
	Network Network `json:"network,omitempty"`
	GeoIP   GeoIP   `json:"geoip,omitempty"`
}

// Check compares where a session was made, from, with where it is used, to. It
// returns nil if the policy holds, and otherwise the first fact that does not,
// in this order: the network before the place, and within each whether anything
// is known at all before what it is, from the widest to the narrowest.
//
// Check compares the facts that it is given and nothing else: two locations
// with the same address and different facts can be broken.
func (p Policy) Check(from, to Location) *Broken {
	reason := p.checkNetwork(from, to)
	if reason == "" {
		reason = p.checkGeoIP(from.Geo, to.Geo)
	}
	if reason == "" {
		return nil
	}
	return newBroken(reason, from, to)
}

func (p Policy) checkNetwork(from, to Location) Reason {
	switch {
	case p.Network == NetworkOff:
		return ""
	case from.ASN == nil || to.ASN == nil:
		return NetworkMissing
	case from.ASN.Number != to.ASN.Number:
		return NetworkASNChanged
	case p.Network == NetworkASN:
		return ""
	case from.ASN.Network != to.ASN.Network:
		return NetworkPrefixChanged
	case p.Network == NetworkASNNetwork:
		return ""
	case !from.IP.IsValid() || Normalize(from.IP) != Normalize(to.IP):
		return NetworkIPChanged
	default:
		return ""
	}
}

func (p Policy) checkGeoIP(from, to *Geo) Reason {
	switch {
	case p.GeoIP == GeoIPOff:
		return ""
	case from == nil || to == nil:
		return GeoIPMissing
	case !from.Continent.Equal(to.Continent):
		return GeoIPContinentChanged
	case p.GeoIP == GeoIPContinent:
		return ""
	case !from.Country.Equal(to.Country):
		return GeoIPCountryChanged
	case p.GeoIP == GeoIPCountry:
		return ""
	case !from.City.Equal(to.City):
		return GeoIPCityChanged
	default:
		return ""
	}
}
