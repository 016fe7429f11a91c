package site

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// watched is a store that counts what it is asked, and fails on demand.
type watched struct {
	*memstore.Store
	gets, lists atomic.Int64
	down        atomic.Bool
}

func (w *watched) Get(ctx context.Context, id session.ID) (session.Session, error) {
	w.gets.Add(1)
	if w.down.Load() {
		return session.Session{}, errors.New("no store now")
	}
	return w.Store.Get(ctx, id)
}

func (w *watched) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	w.lists.Add(1)
	return w.Store.List(ctx, user, kinds...)
}

// stream is a stream of ada's that runs inside the test: what it has written is read
// when all goroutines of the test wait.
type stream struct {
	app   *app
	store *watched
	id    session.ID
	w     *httptest.ResponseRecorder
	over  chan struct{}
}

func openStream(t *testing.T) *stream {
	t.Helper()
	s, err := parseSettings(kinds, []string{"-store=memory", "-stay-signed-in-offset=seconds=0", "-session-duration=minutes=1"}, io.Discard)
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	locator, err := openLocator(s, logger)
	require.NoError(t, err)
	store := &watched{Store: memstore.New()}
	a, err := newApp(s, store, locator, logger)
	require.NoError(t, err)

	browser := loginstagetest.NewBrowser(t, a.login.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := a.login.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})))
	browser.Get("/")
	sessions, err := a.login.Sessions(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, sessions, 1)

	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
	r.Header.Set("Cookie", sessionCookie+"="+browser.Cookie(sessionCookie))
	opened := &stream{a, store, sessions[0].ID, httptest.NewRecorder(), make(chan struct{})}
	go func() { _ = a.login.Watch(ctx) }()
	synctest.Wait()
	go func() {
		defer close(opened.over)
		a.login.Guard(http.HandlerFunc(a.streamEvents)).ServeHTTP(opened.w, r)
	}()
	synctest.Wait()
	return opened
}

// written returns what the stream has written since it was last asked.
func (s *stream) written() string {
	synctest.Wait()
	text := s.w.Body.String()
	s.w.Body.Reset()
	return text
}

func (s *stream) happens(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, s.app.events.Emit(t.Context(), loginstage.Event{ID: id, User: "ada", Action: loginstage.ActionLogin}))
}

// An ending at another process is told by the store.
func TestAStreamTellsNothingAfterItsSessionWasEndedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStream(t)
		s.written()
		s.happens(t, "before")
		assert.Contains(t, s.written(), "id: before")

		_, err := s.store.End(t.Context(), s.id, session.Ending{Cause: session.CauseRevoked, Time: time.Now(), Keep: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		synctest.Wait()
		s.happens(t, "after")
		assert.Equal(t, "event: ended\ndata:\n\n", s.written())
		<-s.over
	})
}

func TestAStreamEndsSoonAfterItsSession(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *stream){
		"ended": func(t *testing.T, s *stream) {
			_, err := s.store.End(t.Context(), s.id, session.Ending{Cause: session.CauseRevoked, Time: time.Now(), Keep: time.Now().Add(time.Hour)})
			require.NoError(t, err)
		},
		"ended and forgotten": func(t *testing.T, s *stream) {
			_, err := s.store.End(t.Context(), s.id, session.Ending{Cause: session.CauseRevoked, Time: time.Now(), Keep: time.Now()})
			require.NoError(t, err)
		},
		"at its limit": func(_ *testing.T, _ *stream) { time.Sleep(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openStream(t)
				end(t, s)
				assert.True(t, strings.HasSuffix(s.written(), "event: ended\ndata:\n\n"))
				<-s.over
			})
		})
	}
}

// A store that fails signs nobody out, and an open stream goes on meanwhile.
func TestAStreamDoesWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStream(t)
		s.written()
		s.store.down.Store(true)
		s.happens(t, "told")
		time.Sleep(2 * heartbeat)
		assert.Contains(t, s.written(), "id: told")
		assert.NotContains(t, s.written(), "ended")
	})
}

// A stream that waits costs the store nothing.
func TestAStreamThatWaitsCostsTheStoreNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStream(t)
		gets, lists := s.store.gets.Load(), s.store.lists.Load()
		time.Sleep(10 * heartbeat)
		synctest.Wait()
		assert.Equal(t, gets, s.store.gets.Load())
		assert.Equal(t, lists, s.store.lists.Load())
	})
}

func TestStreamsAreBounded(t *testing.T) {
	log := newEventLog()
	var done []func()
	open := func(user string) error {
		closes, err := log.openStream(user)
		done = append(done, closes)
		return err
	}
	for range maxUserStreams {
		require.NoError(t, open("ada"))
	}
	assert.ErrorIs(t, open("ada"), errStreams)
	assert.NoError(t, open("grace"), "others have theirs")
	done[0]()
	assert.NoError(t, open("ada"), "one was closed")

	for user := 0; log.streams < maxStreams; user++ {
		require.NoError(t, open(string(rune('A'+user))))
	}
	assert.ErrorIs(t, open("alan"), errStreams)
}

func TestAStreamTooManyIsRefused(t *testing.T) {
	server := open(t)
	v := newVisitor(t, server)
	v.signIn("ada", ada, "no")
	for range maxUserStreams {
		v.stream("")
	}
	page := v.get("/events")
	assert.Equal(t, http.StatusTooManyRequests, page.status)
	assert.Equal(t, "60", page.header.Get("Retry-After"))
	assert.Equal(t, http.StatusOK, v.get("/").status)
}
