package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const output = `data: real
goos: linux
BenchmarkGuard/bare-2         	  696432	       100 ns/op	     320 B/op	       1 allocs/op
BenchmarkGuard/floor-2        	  216432	       500 ns/op	     936 B/op	       6 allocs/op
BenchmarkGuard/unchanged-2    	   81212	      1600 ns/op	    1152 B/op	       3 allocs/op
BenchmarkGuard/unchanged-2    	   81212	       900 ns/op	    1152 B/op	       3 allocs/op
BenchmarkGuard/unchanged-2    	   81212	      1000 ns/op	    1152 B/op	       3 allocs/op
BenchmarkGuard/scs-2          	    3826	     18100 ns/op	   11472 B/op	     263 allocs/op
BenchmarkMixed     	  315274	      2000 ns/op
BenchmarkMixed-2   	  237816	      1250 ns/op
BenchmarkSweep-2  	       3	 300 ns/op	      6500 µs-slowest-running
--- SKIP: BenchmarkRedis
    servers_test.go:38: missing: redis-server: not found
PASS
`

func TestFiguresAreComparedWithTheirTargets(t *testing.T) {
	m, err := read([]byte(output))
	require.NoError(t, err)
	table := tableOf(m)
	for _, line := range []string{
		"| guard, unchanged address | time | 0.9 µs | ≤ 1 µs | yes |",
		"|  | of the floor | 2.25 | ≤ 1.5 | **no** |",
		"|  | allocations | 2 | ≤ 2 | yes |",
		"|  | of scs `LoadAndSave` | 0.05 | ≤ 0.0833 | yes |",
		"|  | two cores to one, mixed load | 1.6 | ≥ 1.7 | **no** |",
		"|  | slowest read while a million are swept, median of ten sweeps | 6.5 ms | ≤ 1 ms | **no** |",
		"| Redis, 16 clients | request | – |  |  |",
		"|  | request, of raw `GET` | – | ≤ 1.15 | not measured |",
	} {
		assert.Contains(t, table, line+"\n")
	}
	assert.Contains(t, m.about(), "real GeoLite2 files")
	assert.Contains(t, m.about(), "missing: redis-server: not found")
}

func TestOutputWithoutResultsIsAnError(t *testing.T) {
	_, err := read([]byte("PASS\n"))
	assert.ErrorContains(t, err, "no result")
}

func TestAnEarlierRunIsShownAgain(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw.txt")
	require.NoError(t, os.WriteFile(raw, []byte(output), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-from", raw}, &out))
	assert.True(t, strings.HasPrefix(out.String(), "| path |"), out.String())

	for _, args := range [][]string{{"-count", "0"}, {"extra"}, {"-from", raw + ".none"}} {
		assert.Error(t, run(t.Context(), args, &out), args)
	}
}
