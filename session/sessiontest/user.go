package sessiontest

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// oddUsers are users that a careless store takes for each other, or for syntax.
var oddUsers = []string{
	"ada", "Ada", "ADA", "ada ", " ada", "ada\t", "ad", "adaa", "a%", "a_a", "%", "*", "?", "a*",
	"ada:1", "ada:", ":ada", "{ada}", "{ada", "ada}", "ada'", "ada''", `ada"`, `ada\`, `ada\\`, "ada;--", "ada/", "ada\n",
	"ß", "ss", "é", "e\u0301", "ä", "a", "İ", "i", "ı", "猫", "🐈", "\u200bada", "0", "00", "1", "1.0", "null", "-1",
	strings.Repeat("x", 254), strings.Repeat("x", 255), strings.Repeat("x", 254) + "y",
}

var userRules = []rule[*storeFixture]{
	{"EndUser ends all sessions of the user",
		"EndUser ends all live sessions of the user, pending ones too, and returns those that it ended.",
		func(f *storeFixture) {
			old := []session.Session{f.session("ada"), f.pending("ada"), f.session("ada")}
			bob := f.session("bob")
			f.started(append(slices.Clone(old), bob)...)
			f.ended(f.session("ada"))
			ended, err := f.EndUser(f.Context(), "ada", session.ID{}, f.fullEnding())
			require.NoError(f, err)
			require.ElementsMatch(f, old, ended)
			for _, s := range old {
				f.isEnded(s, f.fullEnding())
			}
			f.list("ada")
			f.isLive(bob)
			f.list("bob", bob)
		}},
	{"EndUser keeps the session that it is told to",
		"The session that keep names stays live, pending or not. A session of another user, or none, keeps nothing.",
		func(f *storeFixture) {
			keep, old, bob := f.session("ada"), f.session("ada"), f.session("bob")
			waiting := f.pending("ada")
			f.started(keep, old, bob, waiting)
			ended, err := f.EndUser(f.Context(), "ada", keep.ID, f.ending(session.CauseRevoked))
			require.NoError(f, err)
			require.ElementsMatch(f, []session.Session{old, waiting}, ended)
			f.isLive(keep)
			f.list("ada", keep)
			ended, err = f.EndUser(f.Context(), "ada", bob.ID, f.ending(session.CauseRevoked))
			require.NoError(f, err)
			require.Equal(f, []session.Session{keep}, ended)
			f.isLive(bob)
			waiting = f.started(f.pending("ada"))
			ended, err = f.EndUser(f.Context(), "ada", waiting.ID, f.ending(session.CauseRevoked))
			require.NoError(f, err)
			require.Empty(f, ended)
			f.isLive(waiting)
		}},
	{"a user without sessions has none",
		"List and EndUser of a user who has no live session return none, and no error.",
		func(f *storeFixture) {
			f.ended(f.session("ada"))
			f.started(f.session("bob"))
			for _, user := range []string{"ada", "nobody"} {
				f.list(user)
				ended, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked))
				require.NoError(f, err)
				require.Empty(f, ended)
			}
		}},
	{"List has the latest sign-in first",
		"List is ordered by Created, whenever the sessions were started and however lately used, pending ones among them.",
		func(f *storeFixture) {
			third, first := f.signedIn("ada", f.now.Add(-3)), f.signedIn("ada", f.now.Add(-1))
			fourth, second := f.signedIn("ada", f.now.Add(-4)), f.signedIn("ada", f.now.Add(-2))
			second.Kind = session.KindPending
			f.started(third, first, fourth, second)
			f.touch(&fourth, session.Seen{Time: f.now, IP: fourth.IP})
			f.list("ada", first, second, third, fourth)
		}},
	{"List has live sessions only",
		"A session that has ended is not listed, by whatever way it ended.",
		func(f *storeFixture) {
			live, replaced := f.signedIn("ada", f.now.Add(-2)), f.session("ada")
			f.started(live, replaced)
			f.ended(f.session("ada"))
			next := f.signedIn("ada", f.now.Add(-1))
			_, err := f.Start(f.Context(), next, f.replacing(session.Replace{Before: replaced.ID}))
			require.NoError(f, err)
			f.list("ada", next, live)
		}},
	{"users are told apart by every byte",
		"Two users are the same only if every byte of their IDs is: no case folding, trimming, normalisation, truncation, pattern or quoting.",
		func(f *storeFixture) {
			sessions := make(map[string]session.Session)
			for _, user := range oddUsers {
				sessions[user] = f.started(f.session(user))
			}
			require.Len(f, sessions, len(oddUsers))
			for _, user := range oddUsers {
				f.list(user, sessions[user])
			}
			for i, user := range oddUsers {
				ended, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked))
				require.NoError(f, err)
				require.Equal(f, []session.Session{sessions[user]}, ended, "sessions of %q", user)
				for _, other := range oddUsers[i+1:] {
					_, err := f.Get(f.Context(), sessions[other].ID)
					assert.NoError(f, err, "to end %q ended %q", user, other)
				}
				f.list(user)
			}
		}},
}
