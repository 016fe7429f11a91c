package roaming

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// Config says what is modelled.
type Config struct {
	Seed     uint64
	Sessions int // of each kind of honest user
	Policies []replay.Candidate
	Settings []Setting
}

// Figures is the result of one policy in one setting. All are shares, from 0 to 1, but
// for Prompts and Proofs.
type Figures struct {
	replay.Candidate
	Setting
	Ended   float64 `json:"honest_ended"`           // honest sessions ended, or turned away for good, at least once in the week
	Asked   float64 `json:"honest_asked"`           // honest sessions that had to be confirmed at least once
	Prompts float64 `json:"prompts_per_week"`       // sign-ins and confirmations asked for, per honest session and week
	Proofs  float64 `json:"silent_proofs_per_week"` // proofs that the device gave and nobody noticed, per honest session and week

	// Stolen sessions that are ended, restricted or turned away: at the thief's first
	// use, by what the thief has, and at the latest when the bound cookie is over.
	Stopped float64 `json:"stolen_stopped"`         // the thief has the cookies alone
	Soon    float64 `json:"stolen_stopped_in_time"` // the same, once ProveEvery has passed
	Profile float64 `json:"stolen_profile_stopped"` // the thief has a copied profile
	Malware float64 `json:"stolen_malware_stopped"` // the thief's malware is on the device

	EndedBy   []float64     `json:"ended_by_persona"`
	AskedBy   []float64     `json:"asked_by_persona"`
	StoppedBy []float64     `json:"stopped_by_thief"`            // by where the thief is, who has the cookies alone
	ByKey     [][]float64   `json:"stopped_by_browser_and_loot"` // by the kind of browser and what the thief has; nil for a kind that nobody has
	ByAll     [][][]float64 `json:"stopped_by_browser_loot_and_thief"`
}

// monday is when the modelled weeks begin.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Run models the weeks of all honest users, and the thefts, under all policies. It
// returns the figures by setting and policy.
func Run(c Config) ([][]Figures, error) {
	m := model{Config: c, world: NewWorld(), personas: Personas(), thieves: Thieves(), loots: Loots()}
	for _, setting := range c.Settings {
		if err := setting.validate(); err != nil {
			return nil, fmt.Errorf("roaming: %w", err)
		}
		m.stolen = append(m.stolen, make([]stopped, len(c.Policies)))
		for v, weight := range setting.weights() {
			m.needed[v] = m.needed[v] || weight > 0
		}
	}
	for _, candidate := range c.Policies {
		m.withKey, m.keyless = append(m.withKey, candidate.Policy), append(m.keyless, candidate.Policy.WithoutKey())
	}
	for v := range m.weeks {
		m.weeks[v] = make([][]tally, len(m.personas))
		for i := range m.personas {
			m.weeks[v][i] = make([]tally, len(c.Policies))
		}
	}
	for i, persona := range m.personas {
		for n := range c.Sessions {
			sequence := uint64(i)<<32 | uint64(n)
			d, keys := dice{rand.New(rand.NewPCG(c.Seed, sequence))}, dice{rand.New(rand.NewPCG(^c.Seed, sequence))}
			if err := m.week(d, keys, i, persona); err != nil {
				return nil, err
			}
		}
	}
	all := make([][]Figures, len(c.Settings))
	for i, setting := range c.Settings {
		for p, candidate := range c.Policies {
			all[i] = append(all[i], m.figures(i, p, candidate, setting))
		}
	}
	return all, nil
}

type model struct {
	Config
	world            *World
	personas         []Persona
	thieves          []Thief
	loots            []Loot
	withKey, keyless []binding.Policy // of sessions with a device key, and without

	needed [variants]bool      // whether any setting has sessions of the variant
	weeks  [variants][][]tally // by persona and policy
	stolen [][]stopped         // by setting and policy
}

// tally is what honest sessions met with under one policy.
type tally struct{ ended, asked, prompts, proofs float64 }

// stopped is how many stolen sessions were, by the kind of browser, what the thief
// has, and where the thief is; weighed by the shares of the victims.
type stopped [browserKinds][lootKinds][]float64

// The variants of an honest session.
const (
	keyed      = iota // it has a key
	unkeyed           // it has none
	lost              // its key is lost on the way, and missed when a move is to be proved
	lostAtOnce        // its key is lost on the way, and missed at the next use
	variants
)

// ride is an honest session in one of its variants.
type ride struct {
	journey  replay.Journey
	policies []binding.Policy
	met      []tally // by policy; ended and asked are filled in at the end
	lacks    []bool  // the policies under which the key is lost and not yet replaced
	ended    []bool
	asked    []bool
}

// begin returns the session of a sign-in.
func begin(at binding.Location, policies []binding.Policy) ride {
	n := len(policies)
	return ride{
		journey: replay.Begin(at, n), policies: policies,
		met: make([]tally, n), lacks: make([]bool, n), ended: make([]bool, n), asked: make([]bool, n),
	}
}

// clone returns the session for another variant to go on from.
func (r ride) clone() ride {
	r.met, r.lacks, r.ended, r.asked = slices.Clone(r.met), slices.Clone(r.lacks), slices.Clone(r.ended), slices.Clone(r.asked)
	return r
}

// proves reports whether the browser has the key that the session has.
func (r *ride) proves(policy int) bool { return !r.lacks[policy] }

// move leads the session to another place.
func (r *ride) move(to binding.Location, at time.Time) {
	r.journey = r.journey.Move(r.policies, to, at, r.proves, func(v replay.Verdict) {
		switch {
		case v.Proved:
			r.met[v.Policy].proofs++
			return
		case !v.Interrupts():
			return
		case v.Action == binding.StepUp:
			r.asked[v.Policy] = true
		default:
			r.ended[v.Policy] = true
		}
		r.met[v.Policy].prompts++
		r.lacks[v.Policy] = false // signed in or confirmed, with a new key
	})
}

// lose takes the key away. The browser misses it at once, or when it has to prove it.
func (r *ride) lose(atOnce bool, at binding.Location) {
	for i := range r.lacks {
		if !atOnce {
			r.lacks[i] = true
			continue
		}
		r.ended[i] = true
		r.met[i].prompts++
	}
	if atOnce {
		r.journey = replay.Begin(at, len(r.lacks))
	}
}

// week models one honest session, in all its variants, and its thefts.
func (m *model) week(d, keys dice, persona int, p Persona) error {
	where := p.live(d, m.world)
	stolen := d.IntN(days * usesPerDay)
	lostAt := 1 + keys.IntN(days*usesPerDay-1)
	var rides [variants]ride
	var last netip.Addr
	var owner *provider // of the public address that was used last
	for use := range days * usesPerDay {
		ip := where(use)
		at := monday.AddDate(0, 0, use/usesPerDay).Add(time.Duration(firstHour+hoursApart*(use%usesPerDay)) * time.Hour)
		to, err := m.world.Locate(context.Background(), ip)
		if err != nil {
			return err
		}
		if known := m.world.ownerOf(ip); known != nil {
			owner = known
		}
		if use == 0 {
			rides[keyed], rides[unkeyed] = begin(to, m.withKey), begin(to, m.keyless)
		}
		if use == lostAt && m.needed[keyed] {
			rides[lost], rides[lostAtOnce] = rides[keyed].clone(), rides[keyed].clone()
			rides[lost].lose(false, to)
			rides[lostAtOnce].lose(true, to)
		}
		if use > 0 && ip != last {
			for v := range rides {
				if m.needed[v] && (v <= unkeyed || use >= lostAt) {
					rides[v].move(to, at)
				}
			}
		}
		last = ip
		if use == stolen {
			if err := m.steal(d, keys, p, rides, owner, at.Add(time.Hour)); err != nil {
				return err
			}
		}
	}
	for v, r := range rides {
		if !m.needed[v] {
			continue
		}
		for i := range m.Policies {
			met := &m.weeks[v][persona][i]
			met.ended += share(r.ended[i])
			met.asked += share(r.asked[i])
			met.prompts += r.met[i].prompts
			met.proofs += r.met[i].proofs
		}
	}
	return nil
}

// steal has each thief use the session once, with whatever thieves have.
func (m *model) steal(d, keys dice, p Persona, rides [variants]ride, owner *provider, at time.Time) error {
	for where, thief := range m.thieves {
		to, err := m.world.Locate(context.Background(), thief.strike(d, m.world, owner))
		if err != nil {
			return err
		}
		strike := func(variant int, proves func(int) bool) []bool {
			turned := make([]bool, len(m.Policies))
			if !m.needed[variant] {
				return turned
			}
			rides[variant].journey.Move(rides[variant].policies, to, at, proves, func(v replay.Verdict) { turned[v.Policy] = v.Interrupts() })
			return turned
		}
		without, unproved, proved := strike(unkeyed, replay.CannotProve), strike(keyed, replay.CannotProve), strike(keyed, replay.CanProve)
		for l, loot := range m.loots {
			for s, setting := range m.Settings {
				passHolds := setting.ProveEvery == 0 || loot.passHolds(setting.ProveEvery, keys)
				for i := range m.Policies {
					for kind := range browserKinds {
						var is bool
						switch {
						case kind == noKey:
							is = without[i]
						case loot.proves[kind]:
							is = proved[i]
						default:
							is = unproved[i] || !passHolds
						}
						by := &m.stolen[s][i][kind][l]
						if *by == nil {
							*by = make([]float64, len(m.thieves))
						}
						(*by)[where] += p.Share * share(is) / float64(m.Sessions)
					}
				}
			}
		}
	}
	return nil
}

// weights returns the share of each variant of an honest session.
func (s Setting) weights() [variants]float64 {
	kinds := s.shares()
	losing := lost
	if s.ProveEvery > 0 {
		losing = lostAtOnce
	}
	isLost := kinds[hardwareKey]*lostHardwareKeys + kinds[pageKey]*lostPageKeys
	weights := [variants]float64{keyed: s.Keys - isLost, unkeyed: kinds[noKey]}
	weights[losing] = isLost
	return weights
}

func share(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// figures weighs what was counted under a policy by the shares of a setting.
func (m *model) figures(setting, policy int, c replay.Candidate, s Setting) Figures {
	f := Figures{
		Candidate: c, Setting: s,
		EndedBy: make([]float64, len(m.personas)), AskedBy: make([]float64, len(m.personas)), StoppedBy: make([]float64, len(m.thieves)),
	}
	kinds := s.shares()
	for v, weight := range s.weights() {
		weight /= float64(m.Sessions)
		for i, p := range m.personas {
			met := m.weeks[v][i][policy]
			f.EndedBy[i] += weight * met.ended
			f.AskedBy[i] += weight * met.asked
			f.Ended += p.Share * weight * met.ended
			f.Asked += p.Share * weight * met.asked
			f.Prompts += p.Share * weight * met.prompts
			if s.ProveEvery == 0 {
				f.Proofs += p.Share * weight * met.proofs
			}
		}
	}
	if s.ProveEvery > 0 { // each use is one proof, which serves for the move too
		f.Proofs = s.Keys * (days*usesPerDay - 1)
	}
	f.ByAll, f.ByKey = make([][][]float64, browserKinds), make([][]float64, browserKinds)
	for kind, weight := range kinds {
		if kind == noKey && !m.needed[unkeyed] || kind != noKey && !m.needed[keyed] {
			continue
		}
		f.ByAll[kind], f.ByKey[kind] = m.stolen[setting][policy][kind][:], make([]float64, lootKinds)
		for loot, byThief := range f.ByAll[kind] {
			for thief, is := range byThief {
				each := is / float64(len(byThief))
				f.ByKey[kind][loot] += each
				switch loot {
				case profile:
					f.Profile += weight * each
				case malware:
					f.Malware += weight * each
				default:
					f.Stopped += weight * each / cookieKinds
					if s.ProveEvery > 0 && kind != noKey {
						each = 1 / float64(len(byThief))
					}
					f.Soon += weight * each / cookieKinds
					f.StoppedBy[thief] += weight * is / cookieKinds
				}
			}
		}
	}
	return f
}
