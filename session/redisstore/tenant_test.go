package redisstore_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// The rules hold where each user has an index by tenant.
func TestStoreWithIndexesByTenant(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]redis.UniversalClient{"single": dial(t, redistest.Run(t).Addr), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			sessiontest.RunStore(t, func(t *testing.T) session.Store {
				store, _ := open(t, client)
				redisbase.IndexFrom(store, 0)
				return store
			})
		})
	}
}

// inTenant returns a session of the user in the tenant, signed in at the instant.
func inTenant(user, tenant string, at time.Time) session.Session {
	s := newSession(user)
	s.Tenant, s.Created, s.LastSeen = tenant, at, at
	return s
}

// A tenants is a user with sessions of two kinds in some tenants.
type tenants struct {
	*testing.T
	*rand.Rand
	store  *redisstore.Store
	client *redis.Client
	index  string // the user's, and
	by     string // that by tenant
	live   map[session.ID]session.Session
	made   int
}

func newTenants(t *testing.T) *tenants {
	client := dial(t, redistest.Run(t).Addr)
	store, prefix := open(t, client)
	base := prefix + ":{" + session.Shard("ada") + "}:"
	return &tenants{
		T: t, Rand: rand.New(rand.NewPCG(1, 2)), store: store, client: client,
		index: base + "u:ada", by: base + "t:ada", live: map[session.ID]session.Session{},
	}
}

// start starts a session, and checks that it ends what [session.Replace.Choose] says.
func (u *tenants) start(r session.Replace) session.Session {
	u.Helper()
	names := []string{"", "acme", "acme2", `a "b"`, "ü"}
	u.made++
	s := inTenant("ada", names[u.IntN(len(names))], now.Add(time.Duration(u.made/2)))
	if u.IntN(4) == 0 {
		s.Kind = session.KindDevice
	}
	r.Ending = newEnding("")
	var candidates []session.Candidate
	for _, one := range u.live {
		candidates = append(candidates, one.Candidate())
	}
	want, wantErr := r.Choose(s, candidates)
	ended, err := u.store.Start(u.Context(), s, r)
	if limit, denied := errors.AsType[*session.LimitError](wantErr); denied {
		got, _ := errors.AsType[*session.LimitError](err)
		require.NotNil(u, got, "%v", err)
		require.Equal(u, limit.Surplus, got.Surplus)
		return session.Session{}
	}
	require.NoError(u, err)
	require.Len(u, ended, len(want))
	causes := map[session.ID]session.Cause{}
	for _, e := range ended {
		causes[e.Session.ID] = e.Ending.Cause
		delete(u.live, e.Session.ID)
	}
	for _, victim := range want {
		require.Equal(u, victim.Cause, causes[victim.ID])
	}
	u.live[s.ID] = s
	return s
}

// some returns one of the live sessions.
func (u *tenants) some() session.Session {
	ids := slices.SortedFunc(maps.Keys(u.live), func(a, b session.ID) int { return u.live[a].Created.Compare(u.live[b].Created) })
	return u.live[ids[u.IntN(len(ids))]]
}

func (u *tenants) end() session.Session {
	s := u.some()
	_, err := u.store.End(u.Context(), s.ID, journaled(session.CauseSignedOut))
	require.NoError(u, err)
	delete(u.live, s.ID)
	return s
}

// member returns how a session stands in both indexes.
func (u *tenants) member(s session.Session) string {
	tag := map[session.Kind]string{session.KindSession: "s", session.KindDevice: "d"}[s.Kind]
	return fmt.Sprintf("%s%016x%s", tag, uint64(s.Created.UnixNano())^1<<63, s.ID)
}

// The sessions of one tenant are counted by an index once a user has many. Whatever
// the release before, which knows no such index, does to the sessions, it counts all.
func TestIndexByTenant(t *testing.T) {
	u := newTenants(t)
	const few = 20
	redisbase.IndexFrom(u.store, few)
	for range 150 {
		u.start(session.Replace{})
	}
	require.Zero(t, u.client.ZCard(t.Context(), u.by).Val(), "nobody has counted by tenant")
	u.start(session.Replace{Max: 10, PerTenant: true})
	require.Equal(t, u.client.ZCard(t.Context(), u.index).Val(), u.client.ZCard(t.Context(), u.by).Val())

	for round := range 600 {
		switch u.IntN(12) {
		case 0:
			u.end()
		case 1:
			u.start(session.Replace{Max: 30 + u.IntN(20)})
		case 2:
			s := u.some()
			seen := session.Seen{Time: s.LastSeen.Add(1)}
			require.NoError(t, u.store.Touch(t.Context(), s.ID, seen))
			s.Apply(seen, time.Now())
			u.live[s.ID] = s
		case 3: // as the release before starts a session
			s := u.start(session.Replace{})
			require.NoError(t, u.client.ZRem(t.Context(), u.by, u.member(s)).Err())
		case 4: // as it ends one
			score := u.client.ZScore(t.Context(), u.by, u.member(u.some())).Val()
			s := u.end()
			require.NoError(t, u.client.ZAdd(t.Context(), u.by, redis.Z{Score: score, Member: u.member(s)}).Err())
		case 5: // as the index expires that it does not touch
			if u.IntN(10) == 0 {
				require.NoError(t, u.client.Del(t.Context(), u.by).Err())
			}
		case 6:
			u.start(session.Replace{Max: 10 + u.IntN(20), PerTenant: true, Deny: true})
		default:
			for range 4 {
				u.start(session.Replace{})
			}
			u.start(session.Replace{Max: 20 + u.IntN(20), PerTenant: true})
		}
		t.Logf("round %d: %d live, %d in the index, %d by tenant", round, len(u.live),
			u.client.ZCard(t.Context(), u.index).Val(), u.client.ZCard(t.Context(), u.by).Val())
	}
	require.Greater(t, len(u.live), 3*few, "so few are read without the index")
	ended, err := u.store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
	require.NoError(t, err)
	require.Len(t, ended, len(u.live))
	require.Zero(t, u.client.Exists(t.Context(), u.index).Val())
}

// What the release before started and ended between two sign-ins, as many as it started, is
// counted once the session is used.
func TestIndexByTenantOfATouchedSession(t *testing.T) {
	u := newTenants(t)
	one := inTenant("ada", "one", now.Add(-time.Hour))
	_, err := u.store.Start(t.Context(), one, session.Replace{})
	require.NoError(t, err)
	for range 150 {
		u.start(session.Replace{})
	}
	_, err = u.store.Start(t.Context(), inTenant("ada", "other", now), session.Replace{Max: 1, PerTenant: true})
	require.NoError(t, err)
	require.NoError(t, u.client.ZRem(t.Context(), u.by, u.member(one)).Err())
	require.NoError(t, u.client.ZAdd(t.Context(), u.by, redis.Z{Member: u.member(inTenant("ada", "gone", now))}).Err())
	require.Equal(t, u.client.ZCard(t.Context(), u.index).Val(), u.client.ZCard(t.Context(), u.by).Val())

	require.NoError(t, u.store.Touch(t.Context(), one.ID, session.Seen{Time: now}))
	ended, err := u.store.Start(t.Context(), inTenant("ada", "one", now), session.Replace{Max: 1, PerTenant: true, Ending: newEnding("")})
	require.NoError(t, err)
	require.Len(t, ended, 1)
	require.Equal(t, one.ID, ended[0].Session.ID)
	require.Equal(t, u.client.ZCard(t.Context(), u.index).Val(), u.client.ZCard(t.Context(), u.by).Val(), "what is left over is gone")
}

// The index is made in steps that keep nobody waiting for long, and a sign-in then costs
// what the tenant's sessions do.
func TestCostOfASignInByTenant(t *testing.T) {
	client := dial(t, redistest.Run(t).Addr, func(o *redis.Options) { o.PoolSize = 8 })
	store, prefix := open(t, client)
	n := many(t)
	for i := range n {
		_, err := store.Start(t.Context(), inTenant("ada", fmt.Sprint("tenant ", i%(n/10)), now.Add(time.Duration(i))), session.Replace{})
		require.NoError(t, err)
	}
	cost := func(i int) (steps, each int) {
		t.Helper()
		require.NoError(t, client.ConfigResetStat(t.Context()).Err())
		ended, err := store.Start(t.Context(), inTenant("ada", "tenant 0", now.Add(time.Duration(n+i))),
			session.Replace{Max: 10, PerTenant: true, Ending: newEnding("")})
		require.NoError(t, err)
		require.Len(t, ended, 1)
		all := commands(t, client)
		steps, took := scripts(t, client)
		t.Logf("%d steps of %d commands and %s", steps, all/steps, took)
		return steps, all / steps
	}
	steps, each := cost(0)
	require.GreaterOrEqual(t, steps, n/500)
	require.Less(t, each, 1500, "of 500 sessions each")
	for i := range 2 {
		_, each = cost(i + 1)
		require.Less(t, each, 80, "of 10 sessions")
	}

	base := prefix + ":{" + session.Shard("ada") + "}:"
	last := client.PTTL(t.Context(), base+"u:ada").Val()
	require.InDelta(t, last, client.PTTL(t.Context(), base+"t:ada").Val(), float64(time.Minute), "it expires like the user's index")
}
