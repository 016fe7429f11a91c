package maxmind_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// replace puts another file in the place of path, as an updater does.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func open(t *testing.T) (db *maxmind.DB, asn, city string) {
	t.Helper()
	asn, city = bindingtest.WriteFiles(t)
	db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
	require.NoError(t, err)
	return db, asn, city
}

// assertLocates checks that db knows of every address what want knows.
func assertLocates(t *testing.T, want bindingtest.Locator, db *maxmind.DB) {
	t.Helper()
	for _, ip := range every() {
		want, have := locate(t, want, ip), locate(t, db, ip)
		assert.Equal(t, want.ASN, have.ASN, ip)
		assert.Equal(t, want.Geo, have.Geo, ip)
	}
}

func TestReload(t *testing.T) {
	db, asn, city := open(t)
	first := db.Status().Generation
	require.NoError(t, db.Reload())
	assert.Equal(t, first, db.Status().Generation, "same content, same generation")

	replace(t, asn, bindingtest.LaterASNFile())
	replace(t, city, bindingtest.LaterCityFile())
	assertLocates(t, bindingtest.Places(), db)
	require.NoError(t, db.Reload())
	assertLocates(t, bindingtest.Later(), db)
	assert.NotEqual(t, first, db.Status().Generation)

	replace(t, asn, bindingtest.ASNFile())
	replace(t, city, bindingtest.CityFile())
	require.NoError(t, db.Reload())
	assertLocates(t, bindingtest.Places(), db)
	assert.Equal(t, first, db.Status().Generation)
}

func TestReloadOfWhatWasGivenAsBytes(t *testing.T) {
	asn := bindingtest.ASNFile()
	db := load(t, asn, nil)
	clear(asn)
	assert.NoError(t, db.Reload())
	assert.NotNil(t, locate(t, db, bindingtest.Berlin).ASN, "the bytes were copied")
}

func TestBadFileLeavesTheOneBeforeInPlace(t *testing.T) {
	city := bindingtest.LaterCityFile()
	for name, test := range map[string]struct {
		put func(t *testing.T, path string)
		is  error // nil: a FactsError
	}{
		"corrupt":            {func(t *testing.T, path string) { replace(t, path, []byte("<html>")) }, maxmind.ErrCorrupt},
		"half written":       {func(t *testing.T, path string) { replace(t, path, city[:len(city)-200]) }, maxmind.ErrCorrupt},
		"empty":              {func(t *testing.T, path string) { replace(t, path, nil) }, maxmind.ErrCorrupt},
		"truncated in place": {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 100)) }, maxmind.ErrCorrupt},
		"gone":               {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, fs.ErrNotExist},
		"unusable type":      {func(t *testing.T, path string) { replace(t, path, bindingtest.DomainFile()) }, nil},
		"no cities any more": {func(t *testing.T, path string) { replace(t, path, bindingtest.CountryFile()) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			db, _, city := open(t)
			test.put(t, city)
			err := db.Reload()
			fileError, ok := errors.AsType[*maxmind.FileError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, city, fileError.Path)
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			} else {
				_, ok := errors.AsType[*maxmind.FactsError](err)
				assert.True(t, ok)
			}
			assert.Equal(t, "GeoLite2-City", db.Status().City.Type)
			assert.ErrorIs(t, db.Status().City.Err, fileError)
			assert.NoError(t, db.Status().ASN.Err)
			assert.NoError(t, db.Covers(binding.Policy{GeoIP: binding.GeoIPCity}))
			assertLocates(t, bindingtest.Places(), db)

			replace(t, city, bindingtest.LaterCityFile())
			require.NoError(t, db.Reload())
			assert.NoError(t, db.Status().City.Err)
			assert.Nil(t, locate(t, db, bindingtest.Nairobi).Geo)
		})
	}
}

func TestOneGoodFileIsTakenWhereTheOtherIsBad(t *testing.T) {
	db, asn, city := open(t)
	replace(t, asn, bindingtest.LaterASNFile())
	replace(t, city, []byte("bad"))
	require.ErrorIs(t, db.Reload(), maxmind.ErrCorrupt)
	want := bindingtest.Later()
	want.Geos = bindingtest.Places().Geos
	assertLocates(t, want, db)
}

func TestOverwritingInPlaceDoesNoHarm(t *testing.T) {
	db, asn, city := open(t)
	for _, path := range []string{asn, city} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, make([]byte, info.Size()), 0o600))
	}
	assertLocates(t, bindingtest.Places(), db)
	for _, path := range []string{asn, city} {
		require.NoError(t, os.Truncate(path, 0))
	}
	assertLocates(t, bindingtest.Places(), db)
}

// A lookup while files are replaced finds facts of one pair of files.
func TestReloadWhileLookingUp(t *testing.T) {
	db, asn, city := open(t)
	before := locate(t, db, bindingtest.Hamburg)
	replace(t, asn, bindingtest.LaterASNFile())
	require.NoError(t, db.Reload())
	after := locate(t, db, bindingtest.Hamburg)
	require.NotEqual(t, before.ASN, after.ASN)

	stop, readers := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				location, err := db.Locate(t.Context(), bindingtest.Hamburg)
				if !assert.NoError(t, err) {
					return
				}
				want := before
				if location.Generation == after.Generation {
					want = after
				}
				if !assert.Equal(t, want, location) {
					return
				}
			}
		})
	}
	for i := range 50 {
		content := bindingtest.ASNFile()
		if i%2 == 0 {
			content = bindingtest.LaterASNFile()
		}
		replace(t, asn, content)
		if i%5 == 0 {
			replace(t, city, []byte("bad"))
			assert.Error(t, db.Reload())
			replace(t, city, bindingtest.CityFile())
		}
		assert.NoError(t, db.Reload())
		db.Status()
	}
	close(stop)
	readers.Wait()
}

func TestWatch(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	synctest.Test(t, func(t *testing.T) {
		var reported []error
		db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city, OnReload: func(err error) { reported = append(reported, err) }})
		require.NoError(t, err)

		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- db.Watch(ctx) }()
		tick := func() {
			time.Sleep(time.Minute)
			synctest.Wait()
		}

		tick()
		assert.Empty(t, reported, "nothing changed")

		replace(t, city, bindingtest.LaterCityFile())
		synctest.Wait()
		assert.NotNil(t, locate(t, db, bindingtest.Nairobi).Geo, "not before the interval is over")
		tick()
		assert.Equal(t, []error{nil}, reported)
		assert.Nil(t, locate(t, db, bindingtest.Nairobi).Geo)

		// Half written: refused, tried again, and good once it is whole.
		whole := bindingtest.CityFile()
		require.NoError(t, os.WriteFile(city, whole[:len(whole)/2], 0o600))
		tick()
		tick()
		require.Len(t, reported, 3)
		assert.ErrorIs(t, reported[1], maxmind.ErrCorrupt)
		assert.ErrorIs(t, reported[2], maxmind.ErrCorrupt)
		assert.Nil(t, locate(t, db, bindingtest.Nairobi).Geo)
		require.NoError(t, os.WriteFile(city, whole, 0o600))
		tick()
		assert.Len(t, reported, 4)
		assert.NoError(t, reported[3])
		assert.NotNil(t, locate(t, db, bindingtest.Nairobi).Geo)

		generation := db.Status().Generation
		replace(t, city, whole)
		tick()
		assert.Len(t, reported, 5, "another file")
		assert.Equal(t, generation, db.Status().Generation, "with the same content")

		tick()
		assert.Len(t, reported, 5, "nothing changed")
		why := errors.New("shutting down")
		cancel(why)
		assert.ErrorIs(t, <-ended, why)
	})
}

func TestWatchInterval(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	synctest.Test(t, func(t *testing.T) {
		var reloads atomic.Int32
		db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city, WatchInterval: time.Hour, OnReload: func(error) { reloads.Add(1) }})
		require.NoError(t, err)
		go func() { _ = db.Watch(t.Context()) }()
		synctest.Wait()
		replace(t, city, bindingtest.LaterCityFile())
		time.Sleep(time.Hour - 1)
		synctest.Wait()
		assert.Zero(t, reloads.Load())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.EqualValues(t, 1, reloads.Load())
	})
}
