package geofiles

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// How much the generated files hold: their trees are as deep as those of real
// ones and too large for a processor's cache, though half as large or less,
// because writing them takes minutes.
const (
	generatedNetworks = 300_000
	generatedPlaces   = 300_000
	generatedCities   = 40_000
)

// languages are those of GeoLite2.
var languages = []string{"de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"}

func generateASN() ([]byte, error) {
	tree, err := newTree("GeoLite2-ASN", 24)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	err = scatter(tree, random, generatedNetworks, []int{16, 20, 22, 24}, func() mmdbtype.Map {
		number := uint32(1 + random.IntN(70_000))
		return asnRecord(number, fmt.Sprint("Network of Example ", number))
	})
	if err != nil {
		return nil, err
	}
	return contentOf(tree)
}

func generateCity() ([]byte, error) {
	tree, err := newTree("GeoLite2-City", 28)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(2, 2))
	err = scatter(tree, random, generatedPlaces, []int{22, 24, 24, 25, 26}, func() mmdbtype.Map {
		city := random.IntN(generatedCities)
		country, continent := city%250, city%7
		record := mmdbtype.Map{
			"continent": place("Continent", continent),
			"country":   place("Country", country),
			"city":      place("City", city),
			"location": mmdbtype.Map{
				"latitude": mmdbtype.Float64(city % 90), "longitude": mmdbtype.Float64(city % 180),
				"accuracy_radius": mmdbtype.Uint16(1 + random.IntN(5)*50), "time_zone": mmdbtype.String("Europe/Berlin"),
			},
		}
		record["continent"].(mmdbtype.Map)["code"] = mmdbtype.String([]string{"AF", "AN", "AS", "EU", "NA", "OC", "SA"}[continent])
		record["country"].(mmdbtype.Map)["iso_code"] = mmdbtype.String([]byte{byte('A' + country/26), byte('A' + country%26)})
		return record
	})
	if err != nil {
		return nil, err
	}
	return contentOf(tree)
}

// scatter inserts n networks of the lengths anywhere in 1.0.0.0 to 223.255.255.255.
func scatter(tree *mmdbwriter.Tree, random *rand.Rand, n int, lengths []int, record func() mmdbtype.Map) error {
	for range n {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], random.Uint32N(223<<24)+1<<24)
		mask := net.CIDRMask(lengths[random.IntN(len(lengths))], 32)
		network := &net.IPNet{IP: net.IP(ip[:]).Mask(mask), Mask: mask}
		if err := unlessReserved(tree.Insert(network, record())); err != nil {
			return fmt.Errorf("%s: %w", network, err)
		}
	}
	return nil
}

func place(kind string, number int) mmdbtype.Map {
	names := mmdbtype.Map{}
	for _, language := range languages {
		names[mmdbtype.String(language)] = mmdbtype.String(fmt.Sprint(kind, " ", number, " in ", language))
	}
	return mmdbtype.Map{"geoname_id": mmdbtype.Uint32(len(kind)*1_000_000 + number), "names": names}
}
