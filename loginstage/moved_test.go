package loginstage_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
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
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// traveller is the browser of somebody who moves about, with ada signed in.
type traveller struct {
	*loginstagetest.Browser
	t       *testing.T
	stage   *loginstagetest.Stage
	confirm error           // what came of the latest Confirm
	current session.Session // as the latest guarded request found it
}

// travel signs ada in, in Berlin. Tests run in a bubble, where no sink is slow.
func travel(t *testing.T, config loginstage.Config) *traveller {
	t.Helper()
	v := newTraveller(t, loginstagetest.New(t, config))
	v.signIn()
	return v
}

func newTraveller(t *testing.T, stage *loginstagetest.Stage) *traveller {
	v := &traveller{t: t, stage: stage}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		if _, err := stage.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /finish", func(w http.ResponseWriter, r *http.Request) {
		if err := stage.Finish(w, r, loginstage.Answer{}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		if v.confirm = stage.Confirm(w, r); v.confirm != nil {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	mux.Handle("/open", stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, ok := loginstage.Current(r.Context())
		if !ok {
			w.WriteHeader(http.StatusForbidden)
		}
		v.current = s
	})))
	mux.Handle("/private", stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	v.Browser = loginstagetest.NewBrowser(t, mux)
	return v
}

func (v *traveller) signIn() {
	v.t.Helper()
	require.Equal(v.t, http.StatusOK, v.PostForm("/begin", url.Values{}).StatusCode)
}

// visit is the status of a guarded page, asked for from ip by a script.
func (v *traveller) visit(ip netip.Addr) int {
	v.t.Helper()
	v.MoveTo(ip)
	return v.Call("GET", "/open", nil).StatusCode
}

// stored is the one session of ada, as the store has it.
func (v *traveller) stored() session.Session {
	v.t.Helper()
	all, err := v.stage.Sessions(v.t.Context(), "ada")
	require.NoError(v.t, err)
	require.Len(v.t, all, 1)
	return all[0]
}

func (v *traveller) told(action loginstage.Action) []loginstage.Event {
	return v.stage.Events.Of(action)
}

// ended says which fact the session ended for.
func (v *traveller) ended() binding.Reason {
	v.t.Helper()
	events := v.told(loginstage.ActionLogout)
	require.Len(v.t, events, 1)
	require.Equal(v.t, session.CauseBroken, events[0].Cause)
	require.NotNil(v.t, events[0].Context.Binding)
	return events[0].Context.Binding.Reason
}

const (
	passes    = http.StatusOK
	denied    = http.StatusUnauthorized
	anonymous = http.StatusForbidden
	fourth    = "192.0.2.4" // in Berlin, beside the others
	fifth     = "192.0.2.5"
	newer6    = "2001:db8:3::1" // in Berlin, in the same network over another IPv6 prefix
	newerIn   = "2001:db8:3::/48"
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

func TestTheStrictestActionCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCountry,
			Actions: binding.Actions{}.With(binding.Report, binding.NetworkASNChanged),
		}
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinMobile), "another network alone is reported")
		require.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, v.ended())
	})
}

func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []binding.Action
		answer := binding.Report
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, Actions: binding.Actions{}.With(binding.StepUp, binding.NetworkMissing),
			Decide: func(_ context.Context, s session.Session, d binding.Decision) binding.Action {
				assert.Equal(t, "ada", s.User)
				asked = append(asked, d.Action)
				return answer
			},
		}
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinNeighbour))
		assert.Empty(t, asked, "nothing is broken")
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, passes, v.visit(bindingtest.Unlocated))
		assert.Equal(t, []binding.Action{binding.End, binding.StepUp}, asked)
		assert.Len(t, v.told(loginstage.ActionReport), 2)
		assert.Empty(t, v.stored().Drift.Restricted)

		for _, explain := range []bool{false, true} {
			config.ExplainEvents = explain
			answer = 77
			v = travel(t, config)
			require.Equal(t, denied, v.visit(bindingtest.Paris), "what is no action ends")
			assert.Equal(t, binding.NetworkASNChanged, v.ended(), "and the event says for what")
		}
	})
}

func TestExplainedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity, ExplainEvents: true,
			Tolerance: binding.Tolerance{Exempt: new(binding.Prefixes)},
			Actions:   binding.Always(binding.StepUp).With(binding.Report, binding.NetworkPrefixChanged).With(binding.End, binding.GeoIPCountryChanged),
		}
		require.NoError(t, config.Tolerance.Exempt.Set(netip.MustParsePrefix("203.0.113.0/24")))
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinOtherPrefix))
		require.Equal(t, passes, v.visit(bindingtest.Munich))
		require.Equal(t, denied, v.visit(bindingtest.Paris))
		for action, want := range map[loginstage.Action]struct {
			action binding.Action
			reason binding.Reason
			to     netip.Addr
		}{
			loginstage.ActionReport: {binding.Report, binding.NetworkPrefixChanged, bindingtest.BerlinOtherPrefix},
			loginstage.ActionStepUp: {binding.StepUp, binding.GeoIPCityChanged, bindingtest.Munich},
			loginstage.ActionLogout: {binding.End, binding.GeoIPCountryChanged, bindingtest.Paris},
		} {
			events := v.told(action)
			require.Len(t, events, 1, action)
			text, err := json.Marshal(events[0].Context.Decision)
			require.NoError(t, err)
			var read binding.Decision
			require.NoError(t, json.Unmarshal(text, &read))
			assert.Equal(t, want.action, read.Action)
			assert.Equal(t, want.reason, read.Decisive)
			assert.Equal(t, want.reason, events[0].Context.Binding.Reason)
			assert.Equal(t, bindingtest.Berlin, read.From.IP)
			assert.Equal(t, want.to, read.To.IP)
			assert.Equal(t, "places", read.From.Generation)
			assert.Equal(t, "places", read.To.Generation)
			assert.True(t, read.Policy.Exempt.Contains(bindingtest.Unlocated))
			assert.Len(t, read.Rulings, 8)
			again := read.Policy.Explain(read.From, read.To)
			assert.Equal(t, read.String(), again.String(), "decided again")
		}
	})
}

func TestAnAnchorForEachFamily(t *testing.T) {
	world := bindingtest.Places()
	world.ASNs[netip.MustParsePrefix(newerIn)] = world.ASNs[netip.MustParsePrefix("2001:db8:1::/48")]
	world.Geos[netip.MustParsePrefix(newerIn)] = world.Geos[netip.MustParsePrefix("2001:db8:1::/48")]
	other6, neighbour6 := netip.MustParseAddr(newer6), bindingtest.BerlinIPv6.Next()
	config := func(level binding.Network) loginstage.Config {
		return loginstage.Config{
			NetworkBinding: level, GeoIPBinding: binding.GeoIPCity, Locator: world,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		}
	}

	t.Run("by prefix", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			assert.False(t, v.stored().Drift.Second.IP.IsValid())
			for _, ip := range []netip.Addr{bindingtest.BerlinIPv6, bindingtest.BerlinNeighbour, neighbour6, bindingtest.Berlin} {
				require.Equal(t, passes, v.visit(ip), ip)
				assert.Equal(t, bindingtest.BerlinIPv6, v.stored().Drift.Second.IP, "learned once")
			}
			require.Equal(t, denied, v.visit(other6))
			assert.Equal(t, binding.NetworkPrefixChanged, v.ended())
			ending := v.told(loginstage.ActionLogout)[0].Context
			assert.Equal(t, netip.MustParsePrefix("2001:db8:1::/48"), ending.Binding.Previous, "compared with its own family")
			assert.Equal(t, bindingtest.BerlinIPv6, ending.IP.Previous)
		})
	})
	t.Run("by address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetworkIP))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			require.Equal(t, denied, v.visit(neighbour6))
			assert.Equal(t, binding.NetworkIPChanged, v.ended())
		})
	})
	t.Run("IPv6 first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newTraveller(t, loginstagetest.New(t, config(binding.NetworkASNNetwork)))
			v.MoveTo(bindingtest.BerlinIPv6)
			v.signIn()
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			assert.Equal(t, bindingtest.Berlin, v.stored().Drift.Second.IP)
			require.Equal(t, denied, v.visit(bindingtest.BerlinOtherPrefix))
			assert.Equal(t, binding.NetworkPrefixChanged, v.ended())
		})
	})
	t.Run("the first family stays bound", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
			require.Equal(t, denied, v.visit(bindingtest.BerlinOtherPrefix))
		})
	})
	t.Run("not from elsewhere", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			require.Equal(t, denied, v.visit(bindingtest.ParisIPv6))
			assert.Equal(t, binding.NetworkASNChanged, v.ended())
		})
	})
	t.Run("not where it is reported", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			reporting := config(binding.NetworkASNNetwork)
			reporting.ReportOnly = true
			v := travel(t, reporting)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
			assert.False(t, v.stored().Drift.Second.IP.IsValid())
		})
	})
	t.Run("not from an exempt address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			office := config(binding.NetworkASNNetwork)
			office.Tolerance.Exempt = new(binding.Prefixes)
			require.NoError(t, office.Tolerance.Exempt.Set(netip.MustParsePrefix("2001:db8:2::/48")))
			v := travel(t, office)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6), "at home again")
			assert.Equal(t, bindingtest.BerlinIPv6, v.stored().Drift.Second.IP)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
		})
	})
	t.Run("strict", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			strict := config(binding.NetworkASNNetwork)
			strict.Tolerance.Families = binding.FamiliesStrict
			require.Equal(t, denied, travel(t, strict).visit(bindingtest.BerlinIPv6))
		})
	})
}

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

// successive is a locator whose data are replaced.
type successive struct {
	now atomic.Pointer[bindingtest.Locator]
}

func (l *successive) set(world bindingtest.Locator) { l.now.Store(&world) }

func (l *successive) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	return l.now.Load().Locate(ctx, ip)
}

func TestDataReplacedUnderARunningSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, later := new(successive), bindingtest.Later()
		delete(later.ASNs, netip.MustParsePrefix("2001:db8:1::/48"))
		later.ASNs[netip.MustParsePrefix("2001:db8:1::/64")] = binding.ASN{Number: 64496, Organization: "Spree Net"}
		world.set(bindingtest.Places())
		v := travel(t, loginstage.Config{
			NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity, Locator: world,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		})
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
		world.set(later)
		require.Equal(t, passes, v.visit(bindingtest.BerlinNeighbour), "in the part of the split prefix")
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6.Next()), "as in the other family")
		assert.Equal(t, "places", v.stored().Anchor.Generation, "as it was recorded")
		require.Equal(t, denied, v.visit(netip.MustParseAddr("192.0.2.17")), "in the other part")
		assert.Equal(t, binding.NetworkMissing, v.ended())
	})
}

func TestTheStoreKeepsWhatBecameOfABinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		v := travel(t, loginstage.Config{
			Store: store, NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn, MaxMoves: 9},
			Actions:   binding.Actions{}.With(binding.StepUp, binding.GeoIPCityChanged).With(binding.Report, binding.NetworkPrefixChanged),
		})
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
		require.Equal(t, passes, v.visit(bindingtest.BerlinOtherPrefix))
		require.Equal(t, passes, v.visit(bindingtest.Munich))

		kept, err := store.Get(t.Context(), v.stored().ID)
		require.NoError(t, err)
		assert.Equal(t, bindingtest.BerlinIPv6, kept.Drift.Second.IP)
		assert.EqualValues(t, 64496, kept.Drift.Second.ASN.Number)
		assert.Equal(t, binding.GeoIPCityChanged, kept.Drift.Restricted)
		assert.Len(t, kept.Drift.Moves, 1)
		assert.Len(t, kept.Drift.Reported, 1)
		assert.Equal(t, kept, v.stored())
		require.NoError(t, v.stage.Revoke(t.Context(), "ada", kept.ID, "admin"))
		_, err = store.Get(t.Context(), kept.ID)
		var ended *session.EndedError
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, kept.Drift, ended.Session.Drift)
	})
}

func TestMistakesInToleranceAndActions(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{
		Tolerance: binding.Tolerance{Families: 9, MaxMoves: 1000}, Actions: binding.Always(9),
	})
	for _, want := range []string{"loginstage: Tolerance: ", "rule for address families", "max moves 1000", "loginstage: Actions: "} {
		assert.ErrorContains(t, err, want)
	}
}
