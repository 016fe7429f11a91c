// Command generate writes the database files of package bindingtest into a
// directory, and those of package maxmind's tests beside it. They have the same bytes on every run.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
)

// When the two releases claim to be built: 2026-01-06 and a week later.
const (
	built      = 1767657600
	builtLater = built + 7*24*60*60
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: generate directory")
	}
	files, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(flag.Arg(0), name), content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the content of each file by its path from the directory.
func generate() (map[string][]byte, error) {
	places, later := bindingtest.Places(), bindingtest.Later()
	files := map[string][]byte{}
	for _, file := range []struct {
		name, databaseType string
		epoch              int64
		records            map[netip.Prefix]mmdbtype.Map
	}{
		{"GeoLite2-ASN.mmdb", "GeoLite2-ASN", built, records(places.ASNs, asn)},
		{"GeoLite2-City.mmdb", "GeoLite2-City", built, records(places.Geos, cityOf)},
		{"GeoLite2-ASN-later.mmdb", "GeoLite2-ASN", builtLater, records(later.ASNs, asn)},
		{"GeoLite2-City-later.mmdb", "GeoLite2-City", builtLater, records(later.Geos, cityOf)},
		{"GeoIP2-ISP.mmdb", "GeoIP2-ISP", built, records(places.ASNs, isp)},
		{"GeoIP2-Enterprise.mmdb", "GeoIP2-Enterprise", built, records(places.Geos, enterprise)},
		{"GeoLite2-Country.mmdb", "GeoLite2-Country", built, records(places.Geos, countryOf)},
		{"GeoIP2-Domain.mmdb", "GeoIP2-Domain", built, records(places.ASNs, domain)},
	} {
		content, err := write(file.databaseType, file.epoch, file.records)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
		files[file.name] = content
	}
	for _, file := range vendorFiles() {
		content, err := write(file.databaseType, built, file.records)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
		files[vendorDirectory+file.name] = content
	}
	return files, nil
}

func write(databaseType string, epoch int64, records map[netip.Prefix]mmdbtype.Map) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType:            databaseType,
		BuildEpoch:              epoch,
		Description:             map[string]string{"en": "Invented facts of addresses for documentation"},
		Languages:               []string{"de", "en"},
		RecordSize:              24,
		IncludeReservedNetworks: true,
	})
	if err != nil {
		return nil, err
	}
	for prefix, record := range records {
		network := &net.IPNet{
			IP:   prefix.Addr().AsSlice(),
			Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		}
		if err := tree.Insert(network, record); err != nil {
			return nil, err
		}
	}
	var content bytes.Buffer
	_, err = tree.WriteTo(&content)
	return content.Bytes(), err
}

func records[T any](table map[netip.Prefix]T, record func(T) mmdbtype.Map) map[netip.Prefix]mmdbtype.Map {
	of := map[netip.Prefix]mmdbtype.Map{}
	for prefix, facts := range table {
		of[prefix] = record(facts)
	}
	return of
}

func asn(a binding.ASN) mmdbtype.Map {
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(a.Number),
		"autonomous_system_organization": mmdbtype.String(a.Organization),
	}
}

func isp(a binding.ASN) mmdbtype.Map {
	record := asn(a)
	record["isp"] = mmdbtype.String(a.Organization)
	record["organization"] = mmdbtype.String(a.Organization)
	return record
}

func domain(binding.ASN) mmdbtype.Map { return mmdbtype.Map{"domain": mmdbtype.String("example.net")} }

func countryOf(g binding.Geo) mmdbtype.Map {
	continent := place(g.Continent.GeoNameID, g.Continent.Names)
	continent["code"] = mmdbtype.String(g.Continent.Code)
	country := place(g.Country.GeoNameID, g.Country.Names)
	country["iso_code"] = mmdbtype.String(g.Country.ISOCode)
	return mmdbtype.Map{"continent": continent, "country": country}
}

func cityOf(g binding.Geo) mmdbtype.Map {
	record := countryOf(g)
	record["location"] = mmdbtype.Map{
		"latitude":  mmdbtype.Float64(g.Coordinates.Latitude),
		"longitude": mmdbtype.Float64(g.Coordinates.Longitude),
	}
	if g.City.GeoNameID != 0 {
		record["city"] = place(g.City.GeoNameID, g.City.Names)
	}
	return record
}

func enterprise(g binding.Geo) mmdbtype.Map {
	record := cityOf(g)
	record["traits"] = mmdbtype.Map{"is_legitimate_proxy": mmdbtype.Bool(false)}
	return record
}

func place(id uint32, names binding.Names) mmdbtype.Map {
	spelled := mmdbtype.Map{}
	for language, name := range names {
		spelled[mmdbtype.String(language)] = mmdbtype.String(name)
	}
	return mmdbtype.Map{"geoname_id": mmdbtype.Uint32(id), "names": spelled}
}
