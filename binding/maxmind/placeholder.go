package maxmind

import "github.com/mooring-go/mooring/binding"

// placeholders are what databases write for a code or a name that they do not
// know: ZZ is CLDR's code of an unknown region, which DB-IP has, and IP2Location
// writes a dash.
var placeholders = map[string]bool{"ZZ": true, "-": true, "--": true}

// dropPlaceholders makes unknown what g has a placeholder for. Two of them would be
// one place.
func dropPlaceholders(g *binding.Geo) {
	if g.Continent.GeoNameID == 0 && placeholders[g.Continent.Code] {
		g.Continent = binding.Continent{}
	}
	if g.Country.GeoNameID == 0 && placeholders[g.Country.ISOCode] {
		g.Country = binding.Country{}
	}
	if g.City.GeoNameID == 0 && placeholders[g.City.Names.English()] {
		g.City = binding.City{}
	}
}
