package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/mooring-go/mooring/benchmarks/internal/document"
)

// measured is what the benchmarks printed: for each name, number of processors
// and unit every value.
type measured struct {
	values  map[key][]float64
	data    string // real or generated
	skipped []string
}

type key struct {
	name  string // without Benchmark in front
	procs int
	unit  string
}

var (
	procs = regexp.MustCompile(`^(.*)-(\d+)$`)
	skip  = regexp.MustCompile(`(?m)missing: .*`)
)

// read reads the output of go test, as benchstat does.
func read(raw []byte) (measured, error) {
	m := measured{values: map[key][]float64{}}
	reader := benchfmt.NewReader(bytes.NewReader(raw), "raw")
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError: // a line of something else
		case *benchfmt.Result:
			m.data = record.GetConfig("data")
			name, n := record.Name.String(), 1
			if parts := procs.FindStringSubmatch(name); parts != nil {
				name = parts[1]
				n, _ = strconv.Atoi(parts[2])
			}
			for _, v := range record.Values {
				value, unit := v.Value, v.Unit
				if v.OrigUnit != "" {
					value, unit = v.OrigValue, v.OrigUnit
				}
				m.values[key{name, n, unit}] = append(m.values[key{name, n, unit}], value)
			}
		}
	}
	for _, line := range skip.FindAll(raw, -1) {
		m.skipped = append(m.skipped, string(line))
	}
	if len(m.values) == 0 {
		return m, errors.Join(errors.New("no result of a benchmark was found"), reader.Err())
	}
	return m, reader.Err()
}

// median returns the middle one of the values, or NaN where there are none. The
// number of processors is any but 1, which only one benchmark is run with.
func (m measured) median(name, unit string) float64 {
	for k, values := range m.values {
		if k.name == name && k.unit == unit && k.procs != 1 {
			return center(values)
		}
	}
	return m.onOne(name, unit)
}

// onOne returns the median with one processor.
func (m measured) onOne(name, unit string) float64 { return center(m.values[key{name, 1, unit}]) }

func center(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center
}

// about says what was measured on, and what was left out.
func (m measured) about() string {
	text := fmt.Sprintf("Measured on %s, with %s GeoLite2 files.", document.Machine(), m.data)
	for _, line := range m.skipped {
		text += "\nLeft out, " + line + "."
	}
	return text
}
