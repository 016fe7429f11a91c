package binding

// Preset names a policy that suits many hosts. The zero value is [PresetNone].
// It is read and written as text, so that a configuration can name one. How the
// presets were chosen, and what each costs honest users, is in the README.
type Preset uint8

// The presets.
const (
	PresetNone     Preset = iota // none: the zero Policy
	PresetRelaxed                // relaxed: as Relaxed returns
	PresetBalanced               // balanced: as Balanced returns
	PresetStrict                 // strict: as Strict returns
)

const presetKind = "preset"

var presetNames = []string{"none", "relaxed", "balanced", "strict"}

// ParsePreset returns the preset that s names: none, relaxed, balanced or strict.
// Anything else is a [*LevelError].
func ParsePreset(s string) (Preset, error) {
	level, err := parseLevel(presetKind, presetNames, s)
	return Preset(level), err
}

// String returns the preset's name.
func (p Preset) String() string { return levelName("Preset", presetNames, uint8(p)) }

// MarshalText returns the preset's name. A number that is no preset is an error.
func (p Preset) MarshalText() ([]byte, error) { return levelText(presetKind, presetNames, uint8(p)) }

// UnmarshalText reads what [ParsePreset] reads, and leaves p as it was on error.
func (p *Preset) UnmarshalText(text []byte) error {
	parsed, err := ParsePreset(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}

// Policy returns the policy that p names. A number that is no preset asks for
// what [Strict] does.
func (p Preset) Policy() Policy {
	switch p {
	case PresetNone:
		return Policy{}
	case PresetRelaxed:
		return Relaxed()
	case PresetBalanced:
		return Balanced()
	default:
		return Strict()
	}
}

// Relaxed is for those whom a binding must hardly ever disturb: a session ends when
// it changes the continent.
//
// Facts may be missing between addresses of one class, and a session may go home,
// behind the same router as the application.
//
// Attacker: everybody on the user's continent; for a session that was made at a
// private address, everybody.
func Relaxed() Policy {
	return Policy{GeoIP: GeoIPContinent, Tolerance: Tolerance{Missing: MissingSameClass, Local: LocalHold}}
}

// Balanced is for most hosts, phones included: a session ends when it changes the
// country. The network does not matter.
//
// Facts may be missing and sessions may go home as under [Relaxed], but no more
// than 12 times an hour.
//
// Attacker: everybody in the user's country; for a session that was made at a
// private address, everybody.
func Balanced() Policy {
	return Policy{GeoIP: GeoIPCountry, Tolerance: Tolerance{Missing: MissingSameClass, Local: LocalHold, MaxMoves: 12}}
}

// Strict is for sessions that can do harm, and users who sit still: a session
// ends when it changes the announced prefix, the autonomous system or the country,
// or goes where facts are missing. It has an anchor for IPv4 and one for IPv6. A
// phone signs in each time that it leaves the Wi-Fi, unless a group of ASNGroups
// holds both networks: and even then, if their prefixes differ.
//
// Attacker: customers of the user's provider in the same prefix.
func Strict() Policy {
	return Policy{Network: NetworkASNNetwork, GeoIP: GeoIPCountry, Tolerance: Tolerance{Families: FamiliesLearn}}
}
