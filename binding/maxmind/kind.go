package maxmind

import (
	"slices"
	"strings"
)

// A kind is one of the two sorts of facts, and the option that names the file
// they are read from.
type kind string

const (
	asnKind  kind = "ASN"
	cityKind kind = "City"
)

// usable is the types of databases that have the facts of each kind, as their
// metadata names them. One that ends in * stands for every type that begins so.
var usable = map[kind][]string{
	asnKind: {
		"GeoLite2-ASN", "GeoIP2-ISP", "GeoIP2-Precision-ISP",
		"DBIP-ASN-Lite (compat=GeoLite2-ASN)",
	},
	cityKind: slices.Concat(cityTypes, countryTypes),
}

var (
	cityTypes = []string{
		"GeoLite2-City", "GeoIP2-City", "GeoIP2-City-*", "GeoIP2-Precision-City", "GeoIP-City-Redacted-US",
		"GeoIP2-Enterprise", "GeoIP2-Precision-Enterprise", "GeoIP-Enterprise-Redacted-US",
		"DBIP-City-Lite", "DBIP-Location (compat=City)", "DBIP-Location-ISP (compat=Enterprise)",
	}
	// countryTypes know continents and countries, and no cities.
	countryTypes = []string{"GeoLite2-Country", "GeoIP2-Country", "DBIP-Country-Lite", "DBIP-Country"}
)

// isUsable reports whether a database of that type has facts of kind k.
func (k kind) isUsable(databaseType string) bool {
	return slices.ContainsFunc(usable[k], func(known string) bool {
		beginning, more := strings.CutSuffix(known, "*")
		return databaseType == known || more && strings.HasPrefix(databaseType, beginning)
	})
}

// hasCities reports whether a usable database of that type knows cities.
func hasCities(databaseType string) bool { return !slices.Contains(countryTypes, databaseType) }
