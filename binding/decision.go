package binding

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// Outcome is the result of one fact in a [Decision].
type Outcome string

// The outcomes.
const (
	NotAsked    Outcome = "not_asked"    // the policy does not ask for it
	NotCompared Outcome = "not_compared" // it is unknown, which *.missing is about
	Held        Outcome = "holds"
	Tolerated   Outcome = "tolerated" // it differs, and a Tolerance lets it pass
	Broke       Outcome = "broken"
)

// Ruling is one fact of a [Decision].
type Ruling struct {
	Rule    Reason
	Outcome Outcome
	By      string // the tolerance, by its name in JSON; "exempt", for one

	// Previous and New are the two values, as in [Broken]; nil where the fact
	// was not asked for or not compared.
	Previous, New any

	Action Action // what is done about it, if it is broken
}

// Decision is how a policy came to what is done about a session that is used
// from another address: every rule, in order, with both values. It is read-only.
// Its JSON has all that it takes to decide again, under another policy or with
// other databases.
type Decision struct {
	Policy   Policy   `json:"policy"` // with its lists as they were; of Exempt what holds To
	From     Location `json:"from"`   // with the generation of its data
	To       Location `json:"to"`
	Rulings  []Ruling `json:"rulings"`
	Action   Action   `json:"action"`           // Allow if nothing is broken
	Decisive Reason   `json:"reason,omitempty"` // the first broken fact with the Action
}

// Explain decides what is done about a session that was made at from and is used
// from to, and says why. It finds a fact broken exactly where [Policy.Check]
// does. Of the actions for all that is broken the strictest counts.
func (p Policy) Explain(from, to Location) Decision {
	p = p.frozen()
	p.Exempt = p.Exempt.around(to.IP)
	d := Decision{Policy: p, From: from, To: to, Rulings: make([]Ruling, 0, len(rules)), Action: Allow}
	known := knownFacts(&from) & knownFacts(&to)
	for i := range rules {
		row := &rules[i]
		r := Ruling{Rule: row.reason, Action: Allow}
		r.Outcome, r.By = p.judge(i, known, &from, &to)
		if r.Outcome != NotAsked && r.Outcome != NotCompared {
			r.Previous, r.New = row.value(from), row.value(to)
		}
		if r.Outcome == Broke {
			r.Action = p.Actions.byReason[i]
			if d.Decisive == "" || r.Action < d.Action {
				d.Action, d.Decisive = r.Action, row.reason
			}
		}
		d.Rulings = append(d.Rulings, r)
	}
	return d
}

// Broken returns the fact that was decisive, or nil if the policy holds. Of a
// decision that was read from JSON with a reason that is none of the constants it
// has no values.
func (d Decision) Broken() *Broken {
	if d.Decisive == "" {
		return nil
	}
	if row := ruleOf(d.Decisive); row != nil {
		return row.broken(d.From, d.To)
	}
	return &Broken{Reason: d.Decisive, From: d.From, To: d.To}
}

// Tolerated reports whether the policy holds, and would not without its
// [Tolerance].
func (d Decision) Tolerated() bool {
	tolerated := false
	for _, r := range d.Rulings {
		tolerated = tolerated || r.Outcome == Tolerated
	}
	return tolerated && d.Decisive == ""
}

// Move returns a name for what is broken: each such fact with both its values. A guard
// remembers by it what it has told of and what a device has proved. It is empty where
// the policy holds, and the same in every process for the same two places, and for all
// addresses that the policy's SameIP counts as one. Where facts are missing, the
// address names the place, up to a /64 of IPv6 (RFC 8981): one unknown place is not
// another.
func (d Decision) Move() string {
	if d.Decisive == "" {
		return ""
	}
	hash := sha256.New()
	for _, r := range d.Rulings {
		if r.Outcome != Broke {
			continue
		}
		if from, ok := r.Previous.(netip.Addr); ok {
			r.Previous = d.Policy.SameIP.masked(from)
		}
		if to, ok := r.New.(netip.Addr); ok {
			r.New = d.Policy.SameIP.masked(to)
		}
		fmt.Fprintf(hash, "%s\n%s\n%s\n", r.Rule, text(r.Previous), text(r.New))
		if r.Rule == NetworkMissing || r.Rule == GeoIPMissing {
			fmt.Fprintln(hash, PrefixLengths{IPv6: 64}.masked(Normalize(d.To.IP)))
		}
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:12])
}

// String returns the decision in one line: what is done, the rules that were considered,
// with both values where they differ, and the generations of the data.
func (d Decision) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s: %s", d.From.IP, d.To.IP, d.Action)
	if d.Decisive != "" {
		fmt.Fprintf(&b, " for %s", d.Decisive)
	}
	for _, r := range d.Rulings {
		switch r.Outcome {
		case NotAsked, NotCompared:
			continue
		case Held:
			fmt.Fprintf(&b, "; %s holds", r.Rule)
		case Tolerated:
			fmt.Fprintf(&b, "; %s tolerated by %s, %s -> %s", r.Rule, r.By, brief(r.Previous), brief(r.New))
		case Broke:
			fmt.Fprintf(&b, "; %s broken (%s), %s -> %s", r.Rule, r.Action, brief(r.Previous), brief(r.New))
		}
	}
	switch from, to := d.From.Generation, d.To.Generation; {
	case from != to:
		fmt.Fprintf(&b, "; data %q -> %q", from, to)
	case to != "":
		fmt.Fprintf(&b, "; data %q", to)
	}
	return b.String()
}

// brief returns a value of a [Ruling] in a word.
func brief(v any) string {
	word := ""
	switch v := v.(type) {
	case nil, Missing:
	case *ASN:
		word = v.brief()
	case *Geo:
		word = v.brief()
	case Continent:
		word = cmp.Or(v.Code, v.Names.English())
	case Country:
		word = cmp.Or(v.ISOCode, v.Names.English())
	case City:
		word = cmp.Or(v.Names.English(), text(v))
	default:
		word = fmt.Sprint(v)
	}
	return cmp.Or(word, "unknown")
}

// brief returns what of the network is known, in a word.
func (a *ASN) brief() string {
	switch {
	case a.Number == 0:
		return "no number"
	case !a.Network.IsValid():
		return "no prefix"
	default:
		return "known"
	}
}

// brief returns what of the place is known, in a word.
func (g *Geo) brief() string {
	switch {
	case !g.Continent.isKnown():
		return "no continent"
	case !g.Country.isKnown():
		return "no country"
	default:
		return "known"
	}
}

type rulingJSON struct {
	Rule     Reason          `json:"rule"`
	Outcome  Outcome         `json:"outcome"`
	By       string          `json:"by,omitempty"`
	Previous json.RawMessage `json:"previous_value,omitempty"`
	New      json.RawMessage `json:"new_value,omitempty"`
	Action   Action          `json:"action"`
}

// MarshalJSON returns {"rule", "outcome", "by", "previous_value", "new_value",
// "action"}, without the values where they were not compared.
func (r Ruling) MarshalJSON() ([]byte, error) {
	out := rulingJSON{Rule: r.Rule, Outcome: r.Outcome, By: r.By, Action: r.Action}
	if r.Outcome != NotAsked && r.Outcome != NotCompared {
		var err error
		if out.Previous, err = json.Marshal(r.Previous); err != nil {
			return nil, err
		}
		if out.New, err = json.Marshal(r.New); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Ruling) UnmarshalJSON(text []byte) error {
	var in rulingJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	read := Ruling{Rule: in.Rule, Outcome: in.Outcome, By: in.By, Action: in.Action}
	if len(in.Previous) > 0 || len(in.New) > 0 {
		var err error
		if read.Previous, err = in.Rule.decode(in.Previous); err != nil {
			return err
		}
		if read.New, err = in.Rule.decode(in.New); err != nil {
			return err
		}
	}
	*r = read
	return nil
}
