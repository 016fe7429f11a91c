package binding_test

import (
	"encoding/json"
	"net/netip"
	"sync"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A decision says how it came about, though the lists change later.
func TestADecisionKeepsTheListsItWasMadeBy(t *testing.T) {
	groups, exempt := groupsOf(t, "64500+64501"), prefixesOf(t, "198.51.100.0/24,203.0.113.0/24")
	policy := binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: binding.Tolerance{ASNGroups: groups, Exempt: exempt}}
	partner := at(func(l *binding.Location) { l.ASN.Number = 64501 })
	office := binding.Location{IP: address("198.51.100.1")}
	elsewhere := at(func(l *binding.Location) { l.ASN.Network = netip.MustParsePrefix("1.1.1.0/24") })

	decisions := map[string]binding.Decision{
		"partner":   policy.Explain(home(), partner),
		"office":    policy.Explain(home(), office),
		"elsewhere": policy.Explain(home(), elsewhere),
		"followed":  policy.Follow(home(), binding.Drift{}, elsewhere, signIn).Explain(),
	}
	before := map[string]string{}
	for name, d := range decisions {
		before[name] = asJSON(t, d)
	}
	require.NoError(t, groups.Set())
	require.NoError(t, exempt.Set())
	for name, d := range decisions {
		assert.Equal(t, before[name], asJSON(t, d), name)
		assert.Equal(t, before[name], asJSON(t, d.Policy.Explain(d.From, d.To)), "decided again: "+name)
		var read binding.Decision
		require.NoError(t, json.Unmarshal([]byte(before[name]), &read))
		assert.Equal(t, before[name], asJSON(t, read.Policy.Explain(read.From, read.To)), "read and decided again: "+name)
	}
	assert.True(t, decisions["office"].Policy.Exempt.Contains(office.IP))
	assert.True(t, decisions["elsewhere"].Policy.ASNGroups.Same(64500, 64501))
}

// A list of a quarter of a million relays is no part of each event.
func TestADecisionHasOnlyTheExemptNetworksThatItIsAbout(t *testing.T) {
	policy := binding.Policy{Network: binding.NetworkASN}
	policy.Exempt = prefixesOf(t, "203.0.113.0/24,198.51.100.0/24,198.51.0.0/16")
	text, err := policy.Explain(home(), binding.Location{IP: address("198.51.100.1")}).Policy.Exempt.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "198.51.100.0/24,198.51.0.0/16", string(text))
	assert.Nil(t, policy.Explain(home(), home()).Policy.Exempt)
}

func TestWhatIsBrokenIsExplainedThoughTheListsChange(t *testing.T) {
	exempt := prefixesOf(t, "203.0.113.0/24")
	policy := binding.Policy{Network: binding.NetworkASN, Tolerance: binding.Tolerance{Exempt: exempt}}
	to := binding.Location{IP: address("203.0.113.1")}
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				assert.NoError(t, exempt.Set())
				assert.NoError(t, exempt.Set(netip.MustParsePrefix("203.0.113.0/24")))
			}
		}
	})
	for broken := 0; broken < 20_000; {
		step := policy.Follow(home(), binding.Drift{}, to, signIn)
		if step.Reason != "" {
			broken++
			require.Equal(t, step.Reason, step.Explain().Decisive)
		}
	}
	close(done)
	changing.Wait()
}
