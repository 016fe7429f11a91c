package maxmind_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

func TestADatabaseIsStaleOnceItIsOlderThanMaxAge(t *testing.T) {
	const maxAge = 30 * 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		asn, city := bindingtest.WriteFiles(t)
		db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city, MaxAge: maxAge})
		require.NoError(t, err)
		patient, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
		require.NoError(t, err)

		time.Sleep(time.Until(db.Status().City.Built.Add(maxAge)))
		assert.NoError(t, db.Stale(), "at its limit")
		time.Sleep(time.Nanosecond)
		err = db.Stale()
		assert.ErrorIs(t, err, maxmind.ErrStale)
		assert.ErrorContains(t, err, city)
		assert.ErrorContains(t, err, asn, "both are")
		assert.NoError(t, patient.Stale(), "no limit was set")
	})
}

func TestADatabaseIsStaleWhileANewerOneCannotBeUsed(t *testing.T) {
	db, _, city := open(t)
	require.NoError(t, db.Stale())

	require.NoError(t, os.Remove(city))
	assert.Error(t, db.Reload())
	assert.ErrorIs(t, db.Stale(), maxmind.ErrStale)
	assert.ErrorIs(t, db.Stale(), os.ErrNotExist)

	replace(t, city, []byte("<html>"))
	assert.Error(t, db.Reload())
	assert.ErrorIs(t, db.Stale(), maxmind.ErrCorrupt)

	replace(t, city, bindingtest.LaterCityFile())
	assert.NoError(t, db.Reload())
	assert.NoError(t, db.Stale())
}

func TestEveryMistakeInTheConfigIsReported(t *testing.T) {
	_, err := maxmind.Open(maxmind.Config{MaxAge: -time.Second, WatchInterval: -time.Minute})
	assert.ErrorIs(t, err, maxmind.ErrNoFiles)
	assert.ErrorIs(t, err, maxmind.ErrNegative)
	assert.ErrorContains(t, err, "MaxAge -1s")
	assert.ErrorContains(t, err, "WatchInterval -1m0s")
}
