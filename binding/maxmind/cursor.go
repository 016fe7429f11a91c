package maxmind

import (
	"math"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/mooring-go/mooring/binding"
)

const (
	// maxEntries is how many entries the maps may have that are read of one record. Of
	// a City file they have less than a hundred. Pointers could have a few bytes read
	// over and over.
	maxEntries = 4096
	// maxText is how long a text may be, in bytes.
	maxText = 4096
)

// work is how much was read of one record.
type work struct{ entries int }

// each has read called for each entry of a map, and returns what follows the map. read
// returns what follows the value.
func (w *work) each(from mmdbdata.Cursor, read func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	entries, err := from.Map()
	if err != nil {
		return mmdbdata.Cursor{}, mmdbdata.NormalizeUnmarshalError[map[string]any](err)
	}
	var next mmdbdata.Cursor
	for key, value, more := entries.Next(next); more; key, value, more = entries.Next(next) {
		if w.entries++; w.entries > maxEntries {
			return mmdbdata.Cursor{}, mmdbdata.NewInvalidDatabaseError("a record of more than %d entries", maxEntries)
		}
		if next, err = read(key, value); err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
	return entries.End()
}

// names reads what a place is called.
func (w *work) names(from mmdbdata.Cursor) (binding.Names, mmdbdata.Cursor, error) {
	names := binding.Names{}
	next, err := w.each(from, func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		name, next, err := readText(value)
		names[language(key)] = name
		return next, err
	})
	return names, next, err
}

// language returns the code as a string, which of the usual ones is there already.
func language(code []byte) string {
	for _, usual := range [...]string{"en", "de", "fr", "es", "ru", "ja", "zh-CN", "pt-BR"} {
		if string(code) == usual {
			return usual
		}
	}
	return string(code)
}

func readText(from mmdbdata.Cursor) (string, mmdbdata.Cursor, error) {
	text, next, err := from.ReadStringMaxSize(maxText)
	return text, next, mmdbdata.NormalizeUnmarshalError[string](err)
}

func readFloat(from mmdbdata.Cursor) (float64, mmdbdata.Cursor, error) {
	value, next, err := from.ReadFloat()
	return value, next, mmdbdata.NormalizeUnmarshalError[float64](err)
}

// readUint32 reads a number of any of the format's integer types.
func readUint32(from mmdbdata.Cursor) (uint32, mmdbdata.Cursor, error) {
	value, _, next, err := from.ReadInteger() // a negative one is large
	if err == nil && value > math.MaxUint32 {
		err = mmdbdata.NewUnmarshalTypeError[uint32](value)
	}
	return uint32(value), next, mmdbdata.NormalizeUnmarshalError[uint32](err)
}
