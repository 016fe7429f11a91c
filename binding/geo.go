package binding

// Geo is what is known of where an address is. Each part may be unknown.
//
// Two continents, countries or cities are the same if their GeoName IDs are. Where
// neither has an ID their codes decide, and where neither has a code, their names.
//
// Its JSON is a summary, {"lat", "city", "long", "country", "continent"}: the
// city's name, "" where it is unknown, and the codes of country and continent,
// null where they are.
type Geo struct {
	Continent Continent
	Country   Country

	// Subdivision tells cities of one name apart: the code or the name of the
	// state or province, of several from the largest to the smallest. Empty:
	// unknown. It is compared only where the city has no GeoName ID, and a
	// [Locator] need not set it for others.
	Subdivision string

	City        City
	Coordinates *Coordinates // nil: unknown
}

// Coordinates are degrees north and east, as coarse as the data they come
// from; never the position of a person.
type Coordinates struct{ Latitude, Longitude float64 }

// Names is what a place is called, by language ("en", "pt-BR"). It is shared
// and read-only.
type Names map[string]string

// English returns the English name, or else the name in the first language by code,
// or "" where there is none.
func (n Names) English() string {
	if name, ok := n["en"]; ok {
		return name
	}
	first := ""
	for language := range n {
		if first == "" || language < first {
			first = language
		}
	}
	return n[first]
}

// Continent is one of the seven; the zero value is an unknown one.
type Continent struct {
	Code      string `json:"code,omitempty"` // AF, AN, AS, EU, NA, OC or SA
	GeoNameID uint32 `json:"geoname_id,omitempty"`
	Names     Names  `json:"names,omitempty"`
}

// Country is a country or territory; the zero value is an unknown one.
type Country struct {
	ISOCode   string `json:"iso_code,omitempty"` // ISO 3166-1 alpha-2
	GeoNameID uint32 `json:"geoname_id,omitempty"`
	Names     Names  `json:"names,omitempty"`
}

// City is a city or town; the zero value is an unknown one.
type City struct {
	GeoNameID uint32 `json:"geoname_id,omitempty"`
	Names     Names  `json:"names,omitempty"`
}

func (c Continent) isKnown() bool { return isPlace(c.GeoNameID, c.Code, c.Names) }
func (c Country) isKnown() bool   { return isPlace(c.GeoNameID, c.ISOCode, c.Names) }
func (c City) isKnown() bool      { return isPlace(c.GeoNameID, "", c.Names) }

func (c Continent) equal(d Continent) bool {
	return samePlace(c.GeoNameID, d.GeoNameID, c.Code, d.Code, c.Names, d.Names)
}

func (c Country) equal(d Country) bool {
	return samePlace(c.GeoNameID, d.GeoNameID, c.ISOCode, d.ISOCode, c.Names, d.Names)
}

// sameCity reports whether two places are in one city, or both in an unknown one.
// A name alone does not tell one Springfield from another, so where neither city
// has a GeoName ID, their subdivisions must be equal too.
func (g *Geo) sameCity(h *Geo) bool {
	if !samePlace(g.City.GeoNameID, h.City.GeoNameID, "", "", g.City.Names, h.City.Names) {
		return false
	}
	return g.City.GeoNameID != 0 || !g.City.isKnown() || g.Subdivision == h.Subdivision
}

// isPlace reports whether anything is known that places are compared by.
func isPlace(id uint32, code string, names Names) bool {
	return id != 0 || code != "" || names.English() != ""
}

// samePlace compares GeoName IDs; where neither place has one, codes; where neither
// has a code, names. One name is spelled in several ways, from record to record
// and from release to release, so names decide only where nothing better is known.
func samePlace(fromID, toID uint32, fromCode, toCode string, fromNames, toNames Names) bool {
	switch {
	case fromID != 0 || toID != 0:
		return fromID == toID
	case fromCode != "" || toCode != "":
		return fromCode == toCode
	default:
		return fromNames.English() == toNames.English()
	}
}
