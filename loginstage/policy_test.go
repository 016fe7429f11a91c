package loginstage_test

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestListsHoldForSessionsAlreadyMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exempt, groups := new(binding.Prefixes), new(binding.ASNGroups)
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, Tolerance: binding.Tolerance{Exempt: exempt, ASNGroups: groups},
		}
		v := travel(t, config)
		assert.Nil(t, v.stored().Policy.Exempt, "not recorded")
		assert.Nil(t, v.stored().Policy.ASNGroups, "not recorded")
		require.NoError(t, exempt.Set(netip.PrefixFrom(bindingtest.Paris, 32)))
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.NoError(t, groups.Set([]uint32{64496, 64497}))
		require.Equal(t, passes, v.visit(bindingtest.BerlinMobile))
		require.NoError(t, groups.Set())
		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		require.NoError(t, exempt.Set())
		require.Equal(t, denied, v.visit(bindingtest.Paris))

		v = travel(t, config)
		require.Equal(t, denied, v.visit(bindingtest.BerlinMobile))
	})
}

// What another configuration says holds for the sessions that are made under it.
func TestThePolicyIsRecorded(t *testing.T) {
	strict := loginstage.Config{NetworkBinding: binding.NetworkASN, Store: memstore.New()}
	mild := strict
	mild.Actions = binding.Always(binding.Report)
	mild.Tolerance.Missing = binding.MissingHold
	reportOnly := strict
	reportOnly.ReportOnly = true
	for name, test := range map[string]struct {
		made, used       loginstage.Config
		paris, unlocated int
	}{
		"made strict, used mild":        {strict, mild, denied, denied},
		"made strict, used report only": {strict, reportOnly, denied, denied},
		"made mild, used strict":        {mild, strict, passes, passes},
		"made report only, used strict": {reportOnly, strict, passes, passes},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for ip, want := range map[netip.Addr]int{bindingtest.Paris: test.paris, bindingtest.Unlocated: test.unlocated} {
					made := travel(t, test.made)
					used := newTraveller(t, loginstagetest.New(t, test.used))
					used.SetCookie(&http.Cookie{Name: session.DefaultCookieName, Value: made.Cookie(session.DefaultCookieName), Path: "/", Secure: true})
					require.Equal(t, passes, used.visit(bindingtest.Berlin))
					require.Equal(t, want, used.visit(ip), ip)
				}
			})
		})
	}
}

func TestMistakesInToleranceAndActions(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{
		Tolerance: binding.Tolerance{Families: 9, MaxMoves: 1000}, Actions: binding.Always(9),
		Unproved: binding.Always(binding.Prove),
	})
	for _, want := range []string{"loginstage: Tolerance: ", "rule for address families", "max moves 1000", "loginstage: Actions: ", "loginstage: Unproved: binding: unproved: prove"} {
		assert.ErrorContains(t, err, want)
	}
}
