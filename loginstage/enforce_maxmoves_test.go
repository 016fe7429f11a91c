package loginstage_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestMaxMoves(t *testing.T) {
	config := loginstage.Config{
		NetworkBinding: binding.NetworkASNNetworkIP, SessionDuration: duration.MustParse("hours=12"),
		Tolerance: binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 24}, MaxMoves: 2},
	}
	third, fourth, fifth := bindingtest.BerlinNeighbour.Next(), netip.MustParseAddr(fourth), netip.MustParseAddr(fifth)
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, config)
		for _, ip := range []netip.Addr{bindingtest.BerlinNeighbour, bindingtest.Berlin, third, bindingtest.Berlin} {
			require.Equal(t, passes, v.visit(ip), "the way back is not by tolerance")
			require.Equal(t, passes, v.visit(ip), "staying is no move")
			time.Sleep(time.Minute)
		}
		require.Len(t, v.stored().Drift.Moves, 2)
		require.Equal(t, denied, v.visit(fourth))
		assert.Equal(t, binding.NetworkIPChanged, v.ended())
	})
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, config)
		for range 3 {
			require.Equal(t, passes, v.visit(third))
			time.Sleep(time.Minute)
			require.Equal(t, passes, v.visit(fourth))
			time.Sleep(time.Hour + time.Second)
		}
		require.Equal(t, passes, v.visit(third))
		time.Sleep(time.Minute)
		require.Equal(t, passes, v.visit(fourth))
		time.Sleep(58 * time.Minute)
		require.Equal(t, denied, v.visit(fifth), "not yet an hour")
	})
	synctest.Test(t, func(t *testing.T) {
		free := config
		free.Tolerance.MaxMoves = 0
		v := travel(t, free)
		for i := range 200 {
			require.Equal(t, passes, v.visit([]netip.Addr{third, fourth}[i%2]))
			time.Sleep(time.Second)
		}
		assert.Empty(t, v.stored().Drift.Moves)
	})
}

// unevenly is a locator that takes a millisecond longer with each call.
type unevenly struct {
	binding.Locator
	calls atomic.Int64
}

func (l *unevenly) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	time.Sleep(time.Duration(l.calls.Add(1)) * time.Millisecond)
	return l.Locator.Locate(ctx, ip)
}

// A browser that has moved sends many requests at once, and has moved once.
func TestRequestsAtOnceAreOneMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{
			NetworkBinding: binding.NetworkASNNetworkIP, Locator: &unevenly{Locator: bindingtest.Places()},
			Tolerance: binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 24}, MaxMoves: 2},
		})
		v := newTraveller(t, stage)
		v.signIn()
		time.Sleep(time.Second - time.Duration(time.Now().Nanosecond()))
		v.MoveTo(bindingtest.BerlinNeighbour)
		var requests sync.WaitGroup
		for range 8 {
			requests.Go(func() { assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode) })
		}
		requests.Wait()
		time.Sleep(time.Minute)
		require.Equal(t, passes, v.visit(netip.MustParseAddr(fourth)), "the second move")
		time.Sleep(time.Minute)
		require.Equal(t, denied, v.visit(netip.MustParseAddr(fifth)), "the third")
	})
}
