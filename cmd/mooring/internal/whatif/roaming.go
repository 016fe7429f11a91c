package whatif

import (
	"fmt"
	"io"
	"slices"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

// modelReport is what the model came to.
type modelReport struct {
	Seed     uint64            `json:"seed"`
	Sessions int               `json:"sessions_of_each"`
	Personas []habit           `json:"honest"`
	Thieves  []habit           `json:"thieves"`
	Rules    []roaming.Figures `json:"policies"` // authentik's rules, the presets, and the given policy
	Grid     []roaming.Figures `json:"grid"`
}

// habit is somebody of the model, in words.
type habit struct {
	Name   string  `json:"name"`
	Share  float64 `json:"share"`
	Habits string  `json:"habits"`
}

// rules returns the policies of the table: authentik's rules, each strict, and the
// presets.
func rules() []replay.Candidate {
	var all []replay.Candidate
	for network := binding.NetworkASN; network <= binding.NetworkASNNetworkIP; network++ {
		all = append(all, replay.Named(network.String(), binding.Policy{Network: network}))
	}
	for geoIP := binding.GeoIPContinent; geoIP <= binding.GeoIPCity; geoIP++ {
		all = append(all, replay.Named(geoIP.String(), binding.Policy{GeoIP: geoIP}))
	}
	all = append(all, replay.Named("bind_asn + bind_continent_country", binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry}))
	return append(all, replay.Presets()...)
}

// model runs the model and prints what came of it.
func model(s settings, out io.Writer) error {
	candidates := rules()
	if s.policy.set {
		candidates = append(candidates, replay.Named("given", s.policy.policy))
	}
	figures, err := roaming.Run(roaming.Config{Seed: s.seed, Sessions: s.sessions, Policies: candidates})
	if err != nil {
		return err
	}
	r := &modelReport{Seed: s.seed, Sessions: s.sessions, Rules: figures}
	for _, p := range roaming.Personas() {
		r.Personas = append(r.Personas, habit{p.Name, p.Share, p.Habits})
	}
	for _, t := range roaming.Thieves() {
		r.Thieves = append(r.Thieves, habit{t.Name, 1 / float64(len(roaming.Thieves())), t.Habits})
	}
	if s.html != "" || s.format == asJSON {
		if r.Grid, err = roaming.Run(roaming.Config{Seed: s.seed, Sessions: s.sessions, Policies: replay.Grid()}); err != nil {
			return err
		}
	}
	if err := s.writePage(r.page); err != nil {
		return err
	}
	if s.format == asJSON {
		return printJSON(out, r)
	}
	r.tables(out, s.format)
	return nil
}

func (r *modelReport) tables(out io.Writer, format string) {
	asks := slices.ContainsFunc(r.Rules, func(f roaming.Figures) bool { return f.Asked > 0 })
	header := []any{"policy", "honest sessions ended", "interruptions a week", "stolen sessions stopped"}
	if asks {
		header = append(header, "honest sessions to confirm")
	}
	total := newTable(header...).right(2, 3, 4, 5)
	honest, stolen := []any{"honest sessions ended"}, []any{"stolen sessions stopped"}
	for _, p := range r.Personas {
		honest = append(honest, p.Name)
	}
	for _, t := range r.Thieves {
		stolen = append(stolen, t.Name)
	}
	byPersona, byThief := newTable(honest...).right(columns(2, len(honest))...), newTable(stolen...).right(columns(2, len(stolen))...)
	for _, f := range r.Rules {
		row := []any{f.Name, whole(f.Ended), fmt.Sprintf("%.1f", f.Prompts), whole(f.Stopped)}
		if asks {
			row = append(row, whole(f.Asked))
		}
		total.row(row...)
		byPersona.row(wholes(f.Name, f.EndedBy)...)
		byThief.row(wholes(f.Name, f.StoppedBy)...)
	}
	for i, t := range []sheet{total, byPersona, byThief} {
		if i > 0 {
			fmt.Fprintln(out)
		}
		t.print(out, format)
	}
}

func columns(first, last int) []int {
	var numbers []int
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// whole returns a share as whole percent.
func whole(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func wholes(name string, shares []float64) []any {
	row := []any{name}
	for _, s := range shares {
		row = append(row, whole(s))
	}
	return row
}
