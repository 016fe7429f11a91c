package roaming

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// Config says what is modelled.
type Config struct {
	Seed     uint64
	Sessions int // of each kind of honest user
	Policies []replay.Candidate
}

// Figures is what came of one policy. All are shares, from 0 to 1, but for
// Prompts.
type Figures struct {
	replay.Candidate
	Ended   float64 `json:"honest_ended"`     // honest sessions ended at least once in the week
	Asked   float64 `json:"honest_asked"`     // honest sessions that had to be confirmed at least once
	Prompts float64 `json:"prompts_per_week"` // sign-ins and confirmations asked for, per honest session and week
	Stopped float64 `json:"stolen_stopped"`   // stolen sessions ended or restricted at the thief's first use

	EndedBy   []float64 `json:"ended_by_persona"`
	AskedBy   []float64 `json:"asked_by_persona"`
	StoppedBy []float64 `json:"stopped_by_thief"`
}

// monday is when the modelled weeks begin.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Run models the weeks of all honest users, and the thefts, under all policies.
func Run(c Config) ([]Figures, error) {
	m := model{Config: c, world: NewWorld(), figures: make([]Figures, len(c.Policies))}
	personas, thieves := Personas(), Thieves()
	for i, candidate := range c.Policies {
		m.policies = append(m.policies, candidate.Policy)
		m.figures[i] = Figures{
			Candidate: candidate,
			EndedBy:   make([]float64, len(personas)), AskedBy: make([]float64, len(personas)), StoppedBy: make([]float64, len(thieves)),
		}
	}
	for i, persona := range personas {
		for n := range c.Sessions {
			d := dice{rand.New(rand.NewPCG(c.Seed, uint64(i)<<32|uint64(n)))}
			if err := m.week(d, i, persona, thieves); err != nil {
				return nil, err
			}
		}
	}
	for i := range m.figures {
		m.figures[i].sum(personas, c.Sessions)
	}
	return m.figures, nil
}

type model struct {
	Config
	world    *World
	policies []binding.Policy
	figures  []Figures
}

// week models one honest session, and its thefts.
func (m *model) week(d dice, persona int, p Persona, thieves []Thief) error {
	where := p.live(d, m.world)
	stolen := d.IntN(days * usesPerDay)
	ended, asked := make([]bool, len(m.policies)), make([]bool, len(m.policies))
	var journey replay.Journey
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
			journey = replay.Begin(to, len(m.policies))
		} else if ip != last {
			journey = journey.Move(m.policies, to, at, func(v replay.Verdict) {
				switch v.Action {
				case binding.End:
					ended[v.Policy] = true
				case binding.StepUp:
					asked[v.Policy] = true
				default:
					return
				}
				m.figures[v.Policy].Prompts += p.Share
			})
		}
		last = ip
		if use == stolen {
			if err := m.steal(d, p, thieves, journey, owner, at.Add(time.Hour)); err != nil {
				return err
			}
		}
	}
	for i := range m.policies {
		m.figures[i].EndedBy[persona] += share(ended[i])
		m.figures[i].AskedBy[persona] += share(asked[i])
	}
	return nil
}

// steal has each thief use the session once.
func (m *model) steal(d dice, p Persona, thieves []Thief, journey replay.Journey, owner *provider, at time.Time) error {
	for i, thief := range thieves {
		to, err := m.world.Locate(context.Background(), thief.strike(d, m.world, owner))
		if err != nil {
			return err
		}
		journey.Move(m.policies, to, at, func(v replay.Verdict) {
			if v.Action == binding.End || v.Action == binding.StepUp {
				m.figures[v.Policy].StoppedBy[i] += p.Share
			}
		})
	}
	return nil
}

func share(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// sum makes shares of what was counted, and weighs the personas by their own.
func (f *Figures) sum(personas []Persona, sessions int) {
	n := float64(sessions)
	for i, p := range personas {
		f.EndedBy[i] /= n
		f.AskedBy[i] /= n
		f.Ended += p.Share * f.EndedBy[i]
		f.Asked += p.Share * f.AskedBy[i]
	}
	for i := range f.StoppedBy {
		f.StoppedBy[i] /= n
		f.Stopped += f.StoppedBy[i] / float64(len(f.StoppedBy))
	}
	f.Prompts /= n
}
