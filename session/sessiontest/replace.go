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

// These rules are those of [session.Replace], for records of one kind. Those about
// several kinds are in kind.go.
var replaceRules = []rule[*storeFixture]{
	{"no Replace ends nothing",
		"The zero Replace ends no session, however many the user has.",
		func(f *storeFixture) {
			a, b, waiting := f.session("ada"), f.session("ada"), f.pending("ada")
			f.started(a, b, waiting)
			f.replaces(f.session("ada"), session.Replace{}, nil, a, b, waiting)
		}},
	{"Before ends a live session as replaced",
		"Signing in again in the same browser leaves one session, not two: Before ends with CauseReplaced, and nothing else does.",
		func(f *storeFixture) {
			before, other := f.session("ada"), f.session("ada")
			f.started(before, other)
			f.replaces(f.session("ada"), session.Replace{Before: before.ID}, ends{session.CauseReplaced: {before}}, other)
		}},
	{"Before ends a session of another user",
		"Another user can sign in, in the same browser. The session before it ends, of either user; others of that user do not.",
		func(f *storeFixture) {
			// Users enough that a store that places sessions by user meets both orders.
			for _, user := range []string{"bob", "carol", "dave", "erin"} {
				before, other := f.session("ada"), f.session("ada")
				f.started(before, other)
				f.replaces(f.session(user), session.Replace{Before: before.ID, Others: true, Max: 1},
					ends{session.CauseReplaced: {before}}, other)
			}
		}},
	{"Before that ended or never was ends nothing",
		"Before is ended if it is live. Otherwise the first ending stays, and the new session is started all the same.",
		func(f *storeFixture) {
			ended := f.ended(f.session("ada"))
			f.replaces(f.session("ada"), session.Replace{Before: ended.ID}, nil)
			f.isEnded(ended, f.ending(session.CauseSignedOut))
			f.replaces(f.session("ada"), session.Replace{Before: session.NewToken("ada").ID()}, nil)
			f.replaces(f.session("ada"), session.Replace{Before: session.NewToken("bob").ID()}, nil)
		}},
	{"Answers ends a pending session as answered",
		"A pending session whose challenge was answered ends with CauseAnswered, and nothing else does.",
		func(f *storeFixture) {
			waiting, other, old := f.pending("ada"), f.pending("ada"), f.session("ada")
			f.started(waiting, other, old)
			f.replaces(f.session("ada"), session.Replace{Answers: waiting.ID}, ends{session.CauseAnswered: {waiting}}, other, old)
		}},
	{"Renews ends a session as renewed",
		"A session that goes on under another token ends with CauseRenewed, and nothing else does.",
		func(f *storeFixture) {
			old, other := f.session("ada"), f.session("ada")
			f.started(old, other)
			f.replaces(f.session("ada"), session.Replace{Renews: old.ID}, ends{session.CauseRenewed: {old}}, other)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Renews: other.ID, Before: other.ID},
				ends{session.CauseRenewed: {other}})
		}},
	{"Answers wants a pending session of the user",
		"Unless Answers is live, pending and of the user Start fails: *EndedError if it has ended, ErrNotFound otherwise. So an answer counts once, and for nobody else.",
		func(f *storeFixture) {
			f.wants(f.pending("ada"), func(id session.ID) session.Replace { return session.Replace{Answers: id} },
				f.session("ada"), f.device("ada"), f.pending("bob"), f.pending("Ada"))
		}},
	{"Renews wants a signed-in session of the user",
		"Unless Renews is live, signed in and of the user Start fails: *EndedError if it has ended, ErrNotFound otherwise. So what was revoked is not renewed.",
		func(f *storeFixture) {
			f.wants(f.session("ada"), func(id session.ID) session.Replace { return session.Replace{Renews: id} },
				f.pending("ada"), f.device("ada"), f.session("bob"), f.session("Ada"))
		}},
	{"a Start that fails does nothing",
		"If Start fails it has neither made the session live nor ended anything of the user.",
		func(f *storeFixture) {
			old, waiting := f.session("ada"), f.pending("ada")
			f.started(old, waiting)
			answered, revoked := f.ended(f.pending("ada")), f.ended(f.session("ada"))
			for _, replace := range []session.Replace{
				{Answers: old.ID}, {Answers: answered.ID}, {Answers: session.NewToken("ada").ID()}, {Answers: session.NewToken("bob").ID()},
				{Renews: waiting.ID}, {Renews: revoked.ID}, {Renews: session.NewToken("ada").ID()}, {Renews: session.NewToken("bob").ID()},
				{Answers: waiting.ID, Renews: revoked.ID}, {Answers: answered.ID, Renews: old.ID},
			} {
				s := f.session("ada")
				replace.Before, replace.Others, replace.Max = old.ID, true, 1
				_, err := f.Start(f.Context(), s, f.replacing(replace))
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
	{"Others spares other users",
		"The sessions of other users stay, however similar their names are.",
		func(f *storeFixture) {
			old, bob, upper := f.session("ada"), f.session("bob"), f.session("Ada")
			f.started(old, bob, upper)
			f.replaces(f.session("ada"), session.Replace{Others: true}, ends{session.CauseTerminated: {old}}, bob, upper)
		}},
	{"each session that is replaced ends once",
		"What is answered, renewed or replaced has that cause, and the others are terminated: one ending each, and each returned once.",
		func(f *storeFixture) {
			before, old := f.session("ada"), f.session("ada")
			f.started(before, old)
			now := f.session("ada")
			f.replaces(now, session.Replace{Before: before.ID, Others: true, Max: 1},
				ends{session.CauseReplaced: {before}, session.CauseTerminated: {old}})
			waiting := f.started(f.pending("ada"))
			next := f.session("ada")
			f.replaces(next, session.Replace{Answers: waiting.ID, Others: true, Max: 1},
				ends{session.CauseAnswered: {waiting}, session.CauseTerminated: {now}})
			waiting, old = f.pending("ada"), f.session("ada")
			f.started(waiting, old)
			f.replaces(f.session("ada"), session.Replace{Answers: waiting.ID, Renews: next.ID, Before: next.ID, Others: true, Max: 1},
				ends{session.CauseAnswered: {waiting}, session.CauseRenewed: {next}, session.CauseTerminated: {old}})
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
	{"Max does not count other users",
		"The sessions of other users do not count and are not ended.",
		func(f *storeFixture) {
			bob, upper := f.session("bob"), f.session("Ada")
			f.started(bob, upper)
			f.replaces(f.signedIn("ada", f.now), session.Replace{Max: 1}, nil, bob, upper)
		}},
	{"Max does not count the session that is replaced",
		"Before and Renews have ended when Max is applied, so they leave room for the new session.",
		func(f *storeFixture) {
			before, old := f.session("ada"), f.session("ada")
			f.started(before, old)
			next := f.signedIn("ada", f.now)
			f.replaces(next, session.Replace{Before: before.ID, Max: 2}, ends{session.CauseReplaced: {before}}, old)
			f.replaces(f.signedIn("ada", f.now.Add(1)), session.Replace{Renews: next.ID, Max: 2}, ends{session.CauseRenewed: {next}}, old)
		}},
	{"Max does not count overdue sessions",
		"Sessions whose Deadline, absolute or idle, is at or before the new one's Created do not count and are not ended: nobody can use them. Those whose Deadline is a nanosecond later do count.",
		func(f *storeFixture) {
			at := f.past()
			expired, idle, counts := f.expiring("ada"), f.expiring("ada"), f.expiring("ada")
			idle.Expires, idle.Idle = f.now.Add(time.Hour), at.Sub(idle.LastSeen)
			counts.Expires, counts.Idle, counts.Resume = f.now.Add(time.Hour), 1, at.Sub(counts.LastSeen)
			f.started(expired, idle, counts)
			// A store may have forgotten the overdue ones by itself, so that they are live is not asked for.
			f.replaces(f.signedIn("ada", at), session.Replace{Max: 2}, nil, counts)
			for _, s := range []session.Session{expired, idle} {
				if _, err := f.Get(f.Context(), s.ID); err != nil {
					require.ErrorIs(f, err, session.ErrNotFound, "it was not to be ended")
				}
			}
			fresh := f.expiring("bob")
			fresh.Expires = at.Add(1)
			f.started(fresh)
			s := f.signedIn("bob", at)
			f.replaces(s, session.Replace{Max: 1}, ends{session.CauseMaxSessions: {fresh}})
		}},
	{"the ending that Replace gives is recorded",
		"Sessions that a Start ends have the ending of the Replace, with every field but the cause as it was given.",
		func(f *storeFixture) {
			before, old, renewed, waiting := f.session("ada"), f.session("ada"), f.session("ada"), f.pending("ada")
			f.started(before, old, renewed, waiting)
			replace := session.Replace{
				Answers: waiting.ID, Renews: renewed.ID, Before: before.ID, Others: true, Ending: f.fullEnding(),
			}
			_, err := f.Start(f.Context(), f.session("ada"), replace)
			require.NoError(f, err)
			f.isEnded(waiting, replace.Because(session.CauseAnswered))
			f.isEnded(renewed, replace.Because(session.CauseRenewed))
			f.isEnded(before, replace.Because(session.CauseReplaced))
			f.isEnded(old, replace.Because(session.CauseTerminated))
		}},
}

// wants checks that a Start with the Replace for one of the others, or for one
// that is not live, starts and ends nothing.
func (f *storeFixture) wants(right session.Session, replace func(session.ID) session.Replace, others ...session.Session) {
	f.Helper()
	f.started(others...)
	ids := []session.ID{session.NewToken("ada").ID(), session.NewToken("bob").ID()}
	for _, other := range others {
		ids = append(ids, other.ID)
	}
	for i, id := range ids {
		s := f.session("ada")
		_, err := f.Start(f.Context(), s, f.replacing(replace(id)))
		require.ErrorIs(f, err, session.ErrNotFound, "case %d", i)
		f.isGone(s)
	}
	f.isLive(others...)
	ended := f.ended(right)
	s := f.session("ada")
	_, err := f.Start(f.Context(), s, f.replacing(replace(ended.ID)))
	f.tellsEnding(err, ended, f.ending(session.CauseSignedOut))
	f.isGone(s)
}

// fullEnding returns an ending with something in every field. Its Detail is JSON
// that another encoder would write in another way.
func (f *storeFixture) fullEnding() session.Ending {
	full := f.full()
	return session.Ending{
		Cause: session.CauseBroken, Time: f.now.Add(1), Actor: full.Name, Reason: binding.GeoIPCountryChanged, Client: full.IP,
		Detail: json.RawMessage("{ \"b\" : 1.0, \"a\":\"<&>\\u0041 ü\",\n\t\"b\": 1e400}"),
		Keep:   f.now.Add(time.Hour + 1), Journal: true,
	}
}
