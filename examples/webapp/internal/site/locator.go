package site

import (
	"log/slog"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

// openLocator opens the databases that were named or, where none was, the
// embedded ones of a small made-up world.
func openLocator(s settings, logger *slog.Logger) (*maxmind.DB, error) {
	if !s.realData() {
		return maxmind.Load(bindingtest.ASNFile(), bindingtest.CityFile())
	}
	return maxmind.Open(maxmind.Config{ASN: s.asn, City: s.city, OnReload: func(err error) {
		if err != nil {
			logger.Error("a newer database is not in use", "error", err)
			return
		}
		logger.Info("a newer database is in use")
	}})
}
