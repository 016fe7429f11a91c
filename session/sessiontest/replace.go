package sessiontest

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// ends says which sessions are to end for which cause.
type ends = map[session.Cause][]session.Session

var replaceRules = []rule[*storeFixture]{
	{"no Replace ends nothing",
		"The zero Replace takes the place of no session, however many the user has.",
		func(f *storeFixture) {
			a, b, waiting := f.session("ada"), f.session("ada"), f.pending("ada")
			f.started(a, b, waiting)
			f.replaces(f.session("ada"), session.Replace{}, nil, a, b, waiting)
		}},
	{"From a live session ends it as replaced",
		"Signing in again in the same browser leaves one session, not two: From ends with CauseReplaced, and nothing else does.",
		func(f *storeFixture) {
			from, other := f.session("ada"), f.session("ada")
			f.started(from, other)
			f.replaces(f.session("ada"), session.Replace{From: from.ID}, ends{session.CauseReplaced: {from}}, other)
		}},
	{"From a pending session ends it as answered",
		"A pending session ends with CauseAnswered, with FromPending and without.",
		func(f *storeFixture) {
			for _, must := range []bool{true, false} {
				from, other := f.pending("ada"), f.pending("ada")
				f.started(from, other)
				f.replaces(f.session("ada"), session.Replace{From: from.ID, FromPending: must},
					ends{session.CauseAnswered: {from}}, other)
			}
		}},
	{"From a session of another user ends it",
		"Another user can sign in, in the same browser. The session before it ends, whoever's it was; others of that user do not.",
		func(f *storeFixture) {
			// Users enough that a store that places sessions by user meets both orders.
			for _, user := range []string{"bob", "carol", "dave", "erin"} {
				from, other := f.session("ada"), f.session("ada")
				f.started(from, other)
				f.replaces(f.session(user), session.Replace{From: from.ID, Others: true, Max: 1},
					ends{session.CauseReplaced: {from}}, other)
			}
		}},
	{"From a session that ended or never was ends nothing",
		"From is ended if it is live. Otherwise the first ending stays, and the new session is started all the same.",
		func(f *storeFixture) {
			ended := f.ended(f.session("ada"))
			f.replaces(f.session("ada"), session.Replace{From: ended.ID}, nil)
			f.isEnded(ended, f.ending(session.CauseSignedOut))
			f.replaces(f.session("ada"), session.Replace{From: session.NewToken("ada").ID()}, nil)
			f.replaces(f.session("ada"), session.Replace{From: session.NewToken("bob").ID()}, nil)
		}},
	{"FromPending wants a session that is live and pending",
		"Unless From is live and pending Start fails: *EndedError if it has ended, ErrNotFound otherwise. So an answer counts once.",
		func(f *storeFixture) {
			signedIn := f.started(f.session("ada"))
			for name, from := range map[string]session.ID{
				"live and not pending": signedIn.ID, "unknown": session.NewToken("ada").ID(), "zero": {},
			} {
				_, err := f.Start(f.Context(), f.session("ada"), f.replacing(session.Replace{From: from, FromPending: true}))
				require.ErrorIs(f, err, session.ErrNotFound, "From is %s", name)
			}
			answered := f.ended(f.pending("ada"))
			_, err := f.Start(f.Context(), f.session("ada"), f.replacing(session.Replace{From: answered.ID, FromPending: true}))
			f.tellsEnding(err, answered, f.ending(session.CauseSignedOut))
		}},
	{"a Start that fails does nothing",
		"If Start fails it has neither made the session live nor ended anything.",
		func(f *storeFixture) {
			old, waiting := f.session("ada"), f.pending("ada")
			f.started(old, waiting)
			answered := f.ended(f.pending("ada"))
			for _, from := range []session.ID{old.ID, answered.ID, session.NewToken("ada").ID(), {}} {
				s := f.session("ada")
				_, err := f.Start(f.Context(), s, f.replacing(session.Replace{From: from, FromPending: true, Others: true, Max: 1}))
				require.Error(f, err)
				f.isGone(s)
				f.isLive(old, waiting)
			}
		}},
	{"Others ends all other sessions of the user",
		"Others ends all other live sessions of the user with CauseTerminated, in the same step.",
		func(f *storeFixture) {
			var old []session.Session
			for range 5 {
				old = append(old, f.session("ada"))
			}
			f.started(old...)
			f.ended(f.session("ada"))
			f.replaces(f.session("ada"), session.Replace{Others: true}, ends{session.CauseTerminated: old})
		}},
	{"Others spares pending sessions",
		"A pending session signs nobody in, so there is nothing to terminate.",
		func(f *storeFixture) {
			old, waiting := f.session("ada"), f.pending("ada")
			f.started(old, waiting)
			f.replaces(f.session("ada"), session.Replace{Others: true}, ends{session.CauseTerminated: {old}}, waiting)
		}},
	{"Others spares other users",
		"The sessions of other users stay, however similar their names are.",
		func(f *storeFixture) {
			old, bob, upper := f.session("ada"), f.session("bob"), f.session("Ada")
			f.started(old, bob, upper)
			f.replaces(f.session("ada"), session.Replace{Others: true}, ends{session.CauseTerminated: {old}}, bob, upper)
		}},
	{"From and Others end each session once",
		"From ends as replaced, or as answered, and the others as terminated: one ending each, and each returned once.",
		func(f *storeFixture) {
			from, old := f.session("ada"), f.session("ada")
			f.started(from, old)
			now := f.session("ada")
			f.replaces(now, session.Replace{From: from.ID, Others: true, Max: 1},
				ends{session.CauseReplaced: {from}, session.CauseTerminated: {old}})
			waiting := f.started(f.pending("ada"))
			f.replaces(f.session("ada"), session.Replace{From: waiting.ID, FromPending: true, Others: true, Max: 1},
				ends{session.CauseAnswered: {waiting}, session.CauseTerminated: {now}})
		}},
	{"Max ends the oldest sign-ins",
		"With the new session, which counts, no more than Max are live. The oldest by Created end, in whatever order they were started, however lately used.",
		func(f *storeFixture) {
			third, first, second := f.signedIn("ada", f.now.Add(-3)), f.signedIn("ada", f.now.Add(-5)), f.signedIn("ada", f.now.Add(-4))
			f.started(third, first, second)
			first.LastSeen = f.now
			require.NoError(f, f.Touch(f.Context(), first.ID, session.Seen{Time: first.LastSeen, IP: first.IP}))
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 2},
				ends{session.CauseMaxSessions: {first, second}}, third)
		}},
	{"Max 1 leaves the new session alone",
		"Max counts the new session.",
		func(f *storeFixture) {
			a, b := f.session("ada"), f.session("ada")
			f.started(a, b)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 1}, ends{session.CauseMaxSessions: {a, b}})
		}},
	{"Max that is not reached ends nothing",
		"As many sessions as Max may be live, the new one counted. 0 is no maximum.",
		func(f *storeFixture) {
			a, b := f.session("ada"), f.session("ada")
			f.started(a, b)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 3}, nil, a, b)
			f.replaces(f.signedIn("ada", f.now.Add(1)), session.Replace{}, nil, a, b)
		}},
	{"Max does not count pending sessions",
		"Pending sessions do not count and are not ended.",
		func(f *storeFixture) {
			waiting, old := f.pending("ada"), f.session("ada")
			f.started(waiting, old)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 2}, nil, waiting, old)
			next := f.signedIn("ada", f.now.Add(1))
			f.replaces(next, session.Replace{Max: 2}, ends{session.CauseMaxSessions: {old}}, waiting)
		}},
	{"Max does not count other users",
		"The sessions of other users do not count and are not ended.",
		func(f *storeFixture) {
			bob, upper := f.session("bob"), f.session("Ada")
			f.started(bob, upper)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 1}, nil, bob, upper)
		}},
	{"Max does not count the session that is replaced",
		"From has ended when Max is applied, so it leaves room for the new session.",
		func(f *storeFixture) {
			from, old := f.session("ada"), f.session("ada")
			f.started(from, old)
			f.replaces(f.signedIn("ada", f.now), session.Replace{From: from.ID, Max: 2}, ends{session.CauseReplaced: {from}}, old)
		}},
	{"Max does not count overdue sessions",
		"Sessions whose Deadline, absolute or idle, is at or before the new one's Created do not count and are not ended: nobody can use them. Those whose Deadline is a nanosecond later do count.",
		func(f *storeFixture) {
			at := f.now.Add(40 * time.Minute) // before the endings are forgotten
			expired, idle, counts := f.session("ada"), f.session("ada"), f.signedIn("ada", f.now.Add(-time.Hour))
			expired.Expires = at
			idle.Idle = at.Sub(idle.LastSeen)
			counts.Idle = at.Add(1).Sub(counts.LastSeen)
			f.started(expired, idle, counts)
			// A store may have forgotten the overdue ones by itself, so that they are live is not asked for.
			f.replaces(f.signedIn("ada", at), session.Replace{Max: 2}, nil, counts)
			for _, s := range []session.Session{expired, idle} {
				if _, err := f.Get(f.Context(), s.ID); err != nil {
					require.ErrorIs(f, err, session.ErrNotFound, "it was not to be ended")
				}
			}
			fresh := f.session("bob")
			fresh.Expires = at.Add(1)
			f.started(fresh)
			s := f.signedIn("bob", at)
			f.replaces(s, session.Replace{Max: 1}, ends{session.CauseMaxSessions: {fresh}})
		}},
	{"the ending that Replace gives is recorded",
		"Sessions that a Start ends have the ending of the Replace, with every field but the cause as it was given.",
		func(f *storeFixture) {
			from, old := f.session("ada"), f.session("ada")
			f.started(from, old)
			replace := session.Replace{From: from.ID, Others: true, Ending: f.fullEnding()}
			_, err := f.Start(f.Context(), f.session("ada"), replace)
			require.NoError(f, err)
			f.isEnded(from, replace.Because(session.CauseReplaced))
			f.isEnded(old, replace.Because(session.CauseTerminated))
		}},
}

// fullEnding is an ending with something in every field. Its Detail is JSON
// that another encoder would write in another way.
func (f *storeFixture) fullEnding() session.Ending {
	full := f.full()
	return session.Ending{
		Cause: session.CauseBroken, Time: f.now.Add(1), Actor: full.Name, Reason: binding.GeoIPCountryChanged, Client: full.IP,
		Detail: json.RawMessage("{ \"b\" : 1.0, \"a\":\"<&>\\u0041 ü\",\n\t\"b\": 1e400}"),
		Keep:   f.now.Add(time.Hour + 1), Journal: true,
	}
}
