package main

import (
	"fmt"
	"math"
	"strings"
)

// tableOf returns every target, in Markdown, and what was measured beside it.
func tableOf(m measured) string {
	var table strings.Builder
	table.WriteString("| path | figure | measured | target | met |\n|---|---|---:|---:|---|\n")
	for _, t := range targets {
		figure := t.figure(m)
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", t.path, t.what, with(figure, t.unit), t.bound(), t.met(figure))
	}
	return table.String()
}

func (t target) bound() string {
	switch {
	case t.limit == none:
		return ""
	case t.least:
		return "≥ " + with(t.limit, t.unit)
	default:
		return "≤ " + with(t.limit, t.unit)
	}
}

func (t target) met(figure float64) string {
	switch {
	case t.limit == none:
		return ""
	case math.IsNaN(figure):
		return "not measured"
	case t.least && figure >= t.limit, !t.least && figure <= t.limit:
		return "yes"
	default:
		return "**no**"
	}
}

// with returns a figure with three digits, which is as far as it can be believed.
func with(figure float64, unit string) string {
	if math.IsNaN(figure) {
		return "–"
	}
	text := fmt.Sprintf("%.3g", figure)
	if math.Abs(figure) >= 1000 {
		text = fmt.Sprintf("%.0f", figure)
	}
	return strings.TrimSpace(text + " " + unit)
}
