package loginstage_test

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// gated is a store that records no use of a session until the missing ones have arrived.
type gated struct {
	session.Store
	missing atomic.Int32
	open    chan struct{}
}

func gate(uses int32) *gated {
	g := &gated{Store: memstore.New(), open: make(chan struct{})}
	g.missing.Store(uses)
	return g
}

func (g *gated) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if g.missing.Add(-1) == 0 {
		close(g.open)
	}
	<-g.open
	return g.Store.Touch(ctx, id, seen)
}

// at returns a browser with the session of v, that is somewhere else.
func (v *traveller) at(stage *loginstagetest.Stage, ip netip.Addr) *traveller {
	w := newTraveller(v.t, stage)
	w.SetCookie(&http.Cookie{Name: session.DefaultCookieName, Value: v.Cookie(session.DefaultCookieName), Path: "/", Secure: true})
	w.MoveTo(ip)
	return w
}

// Two requests, of two processes, each find no second anchor and teach another one.
func TestOneOfTwoSecondAnchorsIsLearned(t *testing.T) {
	world := bindingtest.Places()
	world.ASNs[netip.MustParsePrefix(newerIn)] = world.ASNs[netip.MustParsePrefix("2001:db8:1::/48")]
	synctest.Test(t, func(t *testing.T) {
		store := gate(2)
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASNNetwork, Locator: world, Store: store,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		}
		v := travel(t, config)
		places := []netip.Addr{bindingtest.BerlinIPv6, netip.MustParseAddr(newer6)}
		status := make([]int, len(places))
		var both sync.WaitGroup
		for i, ip := range places {
			w := v.at(loginstagetest.New(t, config), ip)
			both.Go(func() { status[i] = w.Call("GET", "/open", nil).StatusCode })
		}
		both.Wait()
		slices.Sort(status)
		// The one whose anchor was learned reads the session again, which the other one may
		// have ended by then.
		assert.Contains(t, [][]int{{passes, denied}, {denied, anonymous}}, status)
	})
}

// Reports of one move, from many requests at once, are folded.
func TestOneOfManyReportsAtOnceIsTold(t *testing.T) {
	for name, action := range map[string]binding.Action{"report": binding.Report, "step up": binding.StepUp} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := travel(t, loginstage.Config{NetworkBinding: binding.NetworkASN, Actions: binding.Always(action), Store: gate(8)})
				var all sync.WaitGroup
				for range 8 {
					w := v.at(v.stage, bindingtest.Paris)
					all.Go(func() { assert.Equal(t, passes, w.Call("GET", "/open", nil).StatusCode) })
				}
				all.Wait()
				assert.Len(t, append(v.told(loginstage.ActionReport), v.told(loginstage.ActionStepUp)...), 1)
			})
		})
	}
}
