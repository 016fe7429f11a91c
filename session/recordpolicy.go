package session

import (
	"encoding"
	"strings"

	"github.com/mooring-go/mooring/binding"
)

// policyRecord is the form in which a policy is kept: names, by which levels and
// rules are told apart whatever they are made of.
type policyRecord struct {
	Network   string `json:"network,omitempty"`
	GeoIP     string `json:"geoip,omitempty"`
	SameIP    string `json:"same_ip,omitempty"`
	Families  string `json:"families,omitempty"`
	ASNGroups string `json:"asn_groups,omitempty"`
	Exempt    string `json:"exempt,omitempty"`
	Missing   string `json:"missing,omitempty"`
	Local     string `json:"local,omitempty"`
	MaxMoves  uint16 `json:"max_moves,omitempty"`
	Actions   string `json:"actions,omitempty"`
	Unproved  string `json:"unproved,omitempty"`
}

func policyRecordOf(p binding.Policy) policyRecord {
	return policyRecord{
		Network: name(p.Network), GeoIP: name(p.GeoIP), SameIP: name(p.SameIP), Families: name(p.Families),
		ASNGroups: list(p.ASNGroups), Exempt: list(p.Exempt),
		Missing: name(p.Missing), Local: name(p.Local), MaxMoves: p.MaxMoves,
		Actions: name(p.Actions), Unproved: name(p.Unproved),
	}
}

// policy returns what r is a record of, and whether all of it is understood. What is
// not is the strictest there is: the highest level, no tolerance, and the end.
func (r policyRecord) policy() (binding.Policy, bool) {
	understood := true
	p := binding.Policy{
		Network: named(r.Network, binding.NetworkASNNetworkIP, &understood),
		GeoIP:   named(r.GeoIP, binding.GeoIPCity, &understood),
		Tolerance: binding.Tolerance{
			SameIP:    named(r.SameIP, binding.PrefixLengths{}, &understood),
			Families:  named(r.Families, binding.FamiliesStrict, &understood),
			ASNGroups: listed[binding.ASNGroups](r.ASNGroups, &understood),
			Exempt:    listed[binding.Prefixes](r.Exempt, &understood),
			Missing:   named(r.Missing, binding.MissingBreak, &understood),
			Local:     named(r.Local, binding.LocalBreak, &understood),
			MaxMoves:  r.MaxMoves,
		},
		Actions:  actions(r.Actions, &understood),
		Unproved: actions(r.Unproved, &understood),
	}
	return p, understood
}

// name returns the text of v, or "" for its zero value.
func name[T interface {
	comparable
	encoding.TextMarshaler
}](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	text, err := v.MarshalText()
	if err != nil {
		return "unknown" // a number that is no level: it is read as the strictest
	}
	return string(text)
}

// named returns what has the name: the zero value for "", and the strictest for a
// name that is not known.
func named[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string, strictest T, understood *bool) T {
	var v T
	if text == "" {
		return v
	}
	if P(&v).UnmarshalText([]byte(text)) != nil {
		*understood = false
		return strictest
	}
	return v
}

// list returns the text of the list, or "" for one that is empty or nil, which mean
// the same.
func list[T any, P interface {
	*T
	encoding.TextMarshaler
}](v P) string {
	if v == nil {
		return ""
	}
	text, err := v.MarshalText()
	if err != nil {
		return ""
	}
	return string(text)
}

// listed returns what list wrote, or nil for what is not understood.
func listed[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string, understood *bool) P {
	if text == "" {
		return nil
	}
	v := P(new(T))
	if v.UnmarshalText([]byte(text)) != nil {
		*understood = false
		return nil
	}
	return v
}

// actions reads reason=action pairs one by one. An action that is not known is the
// strictest, and a reason that is not known does not take the others with it.
func actions(text string, understood *bool) binding.Actions {
	var all, read binding.Actions
	if text == "" {
		return read
	}
	if read.UnmarshalText([]byte(text)) == nil {
		return read
	}
	*understood = false
	read = all
	for pair := range strings.SplitSeq(text, ",") {
		reason, action, _ := strings.Cut(strings.TrimSpace(pair), "=")
		var a binding.Action
		if a.UnmarshalText([]byte(action)) == nil && reason != "*" {
			read = read.With(a, binding.Reason(reason))
		}
	}
	return read
}
