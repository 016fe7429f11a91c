package replay

import (
	"time"

	"github.com/mooring-go/mooring/binding"
)

// Result is what a replay came to.
type Result struct {
	From     time.Time `json:"from"` // of the first use
	To       time.Time `json:"to"`   // of the last use
	Sessions int       `json:"sessions"`
	Users    int       `json:"users"` // that are known
	Moves    int       `json:"moves"` // changes of address
	Tallies  []Tally   `json:"policies"`
	Suspects []Jump    `json:"suspects"` // sessions worth looking at, the most striking first
}

func (r *Result) span(at time.Time) {
	if r.From.IsZero() || at.Before(r.From) {
		r.From = at
	}
	r.To = later(r.To, at)
}

// Tally is the result of one policy.
type Tally struct {
	Candidate
	SessionsEnded int `json:"sessions_ended"` // at least once
	UsersEnded    int `json:"users_ended"`    // of whom a session was
	Endings       int `json:"endings"`        // in all: who is signed out signs in again
	SessionsAsked int `json:"sessions_asked"` // that had to be confirmed at least once
	Confirmations int `json:"confirmations"`  // in all
	SessionsTold  int `json:"sessions_reported"`
	Reports       int `json:"reports"` // in all, also of a move that was reported before

	SessionsProved int `json:"sessions_proved"` // whose device proved its key at least once
	Proofs         int `json:"proofs"`          // in all: nobody notices

	// Why and where sessions were ended or restricted, the most frequent first:
	// all reasons, and the first networks that they went to and moves between
	// countries.
	Reasons   []Count[binding.Reason] `json:"reasons"`
	Networks  []Count[Network]        `json:"networks"`
	Countries []Count[CountryMove]    `json:"countries"`
}

// topmost is how many networks and countries are told.
const topmost = 5

// CountryMove is from where to where, by ISO code; empty: not known.
type CountryMove struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Network is who announces addresses. 0: not known.
type Network struct {
	Number       uint32 `json:"asn"`
	Organization string `json:"as_org,omitempty"`
}

// whys counts why and where sessions are ended or restricted.
type whys struct {
	reasons   counter[binding.Reason]
	networks  counter[uint32] // by number
	countries counter[CountryMove]
}

func (w *whys) count(v Verdict) {
	var network uint32
	if v.Step.To.ASN != nil {
		network = v.Step.To.ASN.Number
	}
	w.reasons.add(v.Reason, v.Policy)
	w.networks.add(network, v.Policy)
	w.countries.add(CountryMove{countryOf(v.Step.From), countryOf(v.Step.To)}, v.Policy)
}

// tell fills in what was counted under the policy. names are those of networks.
func (w *whys) tell(t *Tally, policy int, names map[uint32]string) {
	t.Reasons = top(&w.reasons, policy, len(w.reasons.rows), func(r binding.Reason) binding.Reason { return r })
	t.Networks = top(&w.networks, policy, topmost, func(number uint32) Network { return Network{number, names[number]} })
	t.Countries = top(&w.countries, policy, topmost, func(m CountryMove) CountryMove { return m })
}

func countryOf(l binding.Location) string {
	if l.Geo == nil {
		return ""
	}
	return l.Geo.Country.ISOCode
}
