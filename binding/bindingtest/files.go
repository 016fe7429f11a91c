package bindingtest

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"
)

// ASNFile returns the networks of [Places] as a database of type GeoLite2-ASN.
func ASNFile() []byte { return []byte(asnFile) }

// CityFile returns the places of [Places] as a database of type GeoLite2-City.
func CityFile() []byte { return []byte(cityFile) }

// LaterASNFile returns the networks of [Later] as a database of type GeoLite2-ASN.
func LaterASNFile() []byte { return []byte(laterASNFile) }

// LaterCityFile returns the places of [Later] as a database of type GeoLite2-City.
func LaterCityFile() []byte { return []byte(laterCityFile) }

// ISPFile returns the networks of [Places] as a database of type GeoIP2-ISP.
func ISPFile() []byte { return []byte(ispFile) }

// EnterpriseFile returns the places of [Places] as a database of type
// GeoIP2-Enterprise.
func EnterpriseFile() []byte { return []byte(enterpriseFile) }

// CountryFile returns the places of [Places], without their cities and
// coordinates, as a database of type GeoLite2-Country.
func CountryFile() []byte { return []byte(countryFile) }

// DomainFile returns a database of type GeoIP2-Domain, in which there is nothing
// that a session can be bound to.
func DomainFile() []byte { return []byte(domainFile) }

// WriteFiles writes [ASNFile] and [CityFile] into a temporary directory of the
// test, and returns their paths.
func WriteFiles(t testing.TB) (asn, city string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("GeoLite2-ASN.mmdb", ASNFile()), write("GeoLite2-City.mmdb", CityFile())
}

var (
	//go:embed files/GeoLite2-ASN.mmdb
	asnFile string
	//go:embed files/GeoLite2-City.mmdb
	cityFile string
	//go:embed files/GeoLite2-ASN-later.mmdb
	laterASNFile string
	//go:embed files/GeoLite2-City-later.mmdb
	laterCityFile string
	//go:embed files/GeoIP2-ISP.mmdb
	ispFile string
	//go:embed files/GeoIP2-Enterprise.mmdb
	enterpriseFile string
	//go:embed files/GeoLite2-Country.mmdb
	countryFile string
	//go:embed files/GeoIP2-Domain.mmdb
	domainFile string
)
