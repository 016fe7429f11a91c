package loginstage_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// ageing is a locator whose data can be stale.
type ageing struct {
	bindingtest.Locator
	stale atomic.Bool
}

func (l *ageing) Stale() error {
	if l.stale.Load() {
		return errors.New("too old")
	}
	return nil
}

func TestStaleDataOnlyReports(t *testing.T) {
	for name, actions := range map[string]binding.Actions{
		"end": {}, "step up": binding.Always(binding.StepUp), "report": binding.Always(binding.Report),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				locator := &ageing{Locator: bindingtest.Places()}
				v := travel(t, loginstage.Config{
					GeoIPBinding: binding.GeoIPCountry, Locator: locator, Actions: actions, ReportWhenStale: true,
				})
				locator.stale.Store(true)
				require.Equal(t, passes, v.visit(bindingtest.Paris))
				assert.Empty(t, v.stored().Drift.Restricted)
				require.Len(t, v.told(loginstage.ActionReport), 1)
				assert.Equal(t, binding.GeoIPCountryChanged, v.told(loginstage.ActionReport)[0].Context.Binding.Reason)

				v.visit(bindingtest.Berlin)
				locator.stale.Store(false)
				v.visit(bindingtest.Tokyo)
				assert.Len(t, v.told(loginstage.ActionLogout), count(actions == binding.Actions{}), "with fresh data it is as it was")
				assert.Len(t, v.told(loginstage.ActionStepUp), count(actions == binding.Always(binding.StepUp)))
			})
		})
	}
}

// What was let off for stale data is not let off for ever, though it stays where
// it is.
func TestFreshDataCatchesUpWithWhatStaleDataLetOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locator := &ageing{Locator: bindingtest.Places()}
		v := travel(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry, Locator: locator, ReportWhenStale: true})
		locator.stale.Store(true)
		for range 3 {
			require.Equal(t, passes, v.visit(bindingtest.Paris))
		}
		require.Len(t, v.told(loginstage.ActionReport), 1)
		locator.stale.Store(false)
		require.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, v.ended())
	})
}

func TestStaleDataForgivesNothingUnlessAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locator := &ageing{Locator: bindingtest.Places()}
		locator.stale.Store(true)
		v := travel(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry, Locator: locator})
		assert.Equal(t, denied, v.visit(bindingtest.Paris))
	})
}

// What the host decides is decided, and it is told what would have been done.
func TestDecideHasTheLastWordOnStaleData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locator := &ageing{Locator: bindingtest.Places()}
		locator.stale.Store(true)
		var proposed binding.Action
		v := travel(t, loginstage.Config{
			GeoIPBinding: binding.GeoIPCountry, Locator: locator, ReportWhenStale: true,
			Decide: func(_ context.Context, _ session.Session, d binding.Decision) binding.Action {
				proposed = d.Action
				return binding.End
			},
		})
		assert.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.Report, proposed)
	})
}

func count(one bool) int {
	if one {
		return 1
	}
	return 0
}
