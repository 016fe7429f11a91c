package binding

import (
	"errors"
	"fmt"
	"net/netip"
)

// Tolerance is what a [Policy] lets pass though its levels alone would not hold. The
// zero value tolerates nothing. Each field says what an attacker
// who has stolen a session gains by it.
type Tolerance struct {
	// SameIP is when two addresses count as the same for network.ip.
	SameIP PrefixLengths `json:"same_ip,omitzero" yaml:"same_ip"`

	// Families lets a browser use both IPv4 and IPv6. Attacker: one chance to
	// be the first to use the family that the session was not made from, from
	// the same network and place, or from where Missing or Local hold though
	// these are not known.
	Families Families `json:"families,omitempty" yaml:"families"`

	// ASNGroups are autonomous systems that count as one for network.asn.
	ASNGroups *ASNGroups `json:"asn_groups,omitempty" yaml:"asn_groups"`

	// Exempt are networks from which every session may be used, wherever it was
	// made: an office, a VPN. A session that was made there is bound like any
	// other. Attacker: everybody there.
	Exempt *Prefixes `json:"exempt,omitempty" yaml:"exempt"`

	// Missing says what happens where a fact that the policy asks for is unknown on
	// one side or both, between two addresses that are not local (see Local). A
	// record without the fact counts like no record at all; what is known on both
	// sides is still compared.
	// Attacker: with MissingHold or MissingSameClass, any public address that the
	// databases do not know, and any public one at all for a session that was made at
	// such an address.
	Missing MissingRule `json:"missing,omitempty" yaml:"missing"`

	// Local says what happens where such a fact is unknown and either address is
	// local: of a private network or a link, of the host itself, or shared behind
	// carrier-grade NAT, as VPNs use too. No database knows these. At home a browser
	// uses them behind the same router as the application, and public ones elsewhere.
	//
	//	from and to                                     decided by
	//	either is private, shared, loopback, link-local  Local
	//	both are public, documentation or reserved       Missing
	//	either is unknown                                Missing, and only MissingHold holds
	//
	// Attacker: with LocalHold, everybody who reaches the application by a local
	// address, and for a session that was made at a local address any public one at
	// all.
	Local LocalRule `json:"local,omitempty" yaml:"local"`

	// MaxMoves is how many changes of address that only hold by tolerance a
	// session may make in an hour, up to 64; past it, nothing is tolerated. A change
	// to where the policy holds without any tolerance, from either anchor, does not
	// count. Those within one second count as one, since a browser sends many requests
	// at once. 0: any number.
	MaxMoves uint16 `json:"max_moves,omitempty" yaml:"max_moves"`
}

// Families says how a policy takes the two address families. The zero value is
// [FamiliesStrict].
type Families uint8

// The ways to take address families.
const (
	// FamiliesStrict (strict): an address of the other family is another one.
	FamiliesStrict Families = iota
	// FamiliesLearn (learn): a session has one anchor per family. The second is
	// learned the first time that the other family is used from where every
	// check holds that does not depend on the address, and is never replaced.
	FamiliesLearn
)

// MissingRule says what a policy does where facts are missing. The zero value
// is [MissingBreak].
type MissingRule uint8

// The rules for missing facts.
const (
	MissingBreak     MissingRule = iota // break: the binding is broken
	MissingHold                         // hold: the binding holds
	MissingSameClass                    // hold_same_class: it holds between two addresses of one [Class]
)

// LocalRule says what a policy does where facts are missing and either address is
// local. The zero value is [LocalAsMissing].
type LocalRule uint8

// The rules for local addresses.
const (
	LocalAsMissing LocalRule = iota // as_missing: what the MissingRule says
	LocalBreak                      // break: the binding is broken
	LocalHold                       // hold: the binding holds
)

const (
	familiesKind = "rule for address families"
	missingKind  = "rule for missing facts"
	localKind    = "rule for local addresses"
)

var (
	familiesNames = []string{"strict", "learn"}
	missingNames  = []string{"break", "hold", "hold_same_class"}
	localNames    = []string{"as_missing", "break", "hold"}
)

// String returns the name that UnmarshalText reads.
func (f Families) String() string { return levelName("Families", familiesNames, uint8(f)) }

// MarshalText returns the name. A number that is no rule is an error.
func (f Families) MarshalText() ([]byte, error) {
	return levelText(familiesKind, familiesNames, uint8(f))
}

// UnmarshalText reads strict or learn, and leaves f as it was on error.
func (f *Families) UnmarshalText(text []byte) error {
	level, err := parseLevel(familiesKind, familiesNames, string(text))
	if err == nil {
		*f = Families(level)
	}
	return err
}

// String returns the name that UnmarshalText reads.
func (m MissingRule) String() string { return levelName("MissingRule", missingNames, uint8(m)) }

// MarshalText returns the name. A number that is no rule is an error.
func (m MissingRule) MarshalText() ([]byte, error) {
	return levelText(missingKind, missingNames, uint8(m))
}

// UnmarshalText reads break, hold or hold_same_class, and leaves m as it was on
// error.
func (m *MissingRule) UnmarshalText(text []byte) error {
	level, err := parseLevel(missingKind, missingNames, string(text))
	if err == nil {
		*m = MissingRule(level)
	}
	return err
}

// String returns the name that UnmarshalText reads.
func (l LocalRule) String() string { return levelName("LocalRule", localNames, uint8(l)) }

// MarshalText returns the name. A number that is no rule is an error.
func (l LocalRule) MarshalText() ([]byte, error) { return levelText(localKind, localNames, uint8(l)) }

// UnmarshalText reads as_missing, break or hold, and leaves l as it was on error.
func (l *LocalRule) UnmarshalText(text []byte) error {
	level, err := parseLevel(localKind, localNames, string(text))
	if err == nil {
		*l = LocalRule(level)
	}
	return err
}

// Validate returns every mistake in t, joined.
func (t Tolerance) Validate() error {
	_, familiesErr := t.Families.MarshalText()
	_, missingErr := t.Missing.MarshalText()
	_, localErr := t.Local.MarshalText()
	var sameIPErr error
	if !t.SameIP.valid() {
		sameIPErr = fmt.Errorf("binding: prefix lengths %d and %d: want 0, or from %d to 32 and from %d to 128", t.SameIP.IPv4, t.SameIP.IPv6, minIPv4, minIPv6)
	}
	var maxMovesErr error
	if t.MaxMoves > maxMaxMoves {
		maxMovesErr = fmt.Errorf("binding: max moves %d: want 0 for any number, or up to %d", t.MaxMoves, maxMaxMoves)
	}
	return errors.Join(sameIPErr, familiesErr, missingErr, localErr, maxMovesErr)
}

// forMissing returns the tolerance by which facts may be missing between two
// addresses. Where either address is local, that is for Local to say, and otherwise
// for Missing.
func (t Tolerance) forMissing(from, to Location) string {
	if t.Local == LocalAsMissing && t.Missing == MissingBreak {
		return ""
	}
	fromClass, toClass := ClassOf(from.IP), ClassOf(to.IP)
	known := fromClass != classUnknown && toClass != classUnknown
	switch {
	case known && t.Local == LocalHold && (fromClass.isLocal() || toClass.isLocal()):
		return "local"
	case known && t.Local == LocalBreak && (fromClass.isLocal() || toClass.isLocal()):
		return ""
	case t.Missing == MissingHold, t.Missing == MissingSameClass && known && fromClass == toClass:
		return "missing"
	default:
		return ""
	}
}

// forNumber returns the tolerance by which autonomous system numbers may differ.
func (t Tolerance) forNumber(from, to Location) string {
	if t.ASNGroups.Same(from.ASN.Number, to.ASN.Number) {
		return "asn_groups"
	}
	return ""
}

// forFamilies returns the tolerance by which anything may differ that no two
// addresses of different families share.
func (t Tolerance) forFamilies(from, to Location) string {
	if t.crossing(from, to) {
		return "families"
	}
	return ""
}

// forAddress returns the tolerance by which addresses may differ.
func (t Tolerance) forAddress(from, to Location) string {
	if t.SameIP.same(Normalize(from.IP), Normalize(to.IP)) {
		return "same_ip"
	}
	return t.forFamilies(from, to)
}

// crossing reports whether two addresses are of different families, and that is
// tolerated.
func (t *Tolerance) crossing(from, to Location) bool {
	return t.Families == FamiliesLearn && from.IP.IsValid() && to.IP.IsValid() && !sameFamily(from.IP, to.IP)
}

// sameFamily reports whether two addresses are of one family.
func sameFamily(a, b netip.Addr) bool {
	return a.IsValid() && b.IsValid() && Normalize(a).Is4() == Normalize(b).Is4()
}
