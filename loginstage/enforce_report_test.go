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

func TestReportedMovesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCountry, Actions: binding.Always(binding.Report), Store: memstore.New(),
		}
		v := travel(t, config)
		id := v.stored().ID

		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode, "nothing is restricted")
		reports := v.told(loginstage.ActionReport)
		require.Len(t, reports, 1)
		assert.Equal(t, session.CauseBroken, reports[0].Cause)
		assert.Equal(t, id, reports[0].Session)
		assert.Equal(t, "ada", reports[0].User)
		assert.Equal(t, bindingtest.Paris, reports[0].ClientIP)
		assert.Empty(t, reports[0].Actor)
		about := reports[0].Context
		assert.Equal(t, binding.NetworkASNChanged, about.Binding.Reason)
		assert.EqualValues(t, 64500, about.ASN.Number)
		assert.Equal(t, "FR", about.Geo.Country.ISOCode)
		assert.Equal(t, &loginstage.Move{Previous: bindingtest.Berlin, New: bindingtest.Paris}, about.IP)
		assert.Equal(t, "/open", about.HTTPRequest.Path)
		assert.Empty(t, about.LogoutReason)
		assert.Nil(t, about.Decision)

		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		assert.Len(t, v.told(loginstage.ActionReport), 1, "told once")

		require.Equal(t, passes, v.visit(bindingtest.London))
		reports = v.told(loginstage.ActionReport)
		require.Len(t, reports, 2)
		assert.NotEqual(t, reports[0].ID, reports[1].ID)

		other := loginstagetest.New(t, config)
		elsewhere := newTraveller(t, other)
		elsewhere.SetCookie(&http.Cookie{Name: session.DefaultCookieName, Value: v.Cookie(session.DefaultCookieName), Path: "/", Secure: true})
		require.Equal(t, passes, elsewhere.visit(bindingtest.Paris))
		assert.Empty(t, other.Events.Events(), "told by another process before")

		assert.Equal(t, id, v.stored().ID)
		assert.Equal(t, bindingtest.Berlin, v.stored().Anchor.IP)
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}

func TestReportOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, loginstage.Config{
			NetworkBinding: binding.NetworkASNNetworkIP, GeoIPBinding: binding.GeoIPCity, ReportOnly: true,
			Actions: binding.Always(binding.StepUp),
		})
		for _, ip := range []netip.Addr{bindingtest.BerlinNeighbour, bindingtest.Unlocated, bindingtest.Tokyo} {
			require.Equal(t, passes, v.visit(ip))
		}
		var reasons []binding.Reason
		for _, e := range v.told(loginstage.ActionReport) {
			reasons = append(reasons, e.Context.Binding.Reason)
		}
		assert.Equal(t, []binding.Reason{binding.NetworkIPChanged, binding.NetworkMissing, binding.NetworkASNChanged}, reasons)
		assert.Empty(t, v.told(loginstage.ActionStepUp))
	})
}

func TestAllowedMovesAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, loginstage.Config{NetworkBinding: binding.NetworkASN, Actions: binding.Always(binding.Allow)})
		v.stage.Events.Reset()
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, passes, v.visit(bindingtest.Unlocated))
		assert.Empty(t, v.stage.Events.Events())
		assert.True(t, v.stored().Drift.IsZero())
	})
}
