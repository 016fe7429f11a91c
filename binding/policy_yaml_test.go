package binding_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
)

func TestPolicyFromYAML(t *testing.T) {
	var read binding.Policy
	require.NoError(t, yaml.Unmarshal([]byte(`
network: bind_asn_network_ip
geoip: bind_continent_country
same_ip: ipv4=32,ipv6=64
families: learn
asn_groups: 6805+8881
exempt: 192.0.2.0/24,2001:db8::/32
missing: hold_same_class
local: hold
max_moves: 5
actions: "*=prove,geoip.city=allow"
unproved: network.asn=report,geoip.country=step_up
`), &read))
	assert.Equal(t, `{"network":"bind_asn_network_ip","geoip":"bind_continent_country","same_ip":"ipv4=32,ipv6=64",`+
		`"families":"learn","asn_groups":"6805+8881","exempt":"192.0.2.0/24,2001:db8::/32","missing":"hold_same_class",`+
		`"local":"hold","max_moves":5,"actions":"network.missing=prove,network.asn=prove,network.asn_network=prove,network.ip=prove,`+
		`geoip.missing=prove,geoip.continent=prove,geoip.country=prove,geoip.city=allow","unproved":"network.asn=report,geoip.country=step_up"}`, asJSON(t, read))

	for _, wrong := range []string{
		"network: asn", "geoip: country", "same_ip: 64", "families: both", "asn_groups: AS6805", "exempt: 192.0.2.1",
		"missing: ignore", "local: allow", "max_moves: -1", "max_moves: 65536", "actions: report", "unproved: prove", "unproved: network.asn=proof",
	} {
		assert.Error(t, yaml.Unmarshal([]byte(wrong), &read), wrong)
	}
	// A single number is a number in YAML, and is text all the same.
	require.NoError(t, yaml.Unmarshal([]byte("asn_groups: 6805"), &read))
	assert.False(t, read.ASNGroups.Same(6805, 8881))
}
