package main

import (
	"fmt"
	"strings"
	"time"
)

// tableOf returns all outcomes, in Markdown, with what the guard adds to what the
// application takes without it on the same store at the same rate.
func tableOf(outcomes []outcome) string {
	type series struct {
		store string
		rate  int
	}
	without := map[series]outcome{}
	for _, o := range outcomes {
		if !o.guarded {
			without[series{o.store, o.rate}] = o
		}
	}
	var table strings.Builder
	table.WriteString("| store | guard | rate | throughput | failed | p50 | p99 | p99.9 | guard adds to p50 | processor time | guard adds |\n" +
		"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, o := range outcomes {
		latency, processor := "–", "–"
		if bare, ok := without[series{o.store, o.rate}]; ok && o.guarded && bare.kept() && o.kept() {
			latency, processor = milliseconds(o.p50-bare.p50), microseconds(o.processor-bare.processor)
		}
		fmt.Fprintf(&table, "| %s | %s | %d/s | %.0f/s | %d | %s | %s | %s | %s | %s | %s |\n", o.store, guard(o.guarded), o.rate, o.throughput, o.failed,
			milliseconds(o.p50), milliseconds(o.p99), milliseconds(o.p999), latency, microseconds(o.processor), processor)
	}
	return table.String()
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }
func microseconds(d time.Duration) string { return fmt.Sprintf("%.0f µs", d.Seconds()*1e6) }
