package session_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// noon is when the records of these tests begin.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// candidate returns a live record that was made age seconds before noon.
func candidate(user string, kind session.Kind, age int) session.Candidate {
	return session.Candidate{
		ID: session.NewToken(user).ID(), User: user, Kind: kind,
		Created: noon.Add(-time.Duration(age) * time.Second), Deadline: noon.Add(time.Hour),
	}
}

func TestChoose(t *testing.T) {
	var (
		old, older, oldest = candidate("ada", session.KindSession, 1), candidate("ada", session.KindSession, 2), candidate("ada", session.KindSession, 3)
		waiting, waited    = candidate("ada", session.KindPending, 4), candidate("ada", session.KindPending, 5)
		device             = candidate("ada", session.KindDevice, 6)
		bobs, bobsDevice   = candidate("bob", session.KindSession, 7), candidate("bob", session.KindDevice, 8)
		overdue            = candidate("ada", session.KindSession, 9)
		all                = []session.Candidate{device, oldest, waiting, old, waited, older, old}
	)
	overdue.Deadline = noon
	changed, acmes := candidate("ada", session.KindSession, 3), candidate("ada", session.KindSession, 4)
	changed.Version, acmes.Tenant = 2, "acme"
	over := func(surplus ...session.Candidate) error {
		err := &session.LimitError{}
		for _, c := range surplus {
			err.Surplus = append(err.Surplus, c.ID)
		}
		return err
	}
	victim := func(c session.Candidate, cause session.Cause) session.Victim {
		return session.Victim{ID: c.ID, Cause: cause}
	}
	for _, test := range []struct {
		name    string
		kind    session.Kind
		live    []session.Candidate
		replace session.Replace
		want    []session.Victim
		err     error
	}{
		{"nothing", "", all, session.Replace{}, nil, nil},
		{"no records", "", nil, session.Replace{Before: old.ID, Others: true, Max: 1}, nil, nil},
		{"before", "", all, session.Replace{Before: old.ID}, []session.Victim{victim(old, session.CauseReplaced)}, nil},
		{"before of another user", "", append(all, bobs), session.Replace{Before: bobs.ID}, []session.Victim{victim(bobs, session.CauseReplaced)}, nil},
		{"before of another kind", "", all, session.Replace{Before: device.ID}, nil, nil},
		{"before of another user's device", session.KindDevice, append(all, bobsDevice), session.Replace{Before: bobsDevice.ID}, nil, nil},
		{"before of one's own device", session.KindDevice, all, session.Replace{Before: device.ID}, []session.Victim{victim(device, session.CauseReplaced)}, nil},
		{"answers", "", all, session.Replace{Answers: waiting.ID}, []session.Victim{victim(waiting, session.CauseAnswered)}, nil},
		{"answers a session", "", all, session.Replace{Answers: old.ID}, nil, session.ErrNotFound},
		{"answers nothing", "", all, session.Replace{Answers: bobs.ID, Others: true}, nil, session.ErrNotFound},
		{"answers another user's", "", append(all, bobs), session.Replace{Answers: bobs.ID}, nil, session.ErrNotFound},
		{"renews", "", all, session.Replace{Renews: old.ID}, []session.Victim{victim(old, session.CauseRenewed)}, nil},
		{"renews what came before", "", all, session.Replace{Renews: old.ID, Before: old.ID}, []session.Victim{victim(old, session.CauseRenewed)}, nil},
		{"renews a pending session", "", all, session.Replace{Renews: waiting.ID}, nil, session.ErrNotFound},
		{"renews another user's", "", append(all, bobs), session.Replace{Renews: bobs.ID}, nil, session.ErrNotFound},
		{"answers, and renews nothing", "", all, session.Replace{Answers: waiting.ID, Renews: bobs.ID}, nil, session.ErrNotFound},
		{"others", "", all, session.Replace{Others: true}, []session.Victim{
			victim(oldest, session.CauseTerminated), victim(older, session.CauseTerminated), victim(old, session.CauseTerminated)}, nil},
		{"everything", "", append(all, overdue), session.Replace{Answers: waited.ID, Renews: older.ID, Before: oldest.ID, Others: true, Max: 1}, []session.Victim{
			victim(overdue, session.CauseTerminated), victim(waited, session.CauseAnswered), victim(oldest, session.CauseReplaced),
			victim(older, session.CauseRenewed), victim(old, session.CauseTerminated)}, nil},
		{"max is reached", "", all, session.Replace{Max: 4}, nil, nil},
		{"max", "", all, session.Replace{Max: 2}, []session.Victim{victim(oldest, session.CauseMaxSessions), victim(older, session.CauseMaxSessions)}, nil},
		{"max, and before leaves room", "", all, session.Replace{Max: 3, Before: old.ID}, []session.Victim{victim(old, session.CauseReplaced)}, nil},
		{"max does not count the overdue", "", append(all, overdue), session.Replace{Max: 4}, nil, nil},
		{"max of pending ones", session.KindPending, all, session.Replace{Max: 2}, []session.Victim{victim(waited, session.CauseMaxSessions)}, nil},
		{"max of devices", session.KindDevice, all, session.Replace{Max: 1}, []session.Victim{victim(device, session.CauseMaxSessions)}, nil},
		{"renews another version", "", []session.Candidate{changed}, session.Replace{Renews: changed.ID, Version: 1}, nil, session.ErrConflict},
		{"renews its version", "", []session.Candidate{changed}, session.Replace{Renews: changed.ID, Version: 2}, []session.Victim{victim(changed, session.CauseRenewed)}, nil},
		{"the version of another is nothing", "", []session.Candidate{changed}, session.Replace{Before: changed.ID, Version: 1}, []session.Victim{victim(changed, session.CauseReplaced)}, nil},
		{"max is denied", "", all, session.Replace{Max: 2, Deny: true}, nil, over(oldest, older)},
		{"max is denied before anything else ends", "", append(all, bobs), session.Replace{Max: 3, Deny: true, Before: bobs.ID}, nil, over(oldest)},
		{"max is not denied where there is room", "", all, session.Replace{Max: 3, Deny: true, Before: old.ID}, []session.Victim{victim(old, session.CauseReplaced)}, nil},
		{"max of one tenant", "", append(all, acmes), session.Replace{Max: 3, PerTenant: true}, []session.Victim{victim(oldest, session.CauseMaxSessions)}, nil},
		{"max of all tenants", "", append(all, acmes), session.Replace{Max: 4}, []session.Victim{victim(acmes, session.CauseMaxSessions)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Kind: test.kind, Created: noon}
			for range 5 {
				live := append([]session.Candidate(nil), test.live...)
				rand.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
				given := append([]session.Candidate(nil), live...)
				got, err := test.replace.Choose(s, live)
				require.Equal(t, test.err, err)
				require.Equal(t, test.want, got)
				require.Equal(t, given, live, "the caller's list is left alone")
			}
		})
	}
}

// Of records made at one instant the order is that of the IDs' text, so that all
// stores end the same one.
func TestChooseAmongEqualsIsTheSameEverywhere(t *testing.T) {
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: noon}
	live := make([]session.Candidate, 20)
	for i := range live {
		live[i] = candidate("ada", session.KindSession, 1)
	}
	victims, err := session.Replace{Max: 5}.Choose(s, live)
	require.NoError(t, err)
	require.Len(t, victims, 16)
	for i := range victims[1:] {
		assert.Less(t, victims[i].ID.String(), victims[i+1].ID.String())
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{0, 1, 3, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			live := make([]session.Candidate, n)
			for i := range live {
				live[i] = candidate("ada", session.KindSession, i)
			}
			s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: noon}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (session.Replace{Max: n + 1}).Choose(s, live); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
