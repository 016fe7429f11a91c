package loginstage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
)

func TestToleranceAndActionsFromYAML(t *testing.T) {
	var read loginstage.Config
	require.NoError(t, yaml.Unmarshal([]byte(`
network_binding: bind_asn
tolerance:
  same_ip: ipv4=32,ipv6=64
  families: learn
  exempt: 192.0.2.0/24
  missing: hold
  local: break
  max_moves: 3
actions: network.asn=step_up
report_only: true
report_when_stale: true
explain_events: true
step_up_url: /prove
`), &read))
	assert.Equal(t, binding.NetworkASN, read.NetworkBinding)
	assert.Equal(t, binding.Tolerance{
		SameIP: binding.PrefixLengths{IPv4: 32, IPv6: 64}, Families: binding.FamiliesLearn, Exempt: read.Tolerance.Exempt,
		Missing: binding.MissingHold, Local: binding.LocalBreak, MaxMoves: 3,
	}, read.Tolerance)
	text, err := read.Tolerance.Exempt.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "192.0.2.0/24", string(text))
	assert.Equal(t, binding.Actions{}.With(binding.StepUp, binding.NetworkASNChanged), read.Actions)
	assert.True(t, read.ReportOnly && read.ReportWhenStale && read.ExplainEvents)
	assert.Equal(t, "/prove", read.StepUpURL)
}
