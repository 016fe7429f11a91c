package whatif

import (
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

// openWorld opens the databases that were named, or the embedded ones of a
// made-up world.
func openWorld(s settings) (*maxmind.DB, error) {
	if s.demo {
		return maxmind.Load(bindingtest.ASNFile(), bindingtest.CityFile())
	}
	return maxmind.Open(maxmind.Config{ASN: s.asn, City: s.city})
}
