package memstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A reader who sees one session as a step leaves it sees all sessions of the step so.
func TestStepIsSeenWholeOrNotAtAll(t *testing.T) {
	const sessions, rounds = 50, 200
	ending := session.Ending{Cause: session.CauseRevoked, Keep: noon.Add(time.Hour)}
	for name, step := range map[string]func(store *memstore.Store, next session.Session) error{
		"EndUser": func(store *memstore.Store, next session.Session) error {
			_, err := store.EndUser(t.Context(), next.User, session.ID{}, ending)
			return err
		},
		"Start": func(store *memstore.Store, next session.Session) error {
			_, err := store.Start(t.Context(), next, session.Replace{Others: true, Ending: ending})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New()
			before := 0
			for range rounds {
				var ids []session.ID
				for i := range sessions {
					s := newSession("ada", i)
					ids = append(ids, s.ID)
					_, err := store.Start(t.Context(), s, session.Replace{})
					require.NoError(t, err)
				}
				next := newSession("ada", sessions)
				done := make(chan error)
				go func() { done <- step(store, next) }()
				for _, id := range ids {
					for lives(t, store, id) { // until the step has ended it
						before++
					}
					require.False(t, lives(t, store, ids[sessions-1]), "the last one to be ended lives after another")
					require.Equal(t, name == "Start", lives(t, store, next.ID), "the new one")
				}
				require.NoError(t, <-done)
				_, err := store.EndUser(t.Context(), "ada", session.ID{}, ending)
				require.NoError(t, err)
			}
			assert.Positive(t, before, "some were looked at before the step, too")
		})
	}
}

func lives(t *testing.T, store *memstore.Store, id session.ID) bool {
	_, err := store.Get(t.Context(), id)
	return err == nil
}
