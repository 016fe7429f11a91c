package sessiontest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// laterKind is a kind of a later release. A store keeps it as it keeps the others.
const laterKind session.Kind = "later"

// ofKind returns a new record of the kind.
func (f *storeFixture) ofKind(user string, kind session.Kind) session.Session {
	s := f.session(user)
	s.Kind = kind
	return s
}

var kindRules = []rule[*storeFixture]{
	{"List and EndUser take the kinds that are named",
		"List returns, and EndUser ends, records of the kinds that are named, and of every kind if none is.",
		func(f *storeFixture) {
			kinds := []session.Kind{session.KindSession, session.KindPending, session.KindDevice, laterKind}
			records := make([]session.Session, len(kinds))
			for i, kind := range kinds {
				records[i] = f.ofKind("ada", kind)
				records[i].Created = f.now.Add(-time.Duration(i) - 1) // the latest first
				f.started(records[i])
			}
			f.list("ada", records...)
			for i, kind := range kinds {
				f.listKinds("ada", records[i:i+1], kind)
			}
			f.listKinds("ada", []session.Session{records[0], records[2]}, session.KindSession, session.KindDevice)
			f.listKinds("ada", []session.Session{records[1], records[3]}, laterKind, session.KindPending)
			f.endsKinds("ada", records[2:3], session.KindDevice)
			f.list("ada", records[0], records[1], records[3])
			f.endsKinds("ada", nil, session.KindDevice)
			f.endsKinds("ada", records[0:2], session.KindPending, session.KindSession)
			f.list("ada", records[3])
			f.endsKinds("ada", records[3:])
			f.list("ada")
		}},
	{"EndUser keeps a record though its kind is named",
		"The record that keep names stays live, whatever kinds are named.",
		func(f *storeFixture) {
			keep, other := f.device("ada"), f.device("ada")
			f.started(keep, other)
			ended, err := f.EndUser(f.Context(), "ada", keep.ID, f.ending(session.CauseRevoked), session.KindDevice)
			require.NoError(f, err)
			require.Equal(f, []session.Session{other}, ended)
			f.isLive(keep)
		}},
	{"Others spares what is not signed in",
		"A pending session or a device signs nobody in, so there is nothing to terminate.",
		func(f *storeFixture) {
			old, waiting, device := f.session("ada"), f.pending("ada"), f.device("ada")
			f.started(old, waiting, device)
			f.replaces(f.session("ada"), session.Replace{Others: true}, ends{session.CauseTerminated: {old}}, waiting, device)
		}},
	{"Max counts the new one's kind",
		"Records of other kinds do not count and are not ended: pending sessions, devices and sessions have a maximum each.",
		func(f *storeFixture) {
			for _, kind := range []session.Kind{session.KindSession, session.KindPending, session.KindDevice} {
				user := "user of " + kind.String()
				var same session.Session
				var others []session.Session
				for _, k := range []session.Kind{session.KindSession, session.KindPending, session.KindDevice} {
					s := f.started(f.ofKind(user, k))
					if k == kind {
						same = s
						continue
					}
					others = append(others, s, f.started(f.ofKind(user, k)))
				}
				next := f.signedIn(user, f.now)
				next.Kind = kind
				f.replaces(next, session.Replace{Max: 2}, nil, append(others, same)...)
				last := f.signedIn(user, f.now.Add(1))
				last.Kind = kind
				f.replaces(last, session.Replace{Max: 2}, ends{session.CauseMaxSessions: {same}}, append(others, next)...)
			}
		}},
	{"Before of another kind ends nothing",
		"A token of one kind in another's place does nothing: Before ends a record of the new one's kind alone.",
		func(f *storeFixture) {
			kinds := []session.Kind{session.KindSession, session.KindPending, session.KindDevice}
			for _, user := range []string{"ada", "bob"} {
				for _, kind := range kinds {
					for _, other := range kinds {
						if kind == other {
							continue
						}
						before := f.started(f.ofKind("ada", other))
						f.replaces(f.ofKind(user, kind), session.Replace{Before: before.ID}, nil, before)
					}
				}
			}
		}},
	{"Before of another user's device ends nothing",
		"A browser that several users share remembers each: a device is not replaced by that of another user, while the user's own is.",
		func(f *storeFixture) {
			bobs, adas := f.device("bob"), f.device("ada")
			f.started(bobs, adas)
			f.replaces(f.device("ada"), session.Replace{Before: bobs.ID}, nil, bobs, adas)
			f.replaces(f.device("ada"), session.Replace{Before: adas.ID}, ends{session.CauseReplaced: {adas}}, bobs)
		}},
	{"Before of another user's pending session ends it",
		"Another user who begins to sign in, in the same browser, leaves one challenge there and not two.",
		func(f *storeFixture) {
			waiting := f.started(f.pending("bob"))
			f.replaces(f.pending("ada"), session.Replace{Before: waiting.ID}, ends{session.CauseReplaced: {waiting}})
		}},
}

// listKinds checks that List of the kinds returns exactly these, in this order.
func (f *storeFixture) listKinds(user string, want []session.Session, kinds ...session.Kind) {
	f.Helper()
	got, err := f.List(f.Context(), user, kinds...)
	require.NoError(f, err)
	require.Equal(f, want, got, "records of the kinds %q", kinds)
}

// endsKinds checks that EndUser of the kinds ends exactly these.
func (f *storeFixture) endsKinds(user string, want []session.Session, kinds ...session.Kind) {
	f.Helper()
	ended, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked), kinds...)
	require.NoError(f, err)
	require.ElementsMatch(f, slices.Clone(want), ended, "records of the kinds %q", kinds)
	for _, s := range want {
		f.isEnded(s, f.ending(session.CauseRevoked))
	}
}
