package binding

// Network is how tightly a session is bound to the network it was made from.
// Each level includes those before it. The zero value is [NetworkOff].
//
// It is read and written as text, so that it can stand in JSON, YAML, a flag or
// an environment variable.
type Network uint8

// The levels of network binding.
const (
	NetworkOff          Network = iota // no_binding: the network may change
	NetworkASN                         // bind_asn: same autonomous system number
	NetworkASNNetwork                  // bind_asn_network: and same announced prefix
	NetworkASNNetworkIP                // bind_asn_network_ip: and same address
)

const networkKind = "network binding"

var networkNames = []string{"no_binding", "bind_asn", "bind_asn_network", "bind_asn_network_ip"}

// ParseNetwork returns the level that s names: no_binding, bind_asn,
// bind_asn_network or bind_asn_network_ip. Anything else is a [*LevelError].
func ParseNetwork(s string) (Network, error) {
	level, err := parseLevel(networkKind, networkNames, s)
	return Network(level), err
}

// String returns the level's name as [ParseNetwork] reads it.
func (n Network) String() string { return levelName("Network", networkNames, uint8(n)) }

// MarshalText returns the level's name. A number that is no level is an error.
func (n Network) MarshalText() ([]byte, error) {
	return levelText(networkKind, networkNames, uint8(n))
}

// UnmarshalText reads what [ParseNetwork] reads, and leaves n as it was on error.
func (n *Network) UnmarshalText(text []byte) error {
	parsed, err := ParseNetwork(string(text))
	if err == nil {
		*n = parsed
	}
	return err
}
