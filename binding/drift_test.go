package binding_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signIn is when the sessions of these tests were made.
var signIn = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func TestFollow(t *testing.T) {
	var (
		v4       = in("1.1.1.1", 64500, "1.1.0.0/16", "DE")
		v4Next   = in("1.1.1.2", 64500, "1.1.0.0/16", "DE")
		v4Third  = in("1.1.1.3", 64500, "1.1.0.0/16", "DE")
		v4Other  = in("2.2.2.2", 64500, "2.2.0.0/16", "DE")
		v6       = in("2a00:1::1", 64500, "2a00:1::/32", "DE")
		v6Next   = in("2a00:1::2", 64500, "2a00:1::/32", "DE")
		v6Beside = in("2a00:1::ff", 64500, "2a00:1::/32", "DE")
		v6Moved  = in("2a00:1::1", 64501, "2a00:1::/32", "FR") // by later data
		v6Other  = in("2a00:2::1", 64500, "2a00:2::/32", "DE")
		abroad   = in("2a00:1::1", 64500, "2a00:1::/32", "FR")
		// Of a locator that knows one prefix for both families.
		everywhere = netip.MustParsePrefix("::/0")

		bare  = binding.Location{IP: address("1.1.1.9"), ASN: &binding.ASN{Number: 64500, Network: everywhere}}
		bare6 = binding.Location{IP: address("2a00:9::9"), ASN: &binding.ASN{Number: 64500, Network: everywhere}}
	)
	var (
		families = binding.Policy{
			Network: binding.NetworkASNNetwork, GeoIP: binding.GeoIPCountry,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		}
		prefixes = binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: binding.Tolerance{Families: binding.FamiliesLearn}}
		twice    = binding.Policy{
			Network:   binding.NetworkASNNetworkIP,
			Tolerance: binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 24, IPv6: 120}, Families: binding.FamiliesLearn, MaxMoves: 2},
		}
	)
	moves := func(minutes ...int) []time.Time {
		var times []time.Time
		for _, m := range minutes {
			times = append(times, signIn.Add(time.Duration(m)*time.Minute))
		}
		return times
	}
	for _, test := range []struct {
		name    string
		policy  binding.Policy
		anchor  binding.Location
		drift   binding.Drift
		to      binding.Location
		minute  int
		want    binding.Reason
		from    binding.Location // what to was compared with
		learned bool
		moved   bool
	}{
		{"the same family", families, v4, binding.Drift{}, v4Next, 0, "", v4, false, false},
		{"the first of the other family is learned", families, v4, binding.Drift{}, v6, 0, "", v4, true, false},
		{"and compared with from then on", families, v4, binding.Drift{Second: v6}, v6Next, 0, "", v6, false, false},
		{"and not replaced", families, v4, binding.Drift{Second: v6}, v6Other, 0, binding.NetworkPrefixChanged, v6, false, false},
		{"nor the other way round", families, v6, binding.Drift{Second: v4}, v4Other, 0, binding.NetworkPrefixChanged, v4, false, false},
		{"the first stays bound", families, v4, binding.Drift{Second: v6}, v4Other, 0, binding.NetworkPrefixChanged, v4, false, false},
		{"by later data the second anchor is another network", families, v4, binding.Drift{Second: v6Moved}, v6Moved, 0, "", v6Moved, false, false},
		{"and what is not there is elsewhere", families, v4, binding.Drift{Second: v6Moved}, v6Other, 0, binding.NetworkASNChanged, v6Moved, false, false},
		{"nothing is learned abroad", families, v4, binding.Drift{}, abroad, 0, binding.GeoIPCountryChanged, v4, false, false},
		{"a second anchor is not one for the first family", prefixes, v4, binding.Drift{Second: bare6}, bare, 0, binding.NetworkPrefixChanged, v4, false, false},
		{"a second anchor is not held against what is as at the first", prefixes, bare, binding.Drift{Second: v6}, bare6, 0, "", bare, false, false},

		{"the first move", twice, v4, binding.Drift{}, v4Next, 0, "", v4, false, true},
		{"the second move", twice, v4, binding.Drift{Moves: moves(0)}, v4Third, 59, "", v4, false, true},
		{"the third move", twice, v4, binding.Drift{Moves: moves(0, 1)}, v4Next, 60, binding.NetworkIPChanged, v4, false, false},
		{"after an hour", twice, v4, binding.Drift{Moves: moves(0, 1)}, v4Next, 61, "", v4, false, true},
		{"in the second of an earlier one", twice, v4, binding.Drift{Moves: moves(0, 1)}, v4Next, 1, "", v4, false, false},
		{"back to the anchor is no move", twice, v4, binding.Drift{Moves: moves(0, 1)}, v4, 2, "", v4, false, false},
		{"the other family is a move", twice, v4, binding.Drift{Moves: moves(0)}, v6, 2, "", v4, true, true},
		{"one too many, nothing is learned", twice, v4, binding.Drift{Moves: moves(0, 1)}, v6, 2, binding.NetworkPrefixChanged, v4, false, false},
		{"at the second anchor it is no move either", twice, v4, binding.Drift{Second: v6, Moves: moves(0, 1)}, v6, 2, "", v6, false, false},
		{"one too many, beside the second anchor", twice, v4, binding.Drift{Second: v6, Moves: moves(0, 1)}, v6Beside, 2, binding.NetworkPrefixChanged, v4, false, false},
		{"beside the second anchor it is a move", twice, v4, binding.Drift{Second: v6, Moves: moves(0)}, v6Beside, 2, "", v6, false, true},
		{"a move to where it is broken is none", twice, v4, binding.Drift{}, v4Other, 0, binding.NetworkPrefixChanged, v4, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := signIn.Add(time.Duration(test.minute) * time.Minute)
			step := test.policy.Follow(test.anchor, test.drift, test.to, at.Add(999*time.Millisecond))
			assert.Equal(t, test.want, step.Reason)
			assert.Equal(t, test.want, step.Explain().Decisive)
			assert.Equal(t, test.from, step.From)
			assert.Equal(t, test.to, step.To)
			var adds binding.Drift
			if test.learned {
				adds.Second = test.to
			}
			if test.moved {
				adds.Moves = []time.Time{at}
			}
			assert.Equal(t, adds, step.Adds)
		})
	}
}

func TestADriftGrowsApartFromWhatItGrewOf(t *testing.T) {
	moved := func(at time.Time) binding.Drift { return binding.Drift{Moves: []time.Time{at}} }
	first := moved(signIn)
	second := first.Add(moved(signIn.Add(time.Second)))
	third := first.Add(moved(signIn.Add(-time.Second)))
	assert.Equal(t, []time.Time{signIn}, first.Moves)
	assert.Equal(t, []time.Time{signIn, signIn.Add(time.Second)}, second.Moves)
	assert.Equal(t, []time.Time{signIn.Add(-time.Second), signIn}, third.Moves, "in order")
	assert.Equal(t, second, second.Add(moved(signIn)), "once")
	assert.Equal(t, second, second.Add(binding.Drift{}), "nothing")
	for i := range 100 {
		first = first.Add(moved(signIn.Add(time.Duration(i) * time.Second)))
	}
	assert.Len(t, first.Moves, 64)
	assert.Equal(t, signIn.Add(99*time.Second), first.Moves[63])

	learned := binding.Drift{}.Add(binding.Drift{Second: home()})
	assert.Equal(t, home(), learned.Second)
	other := binding.Drift{Second: in("2.2.2.2", 64500, "2.2.0.0/16", "DE")}
	assert.Equal(t, home(), learned.Add(other).Second, "what was learned is not replaced")
}

// drawnWalk is a session that moves from place to place, as bytes say.
type drawnWalk struct {
	policy binding.Policy
	anchor binding.Location
	drift  binding.Drift
	now    time.Time
}

// fuzzWalks fuzzes what holds for every policy at every step of a session.
func fuzzWalks(f *testing.F, property func(t *testing.T, walk drawnWalk, step binding.Step)) {
	f.Add(uint64(3), uint64(0), uint16(0), []byte{1, 2, 3, 1, 2, 3})
	f.Add(uint64(0x1234567), uint64(77), uint16(2), []byte("to and fro and to and fro"))
	f.Add(uint64(0xfedcba987), uint64(501), uint16(1), []byte{7, 8, 7, 8, 7, 8, 7, 8, 200, 201, 202})
	seeds := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		steps := make([]byte, 30)
		for i := range steps {
			steps[i] = byte(seeds.Uint32())
		}
		f.Add(seeds.Uint64(), seeds.Uint64(), uint16(seeds.IntN(4)), steps)
	}
	f.Fuzz(func(t *testing.T, policy, anchor uint64, maxMoves uint16, steps []byte) {
		walk := drawnWalk{policy: drawPolicy(t, policy), anchor: drawLocation(anchor), now: signIn}
		walk.policy.MaxMoves = maxMoves % 65
		for i := range min(len(steps), 200) {
			walk.now = walk.now.Add(time.Duration(steps[i]%7) * 5 * time.Minute)
			// Near the anchor, so that much holds, and now and then anywhere.
			place := anchor + uint64(steps[i]%12)
			if steps[i] >= 240 {
				place = uint64(steps[i]) * 2_654_435_761
			}
			step := walk.policy.Follow(walk.anchor, walk.drift, drawLocation(place), walk.now)
			property(t, walk, step)
			walk.drift = walk.drift.Add(step.Adds)
		}
	})
}

func FuzzFollowNeverReplacesAnAnchor(f *testing.F) {
	fuzzWalks(f, func(t *testing.T, walk drawnWalk, step binding.Step) {
		after := walk.drift.Add(step.Adds)
		if walk.drift.Second.IP.IsValid() {
			assert.Zero(t, step.Adds.Second)
			assert.Equal(t, walk.drift.Second, after.Second)
		}
		if step.Adds.Second.IP.IsValid() {
			assert.Empty(t, step.Reason, "nothing is learned from where something is broken")
			assert.NotEqual(t, walk.anchor.IP.Unmap().Is4(), after.Second.IP.Unmap().Is4())
		}
	})
}

func FuzzFollowBoundsTheMovesOfAnHour(f *testing.F) {
	fuzzWalks(f, func(t *testing.T, walk drawnWalk, step binding.Step) {
		if walk.policy.MaxMoves == 0 || step.Reason != "" {
			assert.Empty(t, step.Adds.Moves)
			return
		}
		tolerated := walk.policy.WithoutTolerance().Check(step.From, step.To) != nil
		within := 0
		for _, move := range walk.drift.Add(step.Adds).Moves {
			if !move.Before(walk.now.Add(-time.Hour)) {
				within++
			}
		}
		if tolerated {
			assert.Contains(t, walk.drift.Add(step.Adds).Moves, walk.now, "no tolerated move goes uncounted")
		}
		assert.LessOrEqual(t, within, int(walk.policy.MaxMoves))
	})
}

// However a session came to where it is, it is only where its anchor lets it be:
// nobody walks away from that step by step.
func FuzzFollowLeadsNowhereThatTheAnchorForbids(f *testing.F) {
	fuzzWalks(f, func(t *testing.T, walk drawnWalk, step binding.Step) {
		if step.Reason == "" {
			assert.Nil(t, walk.policy.Check(walk.anchor, step.To))
			return
		}
		assert.Zero(t, step.Adds, "what is broken leaves nothing behind")
	})
}

func FuzzFollowStricterNeverForgives(f *testing.F) {
	fuzzWalks(f, func(t *testing.T, walk drawnWalk, step binding.Step) {
		if step.Reason == "" {
			return
		}
		for _, q := range stricter(walk.policy) {
			require.NotEmpty(t, q.Follow(walk.anchor, walk.drift, step.To, walk.now).Reason, "%+v", q)
		}
	})
}

func FuzzFollowOnlyForgives(f *testing.F) {
	fuzzWalks(f, func(t *testing.T, walk drawnWalk, step binding.Step) {
		strict := walk.policy.WithoutTolerance().Follow(walk.anchor, walk.drift, step.To, walk.now)
		if strict.Reason == "" {
			assert.Empty(t, step.Reason)
			assert.Empty(t, step.Adds.Moves)
		}
		assert.Equal(t, reason(walk.policy.WithoutTolerance().Check(walk.anchor, step.To)), strict.Reason, "without tolerance only the anchor counts")
		assert.Equal(t, step.Reason, reason(step.Policy.Check(step.From, step.To)))
	})
}

func TestFollowingAllocatesNothingWhereItHolds(t *testing.T) {
	anchor := in("1.1.1.1", 64500, "1.1.0.0/16", "DE")
	drift := binding.Drift{Second: in("2a00:1::1", 64500, "2a00:1::/32", "DE"), Moves: []time.Time{signIn}}
	for name, policy := range map[string]binding.Policy{
		"strict":   {Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry},
		"tolerant": {Network: binding.NetworkASNNetwork, Tolerance: binding.Tolerance{Families: binding.FamiliesLearn, MaxMoves: 9}},
	} {
		to := in("2a00:1::2", 64500, "2a00:1::/32", "DE")
		require.Empty(t, policy.Follow(anchor, drift, to, signIn).Reason)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if policy.Follow(anchor, drift, to, signIn).Reason != "" {
				to.IP = netip.Addr{}
			}
		}), name)
	}
}
