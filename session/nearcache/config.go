package nearcache

import (
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

// The range of [Config.MaxStale].
const (
	MinMaxStale = 100 * time.Millisecond
	MaxMaxStale = 10 * time.Second
)

// The defaults of a [Config].
const (
	DefaultMaxSessions = 100_000
	DefaultMaxBytes    = 128 << 20
)

// Config is how much a [Store] believes, and how much it keeps.
type Config struct {
	// MaxStale is for how long a session may be believed to be live that has ended,
	// where nobody can tell of it. From 100 ms to 10 s; there is no default.
	MaxStale time.Duration

	// MaxSessions and MaxBytes bound what is kept. 0: DefaultMaxSessions,
	// DefaultMaxBytes. Bytes are estimated, rather too high.
	MaxSessions int
	MaxBytes    int64
}

// New returns a cache in front of store, or every mistake, joined. A store that is no
// [session.Watcher] is session.ErrNotWatched.
func New(store session.Store, config Config) (*Store, error) {
	var mistakes []error
	var watcher session.Watcher
	if store == nil {
		mistakes = append(mistakes, errors.New("nearcache: the store is nil"))
	} else if w, ok := session.StoreAs[session.Watcher](store); ok {
		watcher = w
	} else {
		mistakes = append(mistakes, fmt.Errorf("nearcache: a %T: %w", store, session.ErrNotWatched))
	}
	if config.MaxStale < MinMaxStale || config.MaxStale > MaxMaxStale {
		mistakes = append(mistakes, fmt.Errorf("nearcache: MaxStale %s: want %s to %s", config.MaxStale, MinMaxStale, MaxMaxStale))
	}
	if config.MaxSessions < 0 {
		mistakes = append(mistakes, fmt.Errorf("nearcache: MaxSessions %d: want 0 for %d, or above", config.MaxSessions, DefaultMaxSessions))
	}
	if config.MaxBytes < 0 {
		mistakes = append(mistakes, fmt.Errorf("nearcache: MaxBytes %d: want 0 for %d, or above", config.MaxBytes, DefaultMaxBytes))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	if config.MaxSessions == 0 {
		config.MaxSessions = DefaultMaxSessions
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = DefaultMaxBytes
	}
	s := &Store{Store: store, watcher: watcher, config: config}
	s.clock.process = time.Now
	s.clock.source, _ = session.StoreAs[session.Clock](store)
	for i := range s.shards {
		s.shards[i].entries = map[session.ID]*entry{}
	}
	return s, nil
}
