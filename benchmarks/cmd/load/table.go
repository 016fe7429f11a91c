package main

import (
	"fmt"
	"strings"
	"time"
)

// tableOf is all outcomes, in Markdown, with what the guard adds to what the
// application takes without it at the same rate.
func tableOf(outcomes []outcome) string {
	bare := map[int]outcome{}
	for _, o := range outcomes {
		if o.store == without {
			bare[o.rate] = o
		}
	}
	var table strings.Builder
	table.WriteString("| store | rate | throughput | failed | p50 | p99 | p99.9 | guard adds to p50 | processor time | guard adds |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, o := range outcomes {
		name, latency, processor := o.store, "–", "–"
		if o.store == without {
			name = "no guard"
		} else if b, ok := bare[o.rate]; ok && b.kept() && o.kept() {
			latency, processor = milliseconds(o.p50-b.p50), microseconds(o.processor-b.processor)
		}
		fmt.Fprintf(&table, "| %s | %d/s | %.0f/s | %d | %s | %s | %s | %s | %s | %s |\n", name, o.rate, o.throughput, o.failed,
			milliseconds(o.p50), milliseconds(o.p99), milliseconds(o.p999), latency, microseconds(o.processor), processor)
	}
	return table.String()
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }
func microseconds(d time.Duration) string { return fmt.Sprintf("%.0f µs", d.Seconds()*1e6) }
