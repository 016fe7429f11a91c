package settings_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/settings"
	"github.com/mooring-go/mooring/session/memstore"
)

// kept is a source that the host writes to.
type kept struct {
	mu    sync.Mutex
	s     loginstage.Settings
	actor string
	err   error
	panic bool
	hang  bool
	asked int
}

func (k *kept) read(ctx context.Context) (loginstage.Settings, string, error) {
	k.mu.Lock()
	k.asked++
	s, actor, err, panics, hangs := k.s, k.actor, k.err, k.panic, k.hang
	k.mu.Unlock()
	if panics {
		panic("no source")
	}
	if hangs {
		<-ctx.Done()
	}
	return s, actor, err
}

func (k *kept) write(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// follow has each stage follow the source until the test's bubble ends.
func follow(t *testing.T, source *kept, logs *bytes.Buffer, stages ...*loginstagetest.Stage) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, stage := range stages {
		running.Go(func() {
			err := settings.Follow(ctx, settings.Following{Login: stage.UserLogin, Source: source.read, Logger: slog.New(slog.NewTextHandler(logs, nil))})
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	t.Cleanup(func() { stop(); running.Wait() })
}

// pass lets time pass, and what is done meanwhile be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// All processes come to have what the source has, within twice the time between looks, and
// tell of it once each.
func TestFollowReachesAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		stages := []*loginstagetest.Stage{
			loginstagetest.New(t, loginstage.Config{Store: store}), loginstagetest.New(t, loginstage.Config{Store: store, LoginURL: "/drifted"}),
		}
		source := &kept{s: stages[0].Settings(), actor: "ada"}
		var logs bytes.Buffer
		follow(t, source, &logs, stages...)
		pass(time.Second)
		source.write(func() { source.s.LoginURL, source.actor = "/door", "grace" })
		pass(2 * settings.DefaultEvery)
		for _, stage := range stages {
			assert.Equal(t, "/door", stage.Settings().LoginURL)
			events := stage.Events.Of(loginstage.ActionSettings)
			if assert.NotEmpty(t, events) {
				assert.Equal(t, "grace", events[len(events)-1].Actor)
			}
		}
		pass(time.Minute)
		assert.Len(t, stages[0].Events.Of(loginstage.ActionSettings), 1)
		assert.Empty(t, logs.String())

		// What is applied past the source does not last.
		require.NoError(t, stages[1].Apply(t.Context(), loginstage.Settings{Origin: stages[1].Settings().Origin}, "eve"))
		pass(2 * settings.DefaultEvery)
		assert.Equal(t, "/door", stages[1].Settings().LoginURL)
	})
}

// What a source has for a moment, such as half of a file, is not applied.
func TestFollowWaitsUntilTheSourceHasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login"})
		whole := stage.Settings()
		source := &kept{s: whole}
		follow(t, source, new(bytes.Buffer), stage)
		pass(settings.DefaultEvery - time.Second)
		for range 10 {
			source.write(func() { source.s = loginstage.Settings{Origin: whole.Origin} })
			pass(2 * time.Second)
			source.write(func() { source.s = whole })
			pass(2*settings.DefaultEvery - 2*time.Second)
		}
		assert.Empty(t, stage.Events.Events())
	})
}

// A source that fails, and settings with a mistake, change nothing and are logged once.
func TestFollowKeepsTheSettingsWhereItCannotTell(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*kept)
		want  string
	}{
		"an error": {func(k *kept) { k.err = errors.New("the disk is gone") }, "the disk is gone"},
		"a panic":  {func(k *kept) { k.panic = true }, "the source panicked: no source"},
		"late":     {func(k *kept) { k.hang = true }, "answered too late"},
		"mistakes": {func(k *kept) { k.s.LoginURL, k.s.MaxSessions = "//evil.example", -1 }, "LoginURL"},
		"a number": {func(k *kept) { k.s.Preset = 99 }, "MarshalText"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login"})
				before := stage.Settings()
				source := &kept{s: before}
				var logs bytes.Buffer
				follow(t, source, &logs, stage)
				pass(time.Minute)
				source.write(func() { test.spoil(source) })
				pass(5 * time.Minute)
				assert.Equal(t, before, stage.Settings())
				assert.Equal(t, 1, strings.Count(logs.String(), "\n"), logs.String())
				assert.Contains(t, logs.String(), test.want)
				assert.Contains(t, logs.String(), "level=ERROR")

				source.write(func() {
					source.err, source.panic, source.hang, source.s = nil, false, false, before
					source.s.LoginURL = "/door"
				})
				pass(time.Minute)
				assert.Equal(t, "/door", stage.Settings().LoginURL)
				source.write(func() { test.spoil(source) })
				pass(time.Minute)
				assert.Equal(t, 2, strings.Count(logs.String(), "\n"), "a failure after it worked is another one")
			})
		})
	}
}

func TestFollowWithoutWhatItNeeds(t *testing.T) {
	login, err := loginstage.New(loginstage.Config{})
	require.NoError(t, err)
	source := (&kept{}).read
	for _, following := range []settings.Following{
		{}, {Login: login}, {Source: source}, {Login: login, Source: source, Every: -1}, {Login: login, Source: source, Every: time.Microsecond},
	} {
		assert.ErrorContains(t, settings.Follow(t.Context(), following), "want a Login, a Source, and an Every", fmt.Sprint(following.Every))
	}
}

func TestFollowLooksAsOftenAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{})
		source := &kept{s: stage.Settings()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute-1)
		defer cancel()
		err := settings.Follow(ctx, settings.Following{Login: stage.UserLogin, Source: source.read, Every: 20 * time.Second})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3, source.asked)
	})
}
