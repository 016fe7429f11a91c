package whatif

import (
	"flag"
	"slices"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// policySettings is the policy that the flags describe: a preset, and what
// differs from it.
type policySettings struct {
	preset binding.Preset
	given  binding.Policy
	policy binding.Policy
	set    bool // whether any flag says something of it
	begun  bool

	maxMoves uint
}

// standard is the policy where no flag says anything.
var standard = binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry}

func (p *policySettings) register(flags *flag.FlagSet) {
	p.policy, p.given.ASNGroups, p.given.Exempt = standard, new(binding.ASNGroups), new(binding.Prefixes)
	flags.TextVar(&p.preset, "preset", binding.PresetNone, "policy to start from: none, relaxed, balanced, strict or proven")
	flags.TextVar(&p.given.Network, "network-binding", standard.Network, "no_binding, bind_asn, bind_asn_network or bind_asn_network_ip")
	flags.TextVar(&p.given.GeoIP, "geoip-binding", standard.GeoIP, "no_binding, bind_continent, bind_continent_country or bind_continent_country_city")
	flags.TextVar(&p.given.SameIP, "same-ip", binding.PrefixLengths{}, "leading bits by which two addresses are the same, such as ipv4=32,ipv6=64")
	flags.TextVar(&p.given.Families, "families", binding.FamiliesStrict, "strict, or learn: an anchor for IPv4 and one for IPv6")
	flags.TextVar(p.given.ASNGroups, "asn-groups", &binding.ASNGroups{}, "numbers of one operator, such as 6805+8881,3320+6878; for all policies but those without tolerance")
	flags.TextVar(p.given.Exempt, "exempt", &binding.Prefixes{}, "networks from which every session may be used, such as 192.0.2.0/24; for all policies but those without tolerance")
	flags.TextVar(&p.given.Missing, "missing", binding.MissingBreak, "where facts are missing: break, hold or hold_same_class")
	flags.TextVar(&p.given.Local, "local", binding.LocalAsMissing, "between public and other addresses: as_missing, break or hold")
	flags.UintVar(&p.maxMoves, "max-moves", 0, "how many tolerated changes of address an hour; 0: any number")
	flags.TextVar(&p.given.Actions, "actions", binding.Actions{}, "what is done by reason, such as *=prove,network.asn=step_up")
	flags.TextVar(&p.given.Unproved, "unproved", binding.Actions{}, "what is done by reason where the actions say prove and the session has no device key")
}

// apply takes what a flag says into the policy. Flags come in the order of their
// names, so that the preset is applied before them all.
func (p *policySettings) apply(name string) {
	if !p.begun && p.preset != binding.PresetNone {
		p.policy = p.preset.Policy()
	}
	p.begun = true
	switch name {
	case "preset":
	case "network-binding":
		p.policy.Network = p.given.Network
	case "geoip-binding":
		p.policy.GeoIP = p.given.GeoIP
	case "same-ip":
		p.policy.SameIP = p.given.SameIP
	case "families":
		p.policy.Families = p.given.Families
	case "asn-groups":
		p.policy.ASNGroups = p.given.ASNGroups
	case "exempt":
		p.policy.Exempt = p.given.Exempt
	case "missing":
		p.policy.Missing = p.given.Missing
	case "local":
		p.policy.Local = p.given.Local
	case "max-moves":
		p.policy.MaxMoves = uint16(min(p.maxMoves, 1<<16-1))
	case "actions":
		p.policy.Actions = p.given.Actions
	case "unproved":
		p.policy.Unproved = p.given.Unproved
	default:
		return
	}
	p.set = true
}

// candidates returns the policies to replay: the grids, the presets, and the policy
// that was given, if one was. Those that the databases know too little for are
// left out.
func (p *policySettings) candidates(covers func(binding.Policy) error) []replay.Candidate {
	all := slices.Concat(replay.Grid(), replay.Proving(), replay.Presets())
	for i := range all {
		if all[i].Tolerance != replay.NoTolerance && all[i].Tolerance != replay.ByProof {
			all[i].Policy.ASNGroups, all[i].Policy.Exempt = p.policy.ASNGroups, p.policy.Exempt
		}
	}
	if p.set {
		all = append(all, replay.Named("given", p.policy))
	}
	var covered []replay.Candidate
	for _, c := range all {
		if covers(c.Policy) == nil {
			covered = append(covered, c)
		}
	}
	return covered
}
