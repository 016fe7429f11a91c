package whatif

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"share": share, "whole": whole, "place": placeText, "after": afterText, "km": kmText, "trimmed": trimmed, "tenth": tenth, "every": everyText,
	"words": func(name string) []string { return strings.SplitAfter(name, "_") },
}).Parse(pageText))

// page writes the report as one page that needs nothing else.
func (r *report) page(out io.Writer) error {
	type details struct {
		policyReport
		Charts []bars
	}
	var presets []details
	users := bars{Title: "Users signed out at least once", Unit: "%"}
	for _, p := range r.named() {
		users.add(p.Name, p.UsersPercent, share(p.UsersPercent)+" %")
		presets = append(presets, details{p, []bars{
			counts("Reasons", p.Reasons, reasonText), counts("Networks gone to", p.Networks, networkText), counts("Countries", p.Countries, countriesText),
		}})
	}
	var heats []heat
	for _, group := range r.byTolerance() {
		h := newHeat("Tolerance: " + group[0].Tolerance)
		for _, p := range group {
			h.set(p.Network, p.GeoIP, p.SessionsPercent/100)
		}
		heats = append(heats, h)
	}
	return pageTemplate.ExecuteTemplate(out, "report", map[string]any{
		"Report": r, "Heats": heats, "Users": users, "Presets": presets,
	})
}

// page writes what the model came to as one page that needs nothing else.
func (r *modelReport) page(out io.Writer) error {
	return pageTemplate.ExecuteTemplate(out, "model", map[string]any{"Model": r, "Plot": r.plot(), "Proven": r.provenWithKeys()})
}

// picture writes the plot of the model as a picture that needs nothing else.
func (r *modelReport) picture(out io.Writer) error {
	return pageTemplate.ExecuteTemplate(out, "picture", r.plot())
}

// plot has all policies, those of the table with their numbers.
func (r *modelReport) plot() scatter {
	plot := scatter{}
	for _, f := range append(r.Grid, r.ProofGrid...) {
		plot.add(f, "grid")
	}
	for _, f := range r.Rules {
		kind := "rule"
		if f.Tolerance == "given" || binding.PresetNone != presetOf(f) {
			kind = "preset"
		}
		plot.add(f, kind)
	}
	for _, f := range r.Proofs {
		if f.Keys > 0 && asksForProofs(f.Policy) {
			plot.add(f, "proof")
		}
	}
	plot.place()
	return plot
}

func presetOf(f roaming.Figures) binding.Preset {
	var preset binding.Preset // none, unless the name is that of one
	_ = preset.UnmarshalText([]byte(f.Name))
	return preset
}

// heat is a share for each network level and GeoIP level.
type heat struct {
	Title    string
	Networks []binding.Network
	GeoIPs   []binding.GeoIP
	Cells    [][]heatCell // by network, then by GeoIP
}

// heatCell is a share, and how strong its colour is.
type heatCell struct {
	Text   string  // empty: not known
	Strong float64 // 0 to 1
}

// Colour returns how much of the strong colour the cell has, in percent.
func (c heatCell) Colour() string { return fmt.Sprintf("%.1f", 100*c.Strong) }

func newHeat(title string) heat {
	h := heat{Title: title}
	for n := binding.NetworkOff; n <= binding.NetworkASNNetworkIP; n++ {
		h.Networks = append(h.Networks, n)
		h.Cells = append(h.Cells, make([]heatCell, binding.GeoIPCity+1))
	}
	for g := binding.GeoIPOff; g <= binding.GeoIPCity; g++ {
		h.GeoIPs = append(h.GeoIPs, g)
	}
	return h
}

func (h *heat) set(n binding.Network, g binding.GeoIP, share float64) {
	h.Cells[n][g] = heatCell{fmt.Sprintf("%.1f", 100*share), math.Sqrt(share)}
}

// bars is a chart of horizontal bars.
type bars struct {
	Title, Unit string
	Bars        []bar
}

type bar struct {
	Label, Text string
	Width       float64 // in percent of the place that there is
	value       float64
}

// longestBar leaves place for the text behind a bar, in percent.
const longestBar = 70.0

func (b *bars) add(label string, value float64, text string) {
	b.Bars = append(b.Bars, bar{Label: label, Text: text, value: value})
	most := 0.0
	if b.Unit == "%" {
		most = 100
	}
	for _, bar := range b.Bars {
		most = max(most, bar.value)
	}
	for i := range b.Bars {
		if most > 0 {
			b.Bars[i].Width = longestBar * b.Bars[i].value / most
		}
	}
}

func counts[T any](title string, of []replay.Count[T], label func(T) string) bars {
	b := bars{Title: title}
	for _, c := range of {
		b.add(label(c.Of), float64(c.Times), fmt.Sprint(c.Times))
	}
	return b
}
