package sessiontest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// updated makes the change in the store, and in s as the contract says.
func (f *storeFixture) updated(s *session.Session, change session.Update) {
	f.Helper()
	change.Version = s.Version
	require.NoError(f, s.Update(change))
	got, err := f.Update(f.Context(), s.ID, change)
	require.NoError(f, err)
	require.Equal(f, *s, got, "what Update returned")
	f.isLive(*s)
}

var updateRules = []rule[*storeFixture]{
	{"Update changes what the host keeps",
		"Value, Device, Required and Version are as Session.Update makes them. Nothing else changes, in no other session.",
		func(f *storeFixture) {
			s, other := f.full(), f.session("ada")
			f.started(s, other)
			f.updated(&s, session.Update{Value: []byte(`{"tenant": "a", "odd": "<\u0041> ü 🐈"}`), Require: []string{"terms", "enrol"}})
			f.updated(&s, session.Update{})
			f.updated(&s, session.Update{Complete: []string{"terms", "nothing"}})
			f.updated(&s, session.Update{Value: []byte(` null `), Complete: s.Required})
			require.Nil(f, s.Required)
			f.updated(&s, session.Update{Device: "Ada's 猫"})
			f.touch(&s, session.Seen{Time: f.now, IP: s.IP})
			f.updated(&s, session.Update{Require: []string{"terms"}})
			f.isLive(s)
			f.isLive(other)
		}},
	{"a Value is kept to the byte, up to its limit",
		"A Value has up to MaxValue bytes. The store keeps all of them, and shares none with the caller.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.updated(&s, session.Update{Value: []byte(`"` + strings.Repeat("x", session.MaxValue-2) + `"`)})
			mine := []byte(`"mine"`)
			required := []string{"mine"}
			f.updated(&s, session.Update{Value: mine, Require: required})
			copy(mine, `"oops"`)
			required[0] = "oops"
			f.isLive(s)
		}},
	{"what a caller does to its slices changes no session",
		"A session that was started shares no Value, no Required and no AMR with the caller.",
		func(f *storeFixture) {
			s := f.session("ada")
			s.Value, s.Required, s.AMR = []byte(`1`), []string{"a"}, []string{"pwd"}
			given := s
			given.Value, given.Required, given.AMR = []byte(`1`), []string{"a"}, []string{"pwd"}
			f.started(given)
			given.Value[0], given.Required[0], given.AMR[0] = '2', "b", "otp"
			f.isLive(s)
		}},
	{"of two changes that go by one Version one is made",
		"A change that goes by another Version than the session has is ErrConflict, comes with the session as it is, and changes nothing: so no change is lost.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.updated(&s, session.Update{Value: []byte(`1`)})
			for _, version := range []uint64{0, 2, 1 << 63} {
				got, err := f.Update(f.Context(), s.ID, session.Update{Version: version, Value: []byte(`2`)})
				require.ErrorIs(f, err, session.ErrConflict)
				require.Equal(f, s, got, "what came with the conflict")
				f.isLive(s)
			}
		}},
	{"Update refuses what no session holds",
		"A Value that is too long or no JSON, and names that are too many, are ErrInvalid, and change nothing.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			var many []string
			for i := range session.MaxRequired + 1 {
				many = append(many, fmt.Sprint(i))
			}
			for _, change := range []session.Update{
				{Value: []byte(`"` + strings.Repeat("x", session.MaxValue) + `"`)}, {Value: []byte(`{`)}, {Value: []byte{}},
				{Device: "a\nb"}, {Device: strings.Repeat("x", session.MaxText+1)}, {Require: many}, {Require: []string{""}}, {Require: []string{"a\nb"}}, {Require: []string{strings.Repeat("x", session.MaxText+1)}},
			} {
				_, err := f.Update(f.Context(), s.ID, change)
				require.ErrorIs(f, err, session.ErrInvalid)
			}
			f.isLive(s)
		}},
	{"Update does not revive an ended session",
		"Update acts on live sessions alone. An ended one is *EndedError with its ending, and stays as it is; one that never was is ErrNotFound.",
		func(f *storeFixture) {
			s := f.ended(f.session("ada"))
			_, err := f.Update(f.Context(), s.ID, session.Update{Value: []byte(`1`)})
			f.tellsEnding(err, s, f.ending(session.CauseSignedOut))
			f.isEnded(s, f.ending(session.CauseSignedOut))
			f.list("ada")
			for _, id := range []session.ID{{}, session.NewToken("ada").ID()} {
				_, err = f.Update(f.Context(), id, session.Update{})
				require.ErrorIs(f, err, session.ErrNotFound)
			}
		}},
	{"a session that ends has its last Value",
		"What ended is told with all that was in it, changes among it.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			f.updated(&s, session.Update{Value: []byte(`{"a":1}`), Require: []string{"terms"}})
			got, err := f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
			require.NoError(f, err)
			require.Equal(f, s, got)
			f.isEnded(s, f.ending(session.CauseSignedOut))
		}},
	{"Renews wants the Version that was read",
		"A renewal that goes by another Version than the session has is ErrConflict and starts nothing: else it would undo the change.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			read := s.Version
			f.updated(&s, session.Update{Value: []byte(`1`)})
			renewed := f.session("ada")
			ended, err := f.Start(f.Context(), renewed, f.replacing(session.Replace{Renews: s.ID, Version: read}))
			require.ErrorIs(f, err, session.ErrConflict)
			require.Empty(f, ended)
			f.isGone(renewed)
			f.isLive(s)
			f.replaces(renewed, session.Replace{Renews: s.ID, Version: s.Version}, ends{session.CauseRenewed: {s}})
		}},
	{"Renews wants the drift that was read",
		"A Touch that adds to the drift raises the Version, so that a renewal that was made of the session before is ErrConflict: else a restriction or a device key would be lost. A Touch that adds nothing does not.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			read := s.Version
			seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Restricted: binding.NetworkASNChanged, Key: deviceKey("a")}}
			require.NoError(f, f.Touch(f.Context(), s.ID, seen))
			s.Apply(seen, f.now)
			require.NotEqual(f, read, s.Version)
			f.isLive(s)
			require.NoError(f, f.Touch(f.Context(), s.ID, seen), "nothing new")
			f.isLive(s)
			renewed := f.session("ada")
			_, err := f.Start(f.Context(), renewed, f.replacing(session.Replace{Renews: s.ID, Version: read}))
			require.ErrorIs(f, err, session.ErrConflict)
			f.isLive(s)
			renewed.Drift = s.Drift
			f.replaces(renewed, session.Replace{Renews: s.ID, Version: s.Version}, ends{session.CauseRenewed: {s}})
		}},
	{"of parallel Updates none is lost",
		"Update is one step. Callers that try again after ErrConflict, with the session that came with it, all get their change made, once.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				calls := times(racers/2, func(i int) error { return f.require(s, fmt.Sprint(i)) })
				calls = append(calls, func() error {
					return f.Touch(f.Context(), s.ID, session.Seen{Time: f.now, IP: f.full().IP, Drift: session.Drift{Reported: []string{"move"}}})
				})
				return calls, func() {
					got, err := f.Get(f.Context(), s.ID)
					require.NoError(f, err)
					require.EqualValues(f, racers/2+1, got.Version, "the touch adds to the drift")
					require.Len(f, got.Required, racers/2)
					require.Equal(f, f.now, got.LastSeen, "a touch is not lost either")
					require.Equal(f, []string{"move"}, got.Drift.Reported)
				}
			})
		}},
	{"an Update in flight revives nothing",
		"A session once ended never lives again, whatever was in flight.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				calls := times(racers/2, func(i int) error { return orEnded(f.require(s, fmt.Sprint(i))) })
				calls = append(calls, func() error {
					_, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked))
					return err
				})
				return calls, func() {
					require.False(f, f.isIn(s))
					f.list(user)
				}
			})
		}},
	{"a renewal loses no Update",
		"A change is made before the renewal, which then has it or conflicts, or meets a session that has ended. It is never made and gone.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				var mu sync.Mutex
				made := map[string]bool{}
				calls := times(racers/2, func(i int) error {
					err := f.require(s, fmt.Sprint(i))
					mu.Lock()
					defer mu.Unlock()
					made[fmt.Sprint(i)] = err == nil
					return orEnded(err)
				})
				calls = append(calls, func() error { return f.renew(s) })
				return calls, func() {
					live, err := f.List(f.Context(), user)
					require.NoError(f, err)
					require.Len(f, live, 1)
					for name, done := range made {
						if done {
							require.Contains(f, live[0].Required, name)
						} else {
							require.NotContains(f, live[0].Required, name)
						}
					}
				}
			})
		}},
	{"a renewal loses no drift",
		"What a touch adds to the drift is added before the renewal, which then has it or conflicts, or the touch meets a session that has ended. It is never added and gone: it may be a restriction, or a device key.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				var added bool
				calls := []func() error{
					func() error {
						err := f.Touch(f.Context(), s.ID, session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Key: deviceKey("a")}})
						added = err == nil
						return orEnded(err)
					},
					func() error { return f.renew(s) },
				}
				return calls, func() {
					live, err := f.List(f.Context(), user)
					require.NoError(f, err)
					require.Len(f, live, 1)
					require.Equal(f, added, !live[0].Drift.Key.IsZero())
				}
			})
		}},
}

// require adds the name to what s requires, however often others change s meanwhile.
func (f *storeFixture) require(s session.Session, name string) error {
	for {
		now, err := f.Update(f.Context(), s.ID, session.Update{Version: s.Version, Require: []string{name}})
		if !errors.Is(err, session.ErrConflict) {
			return err
		}
		s = now
	}
}

// renew has s go on as another session, with all that is in it then.
func (f *storeFixture) renew(s session.Session) error {
	for {
		now, err := f.Get(f.Context(), s.ID)
		if err != nil {
			return err
		}
		renewed := now
		renewed.ID = session.NewToken(s.User).ID()
		_, err = f.Start(f.Context(), renewed, f.replacing(session.Replace{Renews: s.ID, Version: now.Version}))
		if !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
}
