package integration

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// steps returns all methods of a store, by what its errors call them.
func steps(store *sqlstore.Store, id session.ID) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"start": func(ctx context.Context) error {
			_, err := store.Start(ctx, newSession("ada"), session.Replace{Before: id, Others: true, Ending: newEnding("")})
			return err
		},
		"get": func(ctx context.Context) error { _, err := store.Get(ctx, id); return err },
		"touch": func(ctx context.Context) error {
			return store.Touch(ctx, id, session.Seen{Time: now.Add(1), IP: netip.MustParseAddr("192.0.2.9")})
		},
		"end": func(ctx context.Context) error {
			_, err := store.End(ctx, id, newEnding(session.CauseSignedOut))
			return err
		},
		"end user": func(ctx context.Context) error {
			_, err := store.EndUser(ctx, "ada", session.ID{}, newEnding(session.CauseRevoked))
			return err
		},
		"list":      func(ctx context.Context) error { _, err := store.List(ctx, "ada"); return err },
		"sweep":     func(ctx context.Context) error { _, err := store.Sweep(ctx, now.Add(24*time.Hour)); return err },
		"now":       func(ctx context.Context) error { _, err := store.Now(ctx); return err },
		"lease":     func(ctx context.Context) error { _, err := store.Lease(ctx, time.Minute, 1); return err },
		"delivered": func(ctx context.Context) error { return store.Delivered(ctx, id) },
		"release":   func(ctx context.Context) error { return store.Release(ctx, 0, id) },
		"migrate":   store.Migrate,
	}
}

// isFailure checks that err is that of a store which failed in the step, and
// says neither that a session is not there nor what its ID is.
func isFailure(t *testing.T, err error, step string, id session.ID) {
	t.Helper()
	require.ErrorContains(t, err, "sqlstore: "+step+": ", step)
	require.Equal(t, err, unlessOver(err), "a failure is no verdict")
	require.NotContains(t, err.Error(), id.String())
}

func TestServerThatNobodyRuns(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return // it has no server
		}
		store, table := e.store(t, e.open(t))
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)

		dsn, p := e.proxied(t)
		require.NoError(t, p.listener.Close())
		store = e.over(t, openUnchecked(t, e, dsn), table)
		for step, do := range steps(store, s.ID) {
			err := do(t.Context())
			isFailure(t, err, step, s.ID)
			require.NotErrorIs(t, err, sqlstore.ErrSchema, "nobody knows")
			require.NotErrorIs(t, err, sqlstore.ErrDialect)
		}
	})
}

func TestServerThatGoesAndComesBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return // it has no server
		}
		_, table := e.store(t, e.open(t))
		dsn, p := e.proxied(t)
		store := e.over(t, e.connect(t, dsn), table)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = store.Get(t.Context(), s.ID)
		require.NoError(t, err)

		p.set(true)
		for step, do := range steps(store, s.ID) {
			isFailure(t, do(t.Context()), step, s.ID)
		}
		p.set(false)
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err, "it recovers by itself")
		require.Equal(t, s, got)
		_, err = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
		require.NoError(t, err)
	})
}

// A row that somebody locks holds up nobody for longer than the context says.
func TestLockedRow(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		// SQLite goes on for its busy timeout, but its callers do not.
		busy, err := time.ParseDuration(busyMilliseconds + "ms")
		require.NoError(t, err)
		db := e.open(t)
		store, table := e.store(t, db)
		s := newSession("ada")
		_, err = store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), "UPDATE "+e.quote(table)+" SET last_seen = last_seen + 1 WHERE id = '"+s.ID.String()+"'")
		require.NoError(t, err)
		all := steps(store, s.ID)
		for _, step := range []string{"start", "touch", "end", "end user"} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			began := time.Now()
			err := all[step](ctx)
			cancel()
			isFailure(t, err, step, s.ID)
			require.ErrorIs(t, err, context.DeadlineExceeded, step)
			require.Less(t, time.Since(began), busy/2, step)
		}
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err, "reading does not wait")
		require.Equal(t, s, got, "nothing was done")
		if e.dialect != sqlstore.SQLite {
			_, err = store.Start(t.Context(), newSession("bob"), session.Replace{Others: true, Ending: newEnding("")})
			require.NoError(t, err, "nor do others")
		}
		require.NoError(t, tx.Rollback())
		require.NoError(t, all["end user"](t.Context()), "it recovers by itself")
	})
}

// A file that can only be read from still says who is signed in. What a server
// does is in TestSettingsThatBreakTheContract.
func TestReadOnlyDatabase(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect != sqlstore.SQLite {
			return
		}
		dsn := e.dsn(t)
		store, table := e.store(t, e.connect(t, dsn))
		s, ended := newSession("ada"), newSession("bob")
		for _, one := range []session.Session{s, ended} {
			_, err := store.Start(t.Context(), one, session.Replace{})
			require.NoError(t, err)
		}
		_, err := store.End(t.Context(), ended.ID, journaled(session.CauseSignedOut))
		require.NoError(t, err)

		readOnly := e.over(t, e.connect(t, dsn+"&mode=ro"), table)
		for step, do := range steps(readOnly, s.ID) {
			switch step {
			case "get", "list", "migrate", "now":
				require.NoError(t, do(t.Context()), step)
			case "sweep", "lease", "delivered", "release": // there is nothing to do
			default:
				isFailure(t, do(t.Context()), step, s.ID)
			}
		}
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, s, got)
	})
}

func TestFullDatabase(t *testing.T) {
	for _, e := range engines {
		if e.driver != "sqlite" { // the others cannot be filled without harm
			continue
		}
		dsn := e.dsn(t)
		_, table := e.store(t, e.connect(t, dsn))
		full := e.over(t, e.connect(t, dsn+"&_pragma=max_page_count(60)"), table)
		var kept []session.Session
		var err error
		for err == nil && len(kept) < 1000 {
			s := overdue("ada")
			if _, err = full.Start(t.Context(), s, session.Replace{}); err == nil {
				kept = append(kept, s)
			}
		}
		require.NotEmpty(t, kept)
		isFailure(t, err, "start", kept[0].ID)
		live, err := full.List(t.Context(), "ada")
		require.NoError(t, err)
		require.ElementsMatch(t, kept, live, "nothing is lost")
		swept, err := full.Sweep(t.Context(), now)
		require.NoError(t, err)
		require.Equal(t, session.Swept{Forgotten: len(kept)}, swept)
		_, err = full.Start(t.Context(), newSession("ada"), session.Replace{})
		require.NoError(t, err, "there is room again")
	}
}

// What cannot be read signs nobody in, and can be listed, revoked, told and
// forgotten all the same: a later release may have written it.
func TestRowsThatAreNotWhatWasWritten(t *testing.T) {
	bob := newSession("bob")
	swapped, err := session.EncodeRecord(bob)
	require.NoError(t, err)
	damages := map[string]struct {
		set   string
		value any
	}{
		"a record cut short":        {"record", []byte(`{"v":1,"id"`)},
		"an empty record":           {"record", []byte{}},
		"a record of a newer kind":  {"record", []byte(strings.Replace(string(swapped), `"v":1`, `"v":2`, 1))},
		"another session's record":  {"record", swapped},
		"an address that is none":   {"ip", "not an address"},
		"an ending that is no JSON": {"ending", []byte("\x00\xff")},
	}
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		started := func(name string) session.ID {
			t.Helper()
			s := newSession("ada")
			_, err := store.Start(t.Context(), s, session.Replace{})
			require.NoError(t, err)
			_, err = store.Get(t.Context(), s.ID)
			require.NoError(t, err)
			mark := "?"
			if e.dialect == sqlstore.PostgreSQL {
				mark = "$1"
			}
			_, err = db.ExecContext(t.Context(), "UPDATE "+e.quote(table)+" SET "+damages[name].set+" = "+mark+" WHERE id = '"+s.ID.String()+"'", damages[name].value)
			require.NoError(t, err)
			return s.ID
		}
		for name := range damages {
			for how, end := range map[string]func(session.ID) error{
				"by a sign-in": func(id session.ID) error {
					next := newSession("ada")
					ended, err := store.Start(t.Context(), next, session.Replace{Others: true, Ending: journaled("")})
					require.Len(t, ended, 1)
					require.Equal(t, id, ended[0].Session.ID)
					_, endErr := store.End(t.Context(), next.ID, newEnding(session.CauseSignedOut))
					require.NoError(t, endErr)
					return err
				},
				"by its user": func(id session.ID) error {
					ended, err := store.EndUser(t.Context(), "ada", session.ID{}, journaled(session.CauseRevoked))
					require.Len(t, ended, 1)
					require.Equal(t, id, ended[0].ID)
					return err
				},
				"alone": func(id session.ID) error {
					_, err := store.End(t.Context(), id, journaled(session.CauseRevoked))
					return err
				},
			} {
				id := started(name)
				_, err := store.Get(t.Context(), id)
				require.ErrorIs(t, err, session.ErrRecord, name)
				isFailure(t, err, "get", id)
				require.NotContains(t, err.Error(), "Ada")
				listed, err := store.List(t.Context(), "ada", session.KindSession)
				require.NoError(t, err, name)
				require.Len(t, listed, 1, name)
				require.Equal(t, id, listed[0].ID, name)
				require.Equal(t, "ada", listed[0].User, name)
				require.Equal(t, newSession("ada").Expires, listed[0].Expires, name)

				require.NoError(t, end(id), "%s: %s", name, how)
				leased, err := store.Lease(t.Context(), time.Minute, 10)
				require.NoError(t, err, name)
				require.Len(t, leased, 1, "%s: %s", name, how)
				require.Equal(t, id, leased[0].Session.ID)
				require.NoError(t, store.Delivered(t.Context(), id))
				listed, err = store.List(t.Context(), "ada")
				require.NoError(t, err, name)
				require.Empty(t, listed, name)
			}
		}
	})
}

// An ending that cannot be read waits for a process that can read it, and holds up
// nobody else's.
func TestEndingsThatCannotBeRead(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		j := journal{t, store}
		unread := j.ended("ada")
		text := "'not an ending'"
		if e.dialect == sqlstore.PostgreSQL {
			text += "::bytea"
		}
		damage := func(to string) {
			_, err := db.ExecContext(t.Context(), "UPDATE "+e.quote(table)+" SET ending = "+to+" WHERE id = '"+unread.String()+"'")
			require.NoError(t, err)
		}
		damage(text)
		_, err := store.Lease(t.Context(), time.Minute, 10)
		require.ErrorIs(t, err, session.ErrRecord)
		leased, err := store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err, "it is left alone for a while")
		require.Empty(t, leased)

		bob := j.ended("bob")
		require.NoError(t, store.Release(t.Context(), 0, unread))
		leased, err = store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		require.Equal(t, bob, leased[0].Session.ID)

		require.NoError(t, store.Release(t.Context(), 0, unread))
		ending, err := session.EncodeEnding(journaled(session.CauseSignedOut))
		require.NoError(t, err)
		hex := fmt.Sprintf("x'%x'", ending)
		if e.dialect == sqlstore.PostgreSQL {
			hex = fmt.Sprintf(`'\x%x'::bytea`, ending)
		}
		damage(hex)
		leased, err = store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		require.Equal(t, unread, leased[0].Session.ID)
	})
}
