package redisstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
)

// a chance is one random Start: what is there before it, and what it is to do.
type chance struct {
	all     []session.Session
	ended   map[session.ID]bool
	started session.Session
	replace session.Replace
}

// newChance makes records of a few users, of few kinds and at few instants, so that
// they meet often.
func newChance(r *rand.Rand, users []string) chance {
	kinds := []session.Kind{session.KindSession, session.KindSession, session.KindPending, session.KindDevice, "later"}
	record := func(user string) session.Session {
		s := newSession(user)
		s.Kind = kinds[r.IntN(len(kinds))]
		s.Created = now.Add(time.Duration(r.IntN(5)) * time.Nanosecond)
		s.LastSeen = s.Created
		if r.IntN(4) == 0 {
			s.Expires = now.Add(time.Duration(r.IntN(8)))
		}
		if r.IntN(4) == 0 {
			s.Idle = time.Duration(r.IntN(4)) + 1
		}
		return s
	}
	c := chance{ended: map[session.ID]bool{}, started: record(users[0])}
	for range r.IntN(14) {
		user := users[0]
		if r.IntN(4) == 0 {
			user = users[r.IntN(len(users))]
		}
		s := record(user)
		c.all = append(c.all, s)
		c.ended[s.ID] = r.IntN(8) == 0
	}
	some := func(rarely int) session.ID {
		switch {
		case r.IntN(rarely) > 0:
			return session.ID{}
		case len(c.all) == 0 || r.IntN(8) == 0:
			return session.NewToken(users[r.IntN(len(users))]).ID()
		default:
			return c.all[r.IntN(len(c.all))].ID
		}
	}
	c.replace = session.Replace{
		Answers: some(5), Renews: some(5), Before: some(2), Others: r.IntN(3) == 0, Max: max(0, r.IntN(6)-1),
		Ending: journaled(""),
	}
	return c
}

// want returns what [session.Replace.Choose] says of the chance.
func (c chance) want() ([]session.Victim, error) {
	var candidates []session.Candidate
	for _, s := range c.all {
		if !c.ended[s.ID] && (s.User == c.started.User || s.ID == c.replace.Before) {
			candidates = append(candidates, s.Candidate())
		}
	}
	return c.replace.Choose(c.started, candidates)
}

// The script ends what session.Replace.Choose says, whatever there is.
func TestStartEndsWhatChooseSays(t *testing.T) {
	client := shared(t)
	users := []string{"ada", sameShard("ada"), "bob"}
	r := rand.New(rand.NewPCG(1, 2))
	victims, failures := 0, 0
	for round := range 200 {
		store, _ := open(t, client)
		c := newChance(r, users)
		for _, s := range c.all {
			_, err := store.Start(t.Context(), s, session.Replace{})
			require.NoError(t, err)
			if c.ended[s.ID] {
				_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
				require.NoError(t, err)
			}
		}
		what := fmt.Sprintf("round %d: %+v starts with %+v, live are:", round, c.started.Candidate(), c.replace)
		for _, s := range c.all {
			what += fmt.Sprintf("\n%+v ended: %v", s.Candidate(), c.ended[s.ID])
		}

		want, wantErr := c.want()
		got, err := store.Start(t.Context(), c.started, c.replace)
		if wantErr != nil {
			failures++
			_, isEnded := errors.AsType[*session.EndedError](err)
			require.True(t, isEnded || errors.Is(err, session.ErrNotFound), "%v: %s", err, what)
			require.Empty(t, got, what)
		} else {
			require.NoError(t, err, what)
			victims += len(want)
		}
		causes := map[session.ID]session.Cause{}
		for _, victim := range want {
			causes[victim.ID] = victim.Cause
		}
		returned := map[session.ID]session.Cause{}
		for _, e := range got {
			returned[e.Session.ID] = e.Ending.Cause
		}
		require.Equal(t, causes, returned, what)
		require.Len(t, got, len(want), what)
		for _, s := range c.all {
			_, err := store.Get(t.Context(), s.ID)
			if _, ends := causes[s.ID]; ends || c.ended[s.ID] {
				require.Error(t, err, "%s\n%s", s.ID, what)
			} else {
				require.NoError(t, err, "%s\n%s", s.ID, what)
			}
		}
		_, err = store.Get(t.Context(), c.started.ID)
		require.Equal(t, wantErr == nil, err == nil, what)
	}
	require.Greater(t, victims, 100, "the chances were poor")
	require.Greater(t, failures, 20, "the chances were poor")
}

// The sessions of a tenant are counted by its name to the byte, however JSON has it.
func TestTenantsAreCountedByTheirName(t *testing.T) {
	store, _ := open(t, dial(t, redistest.Run(t).Addr))
	for i, tenant := range []string{"", "acme", `a<"c`, `,"tenant":"acme`, "ac", "é"} {
		var last session.Session
		for j := range 2 {
			s := newSession("ada")
			s.Tenant, s.Name = tenant, `,"tenant":"acme"`
			s.Created = s.Created.Add(time.Duration(2*i + j))
			ended, err := store.Start(t.Context(), s, session.Replace{Max: 1, PerTenant: true})
			require.NoError(t, err)
			require.Len(t, ended, j, tenant)
			if j > 0 {
				require.Equal(t, last.ID, ended[0].Session.ID)
			}
			last = s
		}
	}
	// A user's ID is no tenant.
	for i, tenant := range []string{"acme", ""} {
		s := newSession(`,"tenant":"acme"`)
		s.Tenant, s.Created = tenant, s.Created.Add(time.Duration(i))
		ended, err := store.Start(t.Context(), s, session.Replace{Max: 1, PerTenant: true})
		require.NoError(t, err)
		require.Empty(t, ended)
	}
	s := newSession(`,"tenant":"acme"`)
	s.Tenant = "acme"
	ended, err := store.Start(t.Context(), s, session.Replace{Max: 1, PerTenant: true})
	require.NoError(t, err)
	require.Len(t, ended, 1)
}
