package binding

// Geo is what is known of where an address is. Each part may be unknown.
//
// Its JSON is a summary, {"lat", "city", "long", "country", "continent"}: the
// city's name, "" where it is unknown, and the codes of country and continent,
// null where they are.
type Geo struct {
	Continent   Continent
	Country     Country
	City        City
	Coordinates *Coordinates // nil: unknown
}

// Coordinates are degrees north and east, as coarse as the data they come
// from; never the position of a person.
type Coordinates struct{ Latitude, Longitude float64 }

// Names is what a place is called, by language ("en", "pt-BR"). It is shared
// and read-only.
type Names map[string]string

// English is the English name, or else the name in the first language by code,
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

// Equal reports whether c and d are the same continent, as [City.Equal] does.
func (c Continent) Equal(d Continent) bool {
	return samePlace(c.GeoNameID, d.GeoNameID, c.Code, d.Code, c.Names, d.Names)
}

// Equal reports whether c and d are the same country, as [City.Equal] does.
func (c Country) Equal(d Country) bool {
	return samePlace(c.GeoNameID, d.GeoNameID, c.ISOCode, d.ISOCode, c.Names, d.Names)
}

// Equal reports whether c and d are the same place: by GeoName ID; where
// neither has one by code; where neither has that by name. One name is spelled
// in several ways, from record to record and from release to release, so names
// decide only where nothing better is known. Two unknown places are equal.
func (c City) Equal(d City) bool {
	return samePlace(c.GeoNameID, d.GeoNameID, "", "", c.Names, d.Names)
}

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
