package benchmarks

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/maxmind"
)

// BenchmarkSwap takes a changed City file into use while others look up, and
// reports how long their slowest lookup took, beside the slowest while a processor
// is busy with nothing.
func BenchmarkSwap(b *testing.B) {
	asn, original := files(b)
	content, err := os.ReadFile(original)
	require.NoError(b, err)
	city := filepath.Join(b.TempDir(), "City.mmdb")
	require.NoError(b, os.WriteFile(city, content, 0o600))
	db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
	require.NoError(b, err)
	all := moves(b, db, 1000)
	i := 0
	locate := func() {
		i = (i + 1) % len(all)
		_, _ = db.Locate(b.Context(), all[i].to)
	}

	var swapping, idling waits
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		replaceByName(b, city, another(content, n))
		before := db.Status().Generation
		var took time.Duration
		swapping.during(locate, func() {
			b.StartTimer()
			start := time.Now()
			require.NoError(b, db.Reload())
			took = time.Since(start)
			b.StopTimer()
		})
		require.NotEqual(b, before, db.Status().Generation)
		idling.during(locate, func() { busy(took) })
		b.StartTimer()
	}
	swapping.report(b, "")
	idling.report(b, "-idle")
}

// another returns the file with other letters in its description, so that it is not
// the same one again.
func another(content []byte, n int) []byte {
	at := bytes.LastIndex(content, []byte("description"))
	changed := bytes.Clone(content)
	text := bytes.Index(changed[at:], []byte(" ")) + at // in the description: "GeoLite2 City database"
	changed[text] = byte('a' + n%26)
	return changed
}

func replaceByName(b *testing.B, path string, content []byte) {
	require.NoError(b, os.WriteFile(path+".new", content, 0o600))
	require.NoError(b, os.Rename(path+".new", path))
}
