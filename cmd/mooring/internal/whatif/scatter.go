package whatif

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

// scatter has a dot for each policy: what it costs the honest, and what it costs
// thieves. Dots have numbers, which the key beside the plot explains, so that no name
// is too long for its place.
type scatter struct {
	Dots []dot
	Key  []key
}

type dot struct {
	Kind           string // grid, rule, preset or proof
	Label          string // numbers; those of several policies at one place; none for the grid
	Title          string
	X, Y           float64
	LabelX, LabelY float64
}

// key says which policy a number stands for.
type key struct {
	Number         int
	Kind           string
	Name           string
	Ended, Stopped string
}

// The field of the plot, in SVG units. It is narrow, so that it need not shrink much on
// a phone.
const plotLeft, plotTop, plotWidth, plotHeight = 44.0, 12.0, 318.0, 270.0

func (s *scatter) add(f roaming.Figures, kind string) {
	d := dot{
		Kind: kind, X: plotLeft + plotWidth*f.Ended, Y: plotTop + plotHeight*(1-f.Stopped),
		Title: fmt.Sprintf("%s, %s, tolerance %s: %s of honest sessions ended, %s of stolen sessions stopped", f.Network, f.GeoIP, f.Tolerance, whole(f.Ended), whole(f.Stopped)),
	}
	if kind == "grid" {
		s.Dots = append(s.Dots, d)
		return
	}
	k := key{len(s.Key) + 1, kind, nameOf(f), whole(f.Ended), whole(f.Stopped)}
	s.Key = append(s.Key, k)
	number := strconv.Itoa(k.Number)
	at := slices.IndexFunc(s.Dots, func(other dot) bool { return other.Label != "" && other.near(d) })
	if at < 0 {
		d.Label = number
		s.Dots = append(s.Dots, d)
		return
	}
	same := &s.Dots[at]
	same.Label += ", " + number
	same.Title += "; " + d.Title
	if kind != "rule" {
		same.Kind = kind
	}
}

// nameOf returns the policy, with the keys and the bound cookie that it was modelled with.
func nameOf(f roaming.Figures) string {
	name := f.Name
	if f.Keys > 0 {
		name += ", keys " + whole(f.Keys)
	}
	if f.ProveEvery > 0 {
		name += ", bound cookie " + everyText(f.ProveEvery)
	}
	return name
}

// near reports whether two dots cannot be told apart.
func (d dot) near(e dot) bool {
	return max(d.X-e.X, e.X-d.X) < dotRadius && max(d.Y-e.Y, e.Y-d.Y) < dotRadius
}

const dotRadius = 5.0

// place puts each label beside its dot, where it covers nothing if there is such a
// place.
func (s *scatter) place() {
	var taken []box
	for _, d := range s.Dots {
		taken = append(taken, box{d.X - dotRadius, d.Y - dotRadius, d.X + dotRadius, d.Y + dotRadius})
	}
	for i := range s.Dots {
		if d := &s.Dots[i]; d.Label != "" {
			taken = append(taken, d.label(taken))
		}
	}
}

// box is a part of the plot.
type box struct{ left, top, right, bottom float64 }

func (b box) covers(c box) bool {
	return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom
}

// label finds a place for the middle of the label of d, and returns what it covers.
func (d *dot) label(taken []box) box {
	const letter, height = 8.0, 13.0 // of the text
	width := letter * float64(len(strings.ReplaceAll(d.Label, " ", "")))
	field := box{plotLeft - 4, 0, plotLeft + plotWidth + 18, plotTop + plotHeight}
	around := func(dx, dy, gap float64) box {
		x := d.X + dx*(dotRadius+width/2+gap)
		y := d.Y + dy*(dotRadius+height/2+gap)
		return box{x - width/2, y - height/2, x + width/2, y + height/2}
	}
	sides := [][2]float64{{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {-1, -1}, {1, 1}, {-1, 1}}
	chosen := around(1, 0, 1)
	for _, gap := range []float64{1, 4, 7} {
		free := slices.IndexFunc(sides, func(side [2]float64) bool {
			b := around(side[0], side[1], gap)
			inside := b.left >= field.left && b.right <= field.right && b.top >= field.top && b.bottom <= field.bottom
			return inside && !slices.ContainsFunc(taken, b.covers)
		})
		if free >= 0 {
			chosen = around(sides[free][0], sides[free][1], gap)
			break
		}
	}
	d.LabelX, d.LabelY = (chosen.left+chosen.right)/2, (chosen.top+chosen.bottom)/2
	return chosen
}

// Y returns where the line of the key stands beside the plot.
func (k key) Y() float64 { return plotTop + lineHeight*float64(k.Number) }

// lineHeight is how far the lines of the key beside the plot are apart.
const lineHeight = 14.0

// Height returns how high the plot is with its key beside it.
func (s scatter) Height() float64 { return max(332, plotTop+lineHeight*float64(len(s.Key)+1)) }

// Ticks returns where the axes are marked, in percent.
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
