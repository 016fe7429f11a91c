package whatif

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
	"github.com/mooring-go/mooring/duration"
)

// modelReport is what the model came to.
type modelReport struct {
	Seed       uint64            `json:"seed"`
	Sessions   int               `json:"sessions_of_each"`
	ProveEvery duration.Duration `json:"prove_every"`
	Personas   []habit           `json:"honest"`
	Browsers   []habit           `json:"browsers"`
	Thieves    []habit           `json:"thieves"`
	Loots      []habit           `json:"loot"`
	Rules      []roaming.Figures `json:"policies"`   // authentik's rules, the presets, and the given policy, without device keys
	Proofs     []roaming.Figures `json:"proofs"`     // policies with device keys
	Grid       []roaming.Figures `json:"grid"`       // every level and tolerance, without device keys
	ProofGrid  []roaming.Figures `json:"proof_grid"` // every level, proved, with device keys in all browsers
}

// habit is somebody or something of the model, in words.
type habit struct {
	Name   string  `json:"name"`
	Share  float64 `json:"share"`
	Habits string  `json:"habits"`
}

// rules returns the policies of the table without device keys: authentik's rules, each
// strict, and the presets.
func rules() []replay.Candidate {
	var all []replay.Candidate
	for network := binding.NetworkASN; network <= binding.NetworkASNNetworkIP; network++ {
		all = append(all, replay.Named(network.String(), binding.Policy{Network: network}))
	}
	for geoIP := binding.GeoIPContinent; geoIP <= binding.GeoIPCity; geoIP++ {
		all = append(all, replay.Named(geoIP.String(), binding.Policy{GeoIP: geoIP}))
	}
	all = append(all, replay.Named("bind_asn + bind_continent_country", binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry}))
	for _, preset := range replay.Presets() {
		if preset.Name != binding.PresetProven.String() {
			all = append(all, preset)
		}
	}
	return all
}

// proofs returns the policies of the table with device keys: those that a bound cookie
// alone has to help, and those that ask for proofs.
func proofs() []replay.Candidate {
	address := binding.Proven()
	address.Network, address.SameIP = binding.NetworkASNNetworkIP, binding.PrefixLengths{IPv4: 24, IPv6: 64}
	return []replay.Candidate{
		replay.Named(binding.NetworkOff.String(), binding.Policy{}),
		replay.Named(binding.PresetBalanced.String(), binding.Balanced()),
		replay.Named(binding.PresetProven.String(), binding.Proven()),
		replay.Named("proven + address", address),
	}
}

// settings returns those that the policies with device keys are modelled in.
func (s settings) settings() []roaming.Setting {
	shares := []float64{1, 0.7, 0}
	if s.keys >= 0 {
		shares = []float64{s.keys / 100}
	}
	var all []roaming.Setting
	for _, share := range shares {
		all = append(all, roaming.Setting{Keys: share})
		if share > 0 {
			all = append(all, roaming.Setting{Keys: share, ProveEvery: s.proveEvery.Std()})
		}
	}
	return all
}

// asksForProofs reports whether a device key changes the result of the policy.
func asksForProofs(p binding.Policy) bool { return p != p.WithoutKey() }

// model runs the model and prints the result.
func model(s settings, out io.Writer) error {
	r := &modelReport{Seed: s.seed, Sessions: s.sessions, ProveEvery: s.proveEvery}
	run := func(policies []replay.Candidate, settings ...roaming.Setting) ([][]roaming.Figures, error) {
		return roaming.Run(roaming.Config{Seed: s.seed, Sessions: s.sessions, Policies: policies, Settings: settings})
	}
	plain, proving := rules(), proofs()
	if s.policy.set {
		given := replay.Named("given", s.policy.policy)
		plain, proving = append(plain, given), append(proving, given)
	}
	withoutKeys, err := run(plain, roaming.Setting{})
	if err != nil {
		return err
	}
	r.Rules = withoutKeys[0]
	bySetting, err := run(proving, s.settings()...)
	if err != nil {
		return err
	}
	for p, c := range proving {
		for _, figures := range bySetting {
			if f := figures[p]; f.ProveEvery > 0 || asksForProofs(c.Policy) {
				r.Proofs = append(r.Proofs, f)
			}
		}
	}
	if s.html != "" || s.svg != "" || s.format == asJSON {
		grid, err := run(replay.Grid(), roaming.Setting{})
		if err != nil {
			return err
		}
		proofGrid, err := run(replay.Proving(), roaming.Setting{Keys: 1})
		if err != nil {
			return err
		}
		r.Grid, r.ProofGrid = grid[0], proofGrid[0]
	}
	r.describe()
	if err := errors.Join(writeFile(s.html, r.page), writeFile(s.svg, r.picture)); err != nil {
		return err
	}
	if s.format == asJSON {
		return printJSON(out, r)
	}
	r.tables(out, s.format)
	return nil
}

// describe says in words who is modelled.
func (r *modelReport) describe() {
	for _, p := range roaming.Personas() {
		r.Personas = append(r.Personas, habit{p.Name, p.Share, p.Habits})
	}
	for _, b := range roaming.Browsers() {
		r.Browsers = append(r.Browsers, habit{b.Name, b.Share, b.Why})
	}
	for _, t := range roaming.Thieves() {
		r.Thieves = append(r.Thieves, habit{t.Name, 1 / float64(len(roaming.Thieves())), t.Habits})
	}
	for _, l := range roaming.Loots() {
		r.Loots = append(r.Loots, habit{Name: l.Name, Habits: l.Habits})
	}
}

func (r *modelReport) tables(out io.Writer, format string) {
	for i, t := range []sheet{
		r.totals(), r.proofTotals(), r.byPersona(), r.byThief(), r.byLoot(), r.byEverything(),
	} {
		if i > 0 {
			fmt.Fprintln(out)
		}
		t.print(out, format)
	}
}

// totals returns the results of policies without device keys.
func (r *modelReport) totals() sheet {
	asks := slices.ContainsFunc(r.Rules, func(f roaming.Figures) bool { return f.Asked > 0 })
	header := []any{"policy", "honest sessions ended", "interruptions a week", "stolen sessions stopped"}
	if asks {
		header = append(header, "honest sessions to confirm")
	}
	t := newTable(header...).right(2, 3, 4, 5)
	for _, f := range r.Rules {
		row := []any{f.Name, whole(f.Ended), fmt.Sprintf("%.1f", f.Prompts), whole(f.Stopped)}
		if asks {
			row = append(row, whole(f.Asked))
		}
		t.row(row...)
	}
	return t
}

// proofTotals returns the results of policies with device keys.
func (r *modelReport) proofTotals() sheet {
	t := newTable("policy with device keys", "browsers with a key", "bound cookie", "honest sessions ended", "interruptions a week", "silent proofs a week",
		"stolen cookies stopped at once", "stolen cookies stopped in the end", "copied profiles stopped", "malware stopped").right(columns(2, 10)...)
	for _, f := range r.Proofs {
		t.row(f.Name, whole(f.Keys), everyText(f.ProveEvery), tenth(f.Ended), fmt.Sprintf("%.2f", f.Prompts), fmt.Sprintf("%.1f", f.Proofs),
			tenth(f.Stopped), tenth(f.Soon), whole(f.Profile), whole(f.Malware))
	}
	return t
}

func (r *modelReport) byPersona() sheet {
	header := []any{"honest sessions ended"}
	for _, p := range r.Personas {
		header = append(header, p.Name)
	}
	t := newTable(header...).right(columns(2, len(header))...)
	for _, f := range r.Rules {
		t.row(wholes(f.Name, f.EndedBy)...)
	}
	return t
}

func (r *modelReport) byThief() sheet {
	t := newTable(r.places("stolen sessions stopped")...).right(columns(2, 1+len(r.Thieves))...)
	for _, f := range r.Rules {
		t.row(wholes(f.Name, f.StoppedBy)...)
	}
	return t
}

// places returns a header with where thieves are.
func (r *modelReport) places(title string) []any {
	header := []any{title}
	for _, t := range r.Thieves {
		header = append(header, t.Name)
	}
	return header
}

// byLoot returns the results of thieves under the preset that asks for proofs, by what they
// have and what kind of key the victim's browser has.
func (r *modelReport) byLoot() sheet {
	header := []any{"stolen sessions stopped at once"}
	for _, l := range r.Loots {
		header = append(header, l.Name)
	}
	t := newTable(header...).right(columns(2, len(header))...)
	for _, f := range r.provenWithKeys() {
		for kind, browser := range r.Browsers {
			if f.ByKey[kind] == nil {
				continue
			}
			t.row(wholes(fmt.Sprintf("%s, bound cookie %s, key %s", f.Name, everyText(f.ProveEvery), browser.Name), f.ByKey[kind])...)
		}
	}
	return t
}

// byEverything returns the same by where thieves are.
func (r *modelReport) byEverything() sheet {
	t := newTable(r.places("stolen sessions stopped at once")...).right(columns(2, 1+len(r.Thieves))...)
	for _, f := range r.provenWithKeys() {
		for kind, browser := range r.Browsers {
			for loot, byThief := range f.ByAll[kind] {
				t.row(wholes(fmt.Sprintf("%s, bound cookie %s, key %s, %s", f.Name, everyText(f.ProveEvery), browser.Name, r.Loots[loot].Name), byThief)...)
			}
		}
	}
	return t
}

// provenWithKeys returns the results of the preset that asks for proofs, without and with a
// bound cookie. By the kind of browser it is the same whatever their shares are.
func (r *modelReport) provenWithKeys() []roaming.Figures {
	var found []roaming.Figures
	for _, f := range r.Proofs {
		seen := slices.ContainsFunc(found, func(other roaming.Figures) bool { return other.ProveEvery == f.ProveEvery })
		if f.Name == binding.PresetProven.String() && !seen {
			found = append(found, f)
		}
	}
	return found
}

// everyText is for how long a bound cookie holds.
func everyText(d time.Duration) string {
	switch {
	case d == 0:
		return "no"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return d.String()
	}
}

func columns(first, last int) []int {
	var numbers []int
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// tenth returns a share in percent, with a digit behind the point. What is not all of it is
// never shown as if it were.
func tenth(share float64) string {
	percent := 100 * share
	if share < 1-1e-9 {
		percent = min(percent, 99.9)
	}
	return fmt.Sprintf("%.1f %%", percent)
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
