package replay_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session/devicekey"
)

var (
	start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

	everywhere = []netip.Addr{
		bindingtest.Berlin, bindingtest.BerlinNeighbour, bindingtest.BerlinOtherPrefix, bindingtest.BerlinMobile, bindingtest.BerlinIPv6,
		bindingtest.Munich, bindingtest.Countryside, bindingtest.Paris, bindingtest.ParisIPv6, bindingtest.Tokyo, bindingtest.NetworkOnly,
		bindingtest.Unlocated, netip.MustParseAddr("192.168.1.2"),
	}
)

// candidates returns the grids, the presets, and one with every action.
func candidates() []replay.Candidate {
	actions := binding.Always(binding.Report).With(binding.StepUp, binding.NetworkASNChanged).With(binding.End, binding.GeoIPCountryChanged).With(binding.Allow, binding.GeoIPCityChanged)
	return append(slices.Concat(replay.Grid(), replay.Proving(), replay.Presets()), replay.Named("given", binding.Policy{
		Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity, Actions: actions,
		Tolerance: binding.Tolerance{Families: binding.FamiliesLearn, SameIP: binding.PrefixLengths{IPv4: 24}, MaxMoves: 2},
	}))
}

func TestAJourneyUnderManyPoliciesIsAsUnderEach(t *testing.T) {
	world := bindingtest.Places()
	var policies []binding.Policy
	for _, c := range candidates() {
		policies = append(policies, c.Policy)
	}
	require.Greater(t, len(policies), 64)
	require.LessOrEqual(t, len(policies), replay.MaxPolicies)
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		at, now := locate(t, world, everywhere[random.IntN(len(everywhere))]), start
		together := replay.Begin(at, len(policies))
		anchors, drifts, proved := slices.Repeat([]binding.Location{at}, len(policies)), make([]binding.Drift, len(policies)), make([][]string, len(policies))
		proves := func(i int) bool { return uint64(i)%3 != seed%3 }
		for range 25 {
			to := locate(t, world, everywhere[random.IntN(len(everywhere))])
			now = now.Add(time.Duration(random.IntN(40)) * time.Minute)
			verdicts := map[int]replay.Verdict{}
			together = together.Move(policies, to, now, proves, func(v replay.Verdict) { verdicts[v.Policy] = v })
			for i, p := range policies {
				step := p.Follow(anchors[i], drifts[i], to, now)
				verdict, broken := verdicts[i]
				if step.Reason == "" {
					require.False(t, broken)
					drifts[i] = drifts[i].Add(step.Adds)
					continue
				}
				decision := step.Explain()
				if decision.Action == binding.Prove && slices.Contains(proved[i], decision.Move()) {
					require.False(t, broken, "proved before")
					continue
				}
				require.True(t, broken)
				assert.Equal(t, decision.Action, verdict.Action)
				assert.Equal(t, decision.Decisive, verdict.Reason)
				assert.Equal(t, decision.Action == binding.Prove && proves(i), verdict.Proved)
				switch {
				case verdict.Proved:
					proved[i] = append(proved[i], decision.Move())
					proved[i] = proved[i][max(0, len(proved[i])-16):]
				case decision.Action <= binding.Prove:
					assert.True(t, verdict.Interrupts())
					anchors[i], drifts[i], proved[i] = to, binding.Drift{}, nil
				default:
					assert.False(t, verdict.Interrupts())
				}
			}
		}
	}
}

func locate(t *testing.T, l binding.Locator, ip netip.Addr) binding.Location {
	t.Helper()
	found, err := l.Locate(t.Context(), ip)
	require.NoError(t, err)
	return found
}

// What the guard does to a browser is what the replay says it would do.
func TestTheReplayAgreesWithTheGuard(t *testing.T) {
	for seed, c := range candidates() {
		synctest.Test(t, func(t *testing.T) {
			stage := loginstagetest.New(t, loginstage.Config{
				NetworkBinding: c.Policy.Network, GeoIPBinding: c.Policy.GeoIP, Tolerance: c.Policy.Tolerance, Actions: c.Policy.Actions, Unproved: c.Policy.Unproved,
				SessionDuration: duration.MustParse("days=10"),
			})
			mux := http.NewServeMux()
			mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
				_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
				assert.NoError(t, err)
			})
			mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
				assert.NoError(t, stage.Confirm(w, r, loginstage.User{ID: "ada"}))
			})
			mux.Handle("GET /", stage.Require(http.NotFoundHandler()))
			browser := loginstagetest.NewBrowser(t, mux)

			random := rand.New(rand.NewPCG(uint64(seed), 7))
			last := bindingtest.Berlin
			browser.PostForm("/begin", nil)
			replayed, err := replay.New(replay.Config{Candidates: []replay.Candidate{c}, Locator: bindingtest.Places(), Idle: 240 * time.Hour})
			require.NoError(t, err)
			add := func(ip netip.Addr) {
				require.NoError(t, replayed.Add(t.Context(), replay.Use{Time: time.Now(), IP: ip, Session: []byte("s"), User: []byte("ada")}))
			}
			add(last)
			for range 30 {
				time.Sleep(time.Duration(random.IntN(40)) * time.Minute)
				last = everywhere[random.IntN(len(everywhere))]
				browser.MoveTo(last)
				ended, restricted := len(stage.Events.Of(loginstage.ActionLogout)), len(stage.Events.Of(loginstage.ActionStepUp))
				browser.Call("GET", "/", nil)
				if len(stage.Events.Of(loginstage.ActionLogout)) > ended {
					browser.PostForm("/begin", nil)
				} else if len(stage.Events.Of(loginstage.ActionStepUp)) > restricted {
					browser.PostForm("/confirm", nil)
				}
				add(last)
			}
			var broken int
			reasons := map[binding.Reason]int{}
			for _, action := range []loginstage.Action{loginstage.ActionLogout, loginstage.ActionStepUp} {
				for _, e := range stage.Events.Of(action) {
					if e.Context.Binding != nil {
						broken++
						reasons[e.Context.Binding.Reason]++
					}
				}
			}
			tally := replayed.Result().Tallies[0]
			assert.Equal(t, broken, tally.Endings+tally.Confirmations, "%s %s %s %s", c.Name, c.Network, c.GeoIP, c.Tolerance)
			told := map[binding.Reason]int{}
			for _, count := range tally.Reasons {
				told[count.Of] = count.Times
			}
			assert.Equal(t, reasons, told)
		})
	}
}

// What the guard asks a device with a key for is what the replay counts as proofs, and
// what it does besides is as the replay says.
func TestTheReplayOfProofsAgreesWithTheGuard(t *testing.T) {
	mixed := binding.Proven()
	mixed.Network, mixed.SameIP = binding.NetworkASNNetworkIP, binding.PrefixLengths{IPv4: 24, IPv6: 64}
	mixed.Actions = mixed.Actions.With(binding.StepUp, binding.GeoIPCountryChanged).With(binding.End, binding.GeoIPContinentChanged)
	for seed, c := range append(replay.Proving(), replay.Named("proven", binding.Proven()), replay.Named("mixed", mixed)) {
		for _, kind := range []devicekey.Kind{devicekey.DBSC, devicekey.Page} {
			t.Run(fmt.Sprint(c.Name, c.Network, c.GeoIP, kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { followDevice(t, c, kind, uint64(seed)) })
			})
		}
	}
}

// followDevice leads a browser with a device key about, and the replay with it.
func followDevice(t *testing.T, c replay.Candidate, kind devicekey.Kind, seed uint64) {
	stage := loginstagetest.New(t, loginstage.Config{
		NetworkBinding: c.Policy.Network, GeoIPBinding: c.Policy.GeoIP, Tolerance: c.Policy.Tolerance, Actions: c.Policy.Actions, Unproved: c.Policy.Unproved,
		SessionDuration: duration.MustParse("days=10"), DeviceKey: loginstage.DeviceKeyOffer,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, stage.Confirm(w, r, loginstage.User{ID: "ada"}))
	})
	mux.Handle("/mooring/", stage.DeviceKeys())
	mux.Handle("/", stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	browser := loginstagetest.NewBrowser(t, mux)
	browser.DeviceKey, browser.FollowRedirects = kind, true
	signIn := func(path string) {
		browser.PostForm(path, nil)
		browser.Get("/") // the page whose script registers the key
	}

	random := rand.New(rand.NewPCG(seed, 11))
	last := bindingtest.Berlin
	signIn("/begin")
	require.Len(t, stage.Events.Of(loginstage.ActionDeviceBound), 1)
	replayed, err := replay.New(replay.Config{Candidates: []replay.Candidate{c}, Locator: bindingtest.Places(), Idle: 240 * time.Hour, Keys: 1})
	require.NoError(t, err)
	add := func(ip netip.Addr) {
		require.NoError(t, replayed.Add(t.Context(), replay.Use{Time: time.Now(), IP: ip, Session: []byte("s"), User: []byte("ada")}))
	}
	add(last)
	for range 30 {
		time.Sleep(time.Duration(random.IntN(40)) * time.Minute)
		last = everywhere[random.IntN(len(everywhere))]
		browser.MoveTo(last)
		ended, restricted := len(stage.Events.Of(loginstage.ActionLogout)), len(stage.Events.Of(loginstage.ActionStepUp))
		browser.Get("/")
		if len(stage.Events.Of(loginstage.ActionLogout)) > ended {
			signIn("/begin")
		} else if len(stage.Events.Of(loginstage.ActionStepUp)) > restricted {
			signIn("/confirm")
		}
		add(last)
	}
	broken := 0
	for _, action := range []loginstage.Action{loginstage.ActionLogout, loginstage.ActionStepUp} {
		for _, e := range stage.Events.Of(action) {
			if e.Context.Binding != nil {
				broken++
			}
		}
	}
	tally := replayed.Result().Tallies[0]
	assert.Equal(t, broken, tally.Endings+tally.Confirmations)
	assert.Len(t, stage.Events.Of(loginstage.ActionProved), tally.Proofs)
	assert.Empty(t, stage.Events.Of(loginstage.ActionUnproved))
	assert.Positive(t, tally.Proofs)
}

// uses are replayed, written as minute, address, session and user.
type written struct {
	minute        int
	ip            netip.Addr
	session, user string
}

func replayAll(t *testing.T, uses []written, cs ...replay.Candidate) *replay.Result {
	t.Helper()
	r, err := replay.New(replay.Config{Candidates: cs, Locator: bindingtest.Places(), Idle: time.Hour})
	require.NoError(t, err)
	for _, u := range uses {
		require.NoError(t, r.Add(t.Context(), replay.Use{
			Time: start.Add(time.Duration(u.minute) * time.Minute), IP: u.ip, Session: []byte(u.session), User: []byte(u.user),
		}))
	}
	return r.Result()
}

func TestWhatIsCounted(t *testing.T) {
	country := replay.Named("country", binding.Policy{GeoIP: binding.GeoIPCountry})
	ask := replay.Named("ask", binding.Policy{GeoIP: binding.GeoIPCountry, Actions: binding.Always(binding.StepUp)})
	tell := replay.Named("tell", binding.Policy{GeoIP: binding.GeoIPCountry, Actions: binding.Always(binding.Report)})
	allow := replay.Named("allow", binding.Policy{GeoIP: binding.GeoIPCountry, Actions: binding.Always(binding.Allow)})
	result := replayAll(t, []written{
		{0, bindingtest.Berlin, "a", "ada"}, {1, bindingtest.Paris, "a", "ada"}, {2, bindingtest.Paris, "a", "ada"}, {3, bindingtest.London, "a", "ada"},
		{4, bindingtest.Berlin, "b", "ada"}, {5, bindingtest.Munich, "b", "ada"},
		{6, bindingtest.Berlin, "c", "bob"}, {7, bindingtest.Paris, "c", "bob"},
		{8, bindingtest.Berlin, "d", ""}, {9, bindingtest.Berlin, "e", "eve"},
	}, country, ask, tell, allow)
	assert.Equal(t, 5, result.Sessions)
	assert.Equal(t, 3, result.Users, "of whom is known who they are")
	assert.Equal(t, 4, result.Moves)
	assert.Equal(t, start, result.From)
	assert.Equal(t, start.Add(9*time.Minute), result.To)

	ended := result.Tallies[0]
	assert.Equal(t, 2, ended.SessionsEnded)
	assert.Equal(t, 2, ended.UsersEnded)
	assert.Equal(t, 3, ended.Endings, "signed in again in Paris, and ended in London")
	assert.Equal(t, []replay.Count[binding.Reason]{{Of: binding.GeoIPCountryChanged, Times: 3}}, ended.Reasons)
	assert.Equal(t, []replay.Count[replay.Network]{{Of: replay.Network{Number: 64500, Organization: "Seine Net"}, Times: 2}, {Of: replay.Network{Number: 64501, Organization: "Thames Net"}, Times: 1}}, ended.Networks)
	assert.Equal(t, []replay.Count[replay.CountryMove]{{Of: replay.CountryMove{From: "DE", To: "FR"}, Times: 2}, {Of: replay.CountryMove{From: "FR", To: "GB"}, Times: 1}}, ended.Countries)

	asked := result.Tallies[1]
	assert.Equal(t, []int{0, 0, 0, 2, 3}, []int{asked.SessionsEnded, asked.UsersEnded, asked.Endings, asked.SessionsAsked, asked.Confirmations})
	told := result.Tallies[2]
	assert.Equal(t, []int{0, 2, 3}, []int{told.SessionsEnded, told.SessionsTold, told.Reports}, "the anchor stays in Berlin")
	assert.Empty(t, told.Reasons)
	assert.Equal(t, replay.Tally{Candidate: allow, Reasons: []replay.Count[binding.Reason]{}, Networks: []replay.Count[replay.Network]{}, Countries: []replay.Count[replay.CountryMove]{}}, result.Tallies[3])
}

// A device with a key proves a move once, and its user notices nothing.
func TestProofsAreCountedApart(t *testing.T) {
	uses := []written{
		{0, bindingtest.Berlin, "a", "ada"}, {1, bindingtest.Munich, "a", "ada"}, {2, bindingtest.Berlin, "a", "ada"}, {3, bindingtest.Munich, "a", "ada"},
		{4, bindingtest.Paris, "a", "ada"},
	}
	for keys, want := range map[float64][]int{0: {1, 0, 0, 0}, 1: {0, 0, 1, 2}} {
		r, err := replay.New(replay.Config{Candidates: replay.Presets()[3:], Locator: bindingtest.Places(), Idle: time.Hour, Keys: keys})
		require.NoError(t, err)
		for _, u := range uses {
			require.NoError(t, r.Add(t.Context(), replay.Use{Time: start.Add(time.Duration(u.minute) * time.Minute), IP: u.ip, Session: []byte(u.session), User: []byte(u.user)}))
		}
		proven := r.Result().Tallies[0]
		assert.Equal(t, "proven", proven.Name)
		assert.Equal(t, want, []int{proven.Endings, proven.UsersEnded - proven.SessionsEnded, proven.SessionsProved, proven.Proofs}, "keys: %v", keys)
	}
}

// The share of sessions with a key is what it is said to be, and a session that has
// one has one where more do.
func TestTheShareOfSessionsWithKeys(t *testing.T) {
	run := func(keys float64) (proved int) {
		r, err := replay.New(replay.Config{Candidates: replay.Presets()[3:], Locator: bindingtest.Places(), Idle: time.Hour, Keys: keys})
		require.NoError(t, err)
		for i := range 2000 {
			for minute, ip := range []netip.Addr{bindingtest.Berlin, bindingtest.Paris} {
				require.NoError(t, r.Add(t.Context(), replay.Use{Time: start.Add(time.Duration(minute) * time.Minute), IP: ip, Session: fmt.Appendf(nil, "session %d", i)}))
			}
		}
		tally := r.Result().Tallies[0]
		assert.Equal(t, 2000, tally.SessionsProved+tally.SessionsEnded)
		return tally.SessionsProved
	}
	assert.Zero(t, run(0))
	assert.InDelta(t, 1400, run(0.7), 100)
	assert.Equal(t, run(0.7), run(0.7))
	assert.Equal(t, 2000, run(1))
}

func TestASessionThatWasNotUsedForLongIsOver(t *testing.T) {
	country := replay.Named("country", binding.Policy{GeoIP: binding.GeoIPCountry})
	within := replayAll(t, []written{{0, bindingtest.Berlin, "a", "ada"}, {60, bindingtest.Paris, "a", "ada"}}, country)
	assert.Equal(t, 1, within.Sessions)
	assert.Equal(t, 1, within.Tallies[0].Endings)
	after := replayAll(t, []written{{0, bindingtest.Berlin, "a", "ada"}, {61, bindingtest.Paris, "a", "ada"}}, country)
	assert.Equal(t, 2, after.Sessions)
	assert.Zero(t, after.Tallies[0].Endings)
	used := replayAll(t, []written{
		{0, bindingtest.Berlin, "a", "ada"}, {1, bindingtest.Berlin, "b", "bob"}, {40, bindingtest.Berlin, "a", "ada"}, {80, bindingtest.Paris, "a", "ada"}, {81, bindingtest.Paris, "b", "bob"},
	}, country)
	assert.Equal(t, 3, used.Sessions, "b's is over, a's is not")
	assert.Equal(t, 1, used.Tallies[0].Endings)
	disorder := replayAll(t, []written{{59, bindingtest.Berlin, "b", "bob"}, {0, bindingtest.Berlin, "a", "ada"}, {61, bindingtest.Paris, "a", "ada"}}, country)
	assert.Equal(t, 3, disorder.Sessions, "even if times are not in order")
	assert.Zero(t, disorder.Tallies[0].Endings)
}

func TestSessionsWorthLookingAt(t *testing.T) {
	country := replay.Named("country", binding.Policy{GeoIP: binding.GeoIPCountry})
	result := replayAll(t, []written{
		{0, bindingtest.Berlin, "secret", "ada"}, {1, bindingtest.Tokyo, "secret", "ada"}, {2, bindingtest.Berlin, "secret", "ada"},
		{3, bindingtest.Berlin, "flight", "bob"}, {59, bindingtest.Munich, "flight", "bob"}, // 500 km in an hour
		{60, bindingtest.NewYork, "once", "eve"}, {61, bindingtest.Paris, "once", "eve"},
	}, country, replay.Named("nothing", binding.Policy{}))
	require.Len(t, result.Suspects, 2)
	ada, eve := result.Suspects[0], result.Suspects[1]
	assert.Equal(t, "ada", ada.User)
	assert.Equal(t, 2, ada.Times)
	assert.Equal(t, "eve", eve.User)
	assert.Equal(t, time.Minute, eve.After)
	assert.Equal(t, start.Add(61*time.Minute), eve.Time)
	assert.InDelta(t, 5837, eve.Km, 20)
	assert.Equal(t, "New York", eve.From.City)
	assert.Equal(t, "FR", eve.To.Country)
	assert.Equal(t, []string{"country"}, eve.By)
	assert.NotContains(t, ada.Session, "secret")
	assert.Len(t, ada.Session, 12)

	var many []written
	for i := range 100 {
		many = append(many, written{0, bindingtest.Berlin, string(rune('A' + i)), "u"}, written{1, bindingtest.Tokyo, string(rune('A' + i)), "u"})
	}
	slices.SortStableFunc(many, func(a, b written) int { return a.minute - b.minute })
	assert.Len(t, replayAll(t, many, country).Suspects, 20)
}

func TestTheGrid(t *testing.T) {
	grid := replay.Grid()
	assert.Len(t, grid, 4*15)
	for _, c := range grid {
		assert.True(t, c.Policy.Binds())
		assert.Equal(t, binding.Actions{}, c.Policy.Actions)
	}
}

func TestTheGridOfProofs(t *testing.T) {
	proving := replay.Proving()
	assert.Len(t, proving, 15)
	for _, c := range proving {
		require.NoError(t, c.Policy.Validate())
		assert.Equal(t, binding.Always(binding.Prove), c.Policy.Actions)
	}
	assert.Contains(t, replay.Presets(), replay.Named("proven", binding.Proven()))
}

func TestMistakes(t *testing.T) {
	_, err := replay.New(replay.Config{Candidates: make([]replay.Candidate, 129)})
	assert.ErrorContains(t, err, "129 policies: want up to 128")
	for _, keys := range []float64{-0.1, 1.1, math.NaN()} {
		_, err = replay.New(replay.Config{Keys: keys})
		assert.ErrorContains(t, err, "want 0 to 1")
	}
	_, err = replay.New(replay.Config{Candidates: []replay.Candidate{{Policy: binding.Policy{Network: 9}}}})
	assert.ErrorContains(t, err, "network binding")
	r, err := replay.New(replay.Config{Locator: bindingtest.Failing{}})
	require.NoError(t, err)
	assert.ErrorIs(t, r.Add(context.Background(), replay.Use{Time: start, IP: bindingtest.Berlin, Session: []byte("a")}), bindingtest.ErrUnavailable)
}
