package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mooring-go/mooring/loginstage"
)

// DefaultEvery is how often [Follow] looks where [Following.Every] does not say.
const DefaultEvery = 5 * time.Second

// sourceTimeout is how long a source has to answer.
const sourceTimeout = 10 * time.Second

// A Source returns the settings that are to hold, whole, and whose doing they are: a user ID
// or a name of the host's, for the event. It has to heed ctx, which ends after ten seconds.
type Source func(ctx context.Context) (s loginstage.Settings, actor string, err error)

// Following says what [Follow] follows. Login and Source are required.
type Following struct {
	Login  *loginstage.UserLogin
	Source Source

	// Every is how often Source is asked, at least a millisecond. 0: DefaultEvery.
	Every time.Duration

	// Logger is told of a source that fails and of settings that have mistakes, once
	// until something else happens. nil: slog.Default().
	Logger *slog.Logger
}

// Follow asks the source now and then, and applies to the stage what it says, until ctx
// ends; it returns ctx's error then. A host runs it in each process, on a goroutine of its
// own, so that all of them come to have the settings of one source: at the latest after
// twice Every and what the source takes.
//
// Settings are applied once the source has said the same twice in a row, so that a file that
// is half written is not; write a file beside the old one and rename it all the same. Where
// the source fails, panics, or has a mistake, the settings stay as they are. The source has
// the last word: what is applied to the stage in another way holds until Follow looks next.
//
// A Following that cannot be followed is an error at once.
func Follow(ctx context.Context, f Following) error {
	if f.Login == nil || f.Source == nil || f.Every < 0 || (f.Every > 0 && f.Every < time.Millisecond) {
		return fmt.Errorf("settings: following: want a Login, a Source, and an Every of 0 or at least %s", time.Millisecond)
	}
	if f.Every == 0 {
		f.Every = DefaultEvery
	}
	if f.Logger == nil {
		f.Logger = slog.Default()
	}
	looking := time.NewTicker(f.Every)
	defer looking.Stop()
	var seen follower
	for {
		seen.look(ctx, f)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-looking.C:
		}
	}
}

// follower is what one Follow remembers.
type follower struct {
	said   []byte // what the source said last; nil: it failed
	failed string // what was logged last; "": what was tried last worked
}

// look asks the source once, and applies what it says if it has said so before.
func (p *follower) look(ctx context.Context, f Following) {
	settings, actor, err := ask(ctx, f.Source)
	var said []byte
	if err == nil {
		said, err = json.Marshal(settings)
	}
	settled := err == nil && bytes.Equal(said, p.said)
	p.said = said
	if settled {
		err = f.Login.Apply(ctx, settings, actor)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && err.Error() != p.failed:
		p.failed = err.Error()
		f.Logger.ErrorContext(ctx, "settings: the settings stay as they are", "error", err)
	case err == nil && settled:
		p.failed = ""
	}
}

// ask asks the source, in bounded time if it heeds its context, and has an error for a panic.
func ask(ctx context.Context, source Source) (s loginstage.Settings, actor string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("settings: the source panicked: %v", p)
		}
	}()
	s, actor, err = source(ctx)
	if err == nil && ctx.Err() != nil {
		err = errors.Join(errors.New("settings: the source answered too late"), ctx.Err())
	}
	return s, actor, err
}
