package replay

import "github.com/mooring-go/mooring/binding"

// Candidate is a policy to try.
type Candidate struct {
	Network   binding.Network `json:"network"`
	GeoIP     binding.GeoIP   `json:"geoip"`
	Tolerance string          `json:"tolerance"` // what the tolerance is called
	Name      string          `json:"name,omitempty"`
	Policy    binding.Policy  `json:"policy"`
}

// NoTolerance is what the tolerance of nothing is called.
const NoTolerance = "none"

// Grid returns each network level with each GeoIP level and the tolerance of each
// preset, ending sessions for whatever does not hold.
func Grid() []Candidate {
	var all []Candidate
	for _, preset := range []binding.Preset{binding.PresetNone, binding.PresetRelaxed, binding.PresetBalanced, binding.PresetStrict} {
		for network := binding.NetworkOff; network <= binding.NetworkASNNetworkIP; network++ {
			for geoIP := binding.GeoIPOff; geoIP <= binding.GeoIPCity; geoIP++ {
				policy := binding.Policy{Network: network, GeoIP: geoIP, Tolerance: preset.Policy().Tolerance}
				if policy.Binds() {
					all = append(all, Candidate{Network: network, GeoIP: geoIP, Tolerance: preset.String(), Policy: policy})
				}
			}
		}
	}
	return all
}

// ByProof is what the tolerance of [Proving] is called.
const ByProof = "none, proved by the device"

// Proving returns each network level with each GeoIP level, where the device proves
// whatever does not hold. A session without a device key is held to what
// [binding.Proven] holds it to, and not to its city.
func Proving() []Candidate {
	unproved := binding.Proven().Unproved.With(binding.Allow, binding.GeoIPCityChanged)
	var all []Candidate
	for network := binding.NetworkOff; network <= binding.NetworkASNNetworkIP; network++ {
		for geoIP := binding.GeoIPOff; geoIP <= binding.GeoIPCity; geoIP++ {
			policy := binding.Policy{Network: network, GeoIP: geoIP, Actions: binding.Always(binding.Prove), Unproved: unproved}
			if policy.Binds() {
				all = append(all, Candidate{Network: network, GeoIP: geoIP, Tolerance: ByProof, Policy: policy})
			}
		}
	}
	return all
}

// Presets returns the presets as they are, with their actions.
func Presets() []Candidate {
	var all []Candidate
	for _, preset := range []binding.Preset{binding.PresetRelaxed, binding.PresetBalanced, binding.PresetStrict, binding.PresetProven} {
		all = append(all, Named(preset.String(), preset.Policy()))
	}
	return all
}

// Named returns a policy with a name of its own.
func Named(name string, p binding.Policy) Candidate {
	return Candidate{Name: name, Network: p.Network, GeoIP: p.GeoIP, Tolerance: name, Policy: p}
}
