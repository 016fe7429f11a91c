package sessiontest

import (
	"math"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// sweeps checks how many a sweep at the time forgets.
func (f *storeFixture) sweeps(at time.Time, want int) {
	f.Helper()
	swept, err := f.Sweep(f.Context(), at)
	require.NoError(f, err)
	require.Equal(f, session.Swept{Forgotten: want}, swept, "what Sweep said that it did")
}

// over returns an ending that is kept until past.
func (f *storeFixture) over(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: f.past().Add(-time.Hour), Keep: f.past()}
}

var sweepRules = []rule[*storeFixture]{
	{"Sweep forgets at the absolute limit",
		"A session is forgotten whose Deadline is at or before now: not a nanosecond earlier, and at that instant.",
		func(f *storeFixture) {
			s, later := f.expiring("ada"), f.expiring("ada")
			later.Kind = session.KindPending
			later.Expires = s.Expires.Add(1)
			f.started(s, later)
			f.sweeps(s.Expires.Add(-1), 0)
			f.isLive(s, later)
			f.sweeps(s.Expires, 1)
			f.isGone(s)
			f.isLive(later)
			f.sweeps(s.Expires, 0)
			f.sweeps(later.Expires.Add(1), 1)
			f.isGone(later)
		}},
	{"Sweep forgets at the idle limit",
		"Deadline is the nearer of the absolute limit and LastSeen plus Idle; an Idle of 0 is no limit.",
		func(f *storeFixture) {
			s := f.expiring("ada")
			s.Expires, s.Idle = f.now.Add(time.Hour), f.past().Sub(s.LastSeen)
			nolimit := s
			nolimit.ID, nolimit.Idle = session.NewToken("ada").ID(), 0
			f.started(s, nolimit)
			f.sweeps(f.past().Add(-1), 0)
			f.isLive(s)
			f.sweeps(f.past(), 1)
			f.isGone(s)
			f.isLive(nolimit)
		}},
	{"Sweep forgets at the end of Resume",
		"A session that can be resumed is over at LastSeen plus Idle plus Resume: at its idle limit it stays. Their sum may be longer than a time can be, which is no limit.",
		func(f *storeFixture) {
			s := f.expiring("ada")
			s.Expires, s.Idle = f.now.Add(time.Hour), time.Second
			s.Resume = f.past().Sub(s.LastSeen) - s.Idle
			longest := s
			longest.ID, longest.Idle, longest.Resume = session.NewToken("ada").ID(), math.MaxInt64-1, math.MaxInt64-1
			f.started(s, longest)
			f.sweeps(f.past().Add(-1), 0)
			f.isLive(s)
			f.sweeps(f.past(), 1)
			f.isGone(s)
			f.isLive(longest)
		}},
	{"a touch moves the idle limit",
		"A session that was used is not idle: its limit counts from the use. The absolute limit stays.",
		func(f *storeFixture) {
			s := f.expiring("ada")
			s.Expires, s.Idle = f.past().Add(10*time.Minute), f.past().Sub(s.LastSeen)
			f.started(s)
			f.touch(&s, session.Seen{Time: s.LastSeen.Add(time.Minute), IP: s.IP})
			f.sweeps(f.past().Add(time.Minute-1), 0)
			f.isLive(s)
			f.touch(&s, session.Seen{Time: f.past(), IP: s.IP})
			f.sweeps(s.Expires.Add(-1), 0)
			f.isLive(s)
			f.sweeps(s.Expires, 1)
			f.isGone(s)
		}},
	{"Sweep forgets an ending at its Keep",
		"An ending is kept until Keep, and with it the session, whose own limits no longer count.",
		func(f *storeFixture) {
			short, long := f.session("ada"), f.expiring("ada")
			f.started(short, long)
			ending, longer := f.over(session.CauseSignedOut), f.over(session.CauseSignedOut)
			longer.Keep = long.Expires.Add(10 * time.Minute)
			_, err := f.End(f.Context(), short.ID, ending)
			require.NoError(f, err)
			_, err = f.End(f.Context(), long.ID, longer)
			require.NoError(f, err)
			f.sweeps(ending.Keep.Add(-1), 0)
			f.isEnded(short, ending)
			f.sweeps(ending.Keep, 1)
			f.isGone(short)
			f.sweeps(longer.Keep.Add(-1), 0)
			f.isEnded(long, longer)
			f.sweeps(longer.Keep.Add(1), 1)
			f.isGone(long)
		}},
	{"Sweep counts what it forgot",
		"Sweep forgets everything that is overdue, of every user and kind, live or ended, and returns how many.",
		func(f *storeFixture) {
			stays := f.expiring("ada")
			stays.Expires = stays.Expires.Add(2)
			f.started(stays)
			for _, user := range []string{"ada", "bob", "carol"} {
				for range 40 {
					f.started(f.expiring(user))
				}
				waiting, ended := f.expiring(user), f.expiring(user)
				waiting.Kind = session.KindPending
				f.started(waiting, ended)
				_, err := f.End(f.Context(), ended.ID, f.over(session.CauseSignedOut))
				require.NoError(f, err)
			}
			f.sweeps(stays.Expires.Add(-1), 3*42)
			f.sweeps(stays.Expires.Add(-1), 0)
			f.list("ada", stays)
			f.list("bob")
		}},
	{"Sweep ahead of the clock forgets nothing that is not due",
		"A time ahead of the store's clock counts as the store's now, so that a process whose clock is ahead ends nobody's session.",
		func(f *storeFixture) {
			due, ended := f.expiring("ada"), f.session("ada")
			due.Expires = f.now
			absolute, idle := f.session("ada"), f.session("ada")
			idle.Idle = f.now.Add(time.Hour).Sub(idle.LastSeen)
			f.started(due, absolute, idle)
			f.ended(ended)
			f.sweeps(f.now.Add(1000*time.Hour), 1)
			f.isGone(due)
			f.isLive(absolute, idle)
			f.isEnded(ended, f.ending(session.CauseSignedOut))
		}},
	{"what was forgotten is unknown",
		"A session that was forgotten is ErrNotFound to all, and no session of the user.",
		func(f *storeFixture) {
			s := f.expiring("ada")
			s.Kind = session.KindPending
			f.started(s)
			f.sweeps(s.Expires, 1)
			f.isGone(s)
			err := f.Touch(f.Context(), s.ID, session.Seen{Time: f.now})
			require.ErrorIs(f, err, session.ErrNotFound, "Touch")
			_, err = f.End(f.Context(), s.ID, f.ending(session.CauseExpired))
			require.ErrorIs(f, err, session.ErrNotFound, "End")
			_, err = f.Start(f.Context(), f.session("ada"), f.replacing(session.Replace{Answers: s.ID}))
			require.ErrorIs(f, err, session.ErrNotFound, "Start")
			f.list("ada")
			ended, err := f.EndUser(f.Context(), "ada", session.ID{}, f.ending(session.CauseRevoked))
			require.NoError(f, err)
			require.Empty(f, ended)
			f.isGone(s)
		}},
}
