package whatif

import (
	"fmt"
	"slices"

	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

// scatter has a dot for each policy: what it costs the honest, and what it costs
// thieves.
type scatter struct{ Dots []dot }

type dot struct {
	Kind, Label    string // grid, rule or preset; no label for the grid
	Title          string
	X, Y           float64
	LabelX, LabelY float64
	Anchor         string
}

// The field of the plot, in SVG units.
const plotLeft, plotTop, plotWidth, plotHeight = 60.0, 20.0, 560.0, 400.0

func (s *scatter) add(f roaming.Figures, kind string) {
	d := dot{
		Kind: kind, X: plotLeft + plotWidth*f.Ended, Y: plotTop + plotHeight*(1-f.Stopped),
		Title: fmt.Sprintf("%s, %s, tolerance %s: %s of honest sessions ended, %s of stolen sessions stopped", f.Network, f.GeoIP, f.Tolerance, whole(f.Ended), whole(f.Stopped)),
	}
	if kind != "grid" {
		d.Label = f.Name
	}
	s.Dots = append(s.Dots, d)
}

// place puts labels beside their dots, those of presets first, where they cover
// nothing if there is such a place.
func (s *scatter) place() {
	var taken []box
	for _, d := range s.Dots {
		taken = append(taken, box{d.X - 6, d.Y - 6, d.X + 6, d.Y + 6})
	}
	for _, kind := range []string{"preset", "rule"} {
		for i := range s.Dots {
			if d := &s.Dots[i]; d.Kind == kind {
				taken = append(taken, d.label(taken))
			}
		}
	}
}

// box is a part of the plot.
type box struct{ left, top, right, bottom float64 }

func (b box) covers(c box) bool {
	return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom
}

// label finds a place for the label of d, and returns it.
func (d *dot) label(taken []box) box {
	const letter, above, below = 7.2, 11.0, 4.0 // of the text, from its baseline
	field := box{plotLeft, plotTop - 16, plotLeft + plotWidth + 30, plotTop + plotHeight}
	width := letter * float64(len(d.Label))
	for distance := 0.0; distance < 60; distance += 8 {
		for _, down := range []float64{4 + distance, 4 - distance} {
			for _, anchor := range []string{"start", "end"} {
				x, y := d.X+9, d.Y+down
				b := box{x, y - above, x + width, y + below}
				if anchor == "end" {
					x = d.X - 9
					b.left, b.right = x-width, x
				}
				inside := b.left >= field.left && b.right <= field.right && b.top >= field.top && b.bottom <= field.bottom
				if inside && !slices.ContainsFunc(taken, b.covers) {
					d.LabelX, d.LabelY, d.Anchor = x, y, anchor
					return b
				}
			}
		}
	}
	d.LabelX, d.LabelY, d.Anchor = d.X+9, d.Y+4, "start"
	return box{d.X, d.Y - above, d.X + width, d.Y + below}
}

// Ticks are where the axes are marked, in percent.
func (scatter) Ticks() []tick {
	var ticks []tick
	for percent := 0; percent <= 100; percent += 20 {
		ticks = append(ticks, tick{percent, plotLeft + plotWidth*float64(percent)/100, plotTop + plotHeight*(1-float64(percent)/100)})
	}
	return ticks
}

type tick struct {
	Percent int
	X, Y    float64
}
