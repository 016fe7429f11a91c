package maxmind

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
)

// The forms that the database format gives values, and the sizes behind them.
const (
	pointerForm = 1 << 5
	textForm    = 2 << 5
	uint32Form  = 6 << 5
	mapForm     = 7 << 5
)

// sized returns the control bytes of a value.
func sized(form byte, size int) []byte {
	switch {
	case size < 29:
		return []byte{form | byte(size)}
	case size < 285:
		return []byte{form | 29, byte(size - 29)}
	default:
		return binary.BigEndian.AppendUint16([]byte{form | 30}, uint16(size-285))
	}
}

func text(s string) []byte { return append(sized(textForm, len(s)), s...) }

// entries returns a map of the keys and values in turn.
func entries(keysAndValues ...[]byte) []byte {
	return append(sized(mapForm, len(keysAndValues)/2), bytes.Join(keysAndValues, nil)...)
}

func readPlace(record []byte) (binding.Geo, error) {
	read := placeRecord{parts: new(cache[uint, part])}
	_, err := read.UnmarshalMaxMindDBCursor(mmdbdata.NewDecoder(record, 0).Cursor())
	return read.geo, err
}

func TestAPartIsReadOnce(t *testing.T) {
	record := entries(text("country"), entries(text("iso_code"), text("DE"), text("geoname_id"), append(sized(uint32Form, 1), 7), text("names"), entries(text("xx"), text("Land"))))
	read := placeRecord{parts: new(cache[uint, part])}
	for range 2 {
		next, err := read.UnmarshalMaxMindDBCursor(mmdbdata.NewDecoder(record, 0).Cursor())
		require.NoError(t, err)
		require.NotZero(t, next)
		assert.Equal(t, binding.Country{ISOCode: "DE", GeoNameID: 7, Names: binding.Names{"xx": "Land"}}, read.geo.Country)
		clear(record[len(record)-len("Land"):]) // as it would be read again
	}
}

// A file that was made to harm has one record that asks for more work than all of the
// file is worth.
func TestARecordAsksForLittleWork(t *testing.T) {
	var many [][]byte
	for range maxEntries + 1 {
		many = append(many, text("k"), text(""))
	}
	// The locations point to one map, which is read for each of them.
	manyTimes := [][]byte{text("city"), entries(many[:2*600]...)}
	for range 20 {
		manyTimes = append(manyTimes, text("location"), []byte{pointerForm, 6})
	}
	for name, record := range map[string][]byte{
		"a map":               entries(many...),
		"a part":              entries(text("city"), entries(many...)),
		"names":               entries(text("city"), entries(text("names"), entries(many...))),
		"one map, many times": entries(manyTimes...),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readPlace(record)
			_, invalid := err.(mmdbdata.InvalidDatabaseError) //nolint:errorlint // as each returns it
			require.True(t, invalid, "%v", err)
			require.ErrorContains(t, err, "entries")
		})
	}
	_, err := readPlace(entries(text("city"), entries(text("names"), entries(text("en"), text(string(make([]byte, maxText+1)))))))
	require.Error(t, err)
	_, err = readPlace(entries(text("city"), entries(text("names"), entries(text("en"), text(string(make([]byte, maxText)))))))
	require.NoError(t, err)
}

// A value of another type than a record of a place has is an error that says so, by
// which Open tells a file that is laid out otherwise from one that is damaged.
func TestAValueOfAnotherType(t *testing.T) {
	number := append(sized(uint32Form, 2), 1, 2)
	for name, record := range map[string][]byte{
		"continent": entries(text("continent"), text("EU")),
		"code":      entries(text("continent"), entries(text("code"), number)),
		"number":    entries(text("country"), entries(text("geoname_id"), text("7"))),
		"names":     entries(text("country"), entries(text("names"), text("Land"))),
		"name":      entries(text("country"), entries(text("names"), entries(text("en"), number))),
		"degrees":   entries(text("location"), entries(text("latitude"), text("1"))),
		"record":    text("EU"),
	} {
		_, err := readPlace(record)
		assert.ErrorAs(t, err, new(maxminddb.UnmarshalTypeError), name)
	}
}
