package redisstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// A server that crashes while it writes a step to its file drops the step when it
// starts again. But the beginning of it can stay in the file, and comes true with
// the next start but one. Whatever that leaves, every live session is listed, and
// can be ended.
func TestAServerThatLostTheEndOfAStep(t *testing.T) {
	t.Parallel()
	first, second, third := newSession("ada"), newSession("ada"), newSession("ada")
	first.Expires, first.TellExpiry = now.Add(-time.Second), time.Hour // so that it can be swept
	ending := newEnding(session.CauseRevoked)
	ending.Journal = true
	for name, step := range map[string]func(store *redisstore.Store) error{
		"start": func(store *redisstore.Store) error {
			_, err := store.Start(t.Context(), third, session.Replace{Others: true, Ending: ending})
			return err
		},
		"touch": func(store *redisstore.Store) error {
			return store.Touch(t.Context(), first.ID, session.Seen{Time: now.Add(time.Minute), IP: netip.MustParseAddr("192.0.2.9")})
		},
		"end": func(store *redisstore.Store) error {
			_, err := store.End(t.Context(), first.ID, ending)
			return err
		},
		"sweep": func(store *redisstore.Store) error {
			swept, err := store.Sweep(t.Context(), now)
			if swept.Expired != 1 {
				err = fmt.Errorf("swept %+v: %w", swept, err)
			}
			return err
		},
		"end user": func(store *redisstore.Store) error {
			_, err := store.EndUser(t.Context(), "ada", session.ID{}, ending)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			server := redistest.Run(t, "--dir", dir, "--appendonly", "yes", "--appendfsync", "always")
			store, _ := open(t, dial(t, server.Addr))
			for _, s := range []session.Session{first, second} {
				_, err := store.Start(t.Context(), s, session.Replace{})
				require.NoError(t, err)
			}
			file := filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof")
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, step(store))
			whole, err := os.ReadFile(file)
			require.NoError(t, err)
			written := whole[len(before):]
			require.True(t, bytes.HasPrefix(written, []byte("*1\r\n$5\r\nMULTI")), "a step of several commands")

			for end := range written {
				if !bytes.HasPrefix(written[end:], []byte("\r\n*")) {
					continue
				}
				// The next command has begun.
				what := fmt.Sprintf("%d of %d bytes", end+4, len(written))
				server.Stop()
				require.NoError(t, os.WriteFile(file, whole[:len(before)+end+4], 0o600))
				server.Start(t)
				bob := newSession("bob")
				_, err := store.Start(t.Context(), bob, session.Replace{})
				require.NoError(t, err, what)
				server.Stop()
				server.Start(t)

				listed := map[session.ID]bool{}
				all, err := store.List(t.Context(), "ada")
				require.NoError(t, err, what)
				for _, s := range all {
					listed[s.ID] = true
				}
				for i, s := range []session.Session{first, second, third} {
					_, err := store.Get(t.Context(), s.ID)
					_, ended := errors.AsType[*session.EndedError](err)
					require.True(t, err == nil || ended || errors.Is(err, session.ErrNotFound), err)
					assert.Equal(t, err == nil, listed[s.ID], "%s: session %d: %v", what, i+1, err)
				}
				_, err = store.Lease(t.Context(), time.Minute, 100)
				require.NoError(t, err, what)
				over, err := store.EndUser(t.Context(), "ada", session.ID{}, ending)
				require.NoError(t, err, what)
				assert.Len(t, over, len(all), what)
				_, err = store.Get(t.Context(), bob.ID)
				assert.NoError(t, err, what)
			}
		})
	}
}
