package binding

// Preset names a policy that suits many hosts. The zero value is [PresetNone].
// It is read and written as text, so that a configuration can name one. How the
// presets were chosen, and what each costs honest users, is in docs/policies.md.
type Preset uint8

// The presets.
const (
	PresetNone     Preset = iota // none: the zero Policy
	PresetRelaxed                // relaxed: as Relaxed returns
	PresetBalanced               // balanced: as Balanced returns
	PresetStrict                 // strict: as Strict returns
	PresetProven                 // proven: as Proven returns
)

const presetKind = "preset"

var presetNames = []string{"none", "relaxed", "balanced", "strict", "proven"}

// String returns the preset's name.
func (p Preset) String() string { return levelName("Preset", presetNames, uint8(p)) }

// MarshalText returns the preset's name. A number that is no preset is an error.
func (p Preset) MarshalText() ([]byte, error) { return levelText(presetKind, presetNames, uint8(p)) }

// UnmarshalText reads none, relaxed, balanced, strict or proven. Anything else is a
// [*LevelError], and leaves p as it was.
func (p *Preset) UnmarshalText(text []byte) error {
	level, err := parseLevel(presetKind, presetNames, string(text))
	if err == nil {
		*p = Preset(level)
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
	case PresetProven:
		return Proven()
	default:
		return Strict()
	}
}

// Relaxed returns the policy for users whom a binding must hardly ever disturb: a
// session ends when it changes the continent.
//
// A fact may be unknown between two public addresses, and a session may be used from
// local addresses, behind the same router as the application. Attacker: everybody on
// the user's continent, and at any public address that the databases do not know; for a
// session that was made at a local address, everybody.
func Relaxed() Policy {
	return Policy{GeoIP: GeoIPContinent, Tolerance: Tolerance{Missing: MissingSameClass, Local: LocalHold}}
}

// Balanced returns the policy for most hosts, phones included: a session ends when
// it changes the country. The network does not matter.
//
// Facts may be unknown and sessions may be used from local addresses as under
// [Relaxed], but no more than 12 times an hour.
//
// Attacker: everybody in the user's country, and at any public address whose country
// the databases do not know; for a session that was made at a local address,
// everybody.
func Balanced() Policy {
	return Policy{GeoIP: GeoIPCountry, Tolerance: Tolerance{Missing: MissingSameClass, Local: LocalHold, MaxMoves: 12}}
}

// Strict returns the policy for sessions that can do harm, and users who sit still: a
// session ends when it changes the announced prefix, the autonomous system or the
// country, or goes where one of these is unknown. It has an anchor for IPv4 and one
// for IPv6. A phone signs in each time that it leaves the Wi-Fi, unless a group of
// ASNGroups holds both networks: and even then, if their prefixes differ.
//
// Attacker: customers of the user's provider in the same prefix.
func Strict() Policy {
	return Policy{Network: NetworkASNNetwork, GeoIP: GeoIPCountry, Tolerance: Tolerance{Families: FamiliesLearn}}
}

// Proven returns the policy for sessions with device keys: a session proves its key
// when it changes the announced prefix, the autonomous system or the country, or goes
// where one of these is unknown. The user notices nothing. A session without a key ends
// when it changes the country, is reported where the country is unknown, and may change
// its network, much as under [Balanced].
//
// Attacker who has the cookie alone: customers of the user's provider in the same
// prefix, and in one where the user has proved the key before; a short-lived bound
// cookie, loginstage.Config.ProveEvery, stops these too. Where the browser had no key,
// everybody in the user's country, and at any address whose country the databases do
// not know. Attacker who can use the key: everybody.
func Proven() Policy {
	return Policy{
		Network: NetworkASNNetwork, GeoIP: GeoIPCountry, Actions: Always(Prove),
		Unproved: Actions{}.With(Allow, NetworkMissing, NetworkASNChanged, NetworkPrefixChanged, NetworkIPChanged).With(Report, GeoIPMissing),
	}
}
