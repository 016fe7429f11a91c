package binding

// GeoIP is how tightly a session is bound to the place it was made at. Each
// level includes those before it. The zero value is [GeoIPOff].
//
// It is read and written as text, so that it can stand in JSON, YAML, a flag or
// an environment variable.
type GeoIP uint8

// The levels of GeoIP binding.
//
// City needs care: in real data half of all announced IPv4 addresses, and most
// IPv6 ones, have no city. Two places in one country whose cities are both
// unknown count as equal, so for those addresses GeoIPCity protects no better
// than GeoIPCountry does.
const (
	GeoIPOff       GeoIP = iota // no_binding: the place may change
	GeoIPContinent              // bind_continent: same continent
	GeoIPCountry                // bind_continent_country: and same country
	GeoIPCity                   // bind_continent_country_city: and same city
)

const geoIPKind = "GeoIP binding"

var geoIPNames = []string{"no_binding", "bind_continent", "bind_continent_country", "bind_continent_country_city"}

// ParseGeoIP returns the level that s names: no_binding, bind_continent,
// bind_continent_country or bind_continent_country_city. Anything else is a
// [*LevelError].
func ParseGeoIP(s string) (GeoIP, error) {
	level, err := parseLevel(geoIPKind, geoIPNames, s)
	return GeoIP(level), err
}

// String returns the level's name as [ParseGeoIP] reads it.
func (g GeoIP) String() string { return levelName("GeoIP", geoIPNames, uint8(g)) }

// MarshalText returns the level's name. A number that is no level is an error.
func (g GeoIP) MarshalText() ([]byte, error) { return levelText(geoIPKind, geoIPNames, uint8(g)) }

// UnmarshalText reads what [ParseGeoIP] reads, and leaves g as it was on error.
func (g *GeoIP) UnmarshalText(text []byte) error {
	parsed, err := ParseGeoIP(string(text))
	if err == nil {
		*g = parsed
	}
	return err
}
