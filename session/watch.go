package session

import (
	"context"
	"errors"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// ErrNotWatched is returned by [Watcher.Watch] where the store is set up in such a
// way that it cannot tell of changes.
var ErrNotWatched = errors.New("session: the store cannot tell of changes")

// A Watcher is a [Store] that tells of the changes of its records as they happen,
// whichever process makes them.
type Watcher interface {
	Store

	// Watch calls tell with each change until ctx ends, and returns ctx's error
	// then. It connects again by itself where a connection is lost. It returns
	// [ErrNotWatched] if it can never tell, and makes no goroutine that outlives it.
	// Any number of calls may run at a time.
	//
	// every is how often Watch shows by a [ChangeHeard] that it still hears, for
	// which it sends something through the same channel as the changes; a store that
	// looks for changes looks so often. 0: [DefaultWatchEvery]. Where it has heard
	// nothing for [LostAfter] times as long, and for a second at the least, it says
	// [ChangeLost].
	//
	// tell is called by one goroutine at a time, first with ChangeConnected or
	// ChangeLost. Changes of one session come in the order in which they were made,
	// and one may be told twice. tell must not block: a caller that is too slow is
	// told ChangeLost and ChangeConnected rather than each change.
	Watch(ctx context.Context, every time.Duration, tell func(Change)) error
}

const (
	// DefaultWatchEvery is how often a Watch shows that it hears.
	DefaultWatchEvery = time.Second
	// LostAfter is how many times its interval a Watch waits for what it has sent
	// to itself.
	LostAfter = 3
)

// A ChangeKind says what a [Change] is. The constants below are all there are in
// this release; of one that a later release adds, nothing is known but its ID.
type ChangeKind uint8

// The kinds of change.
const (
	// ChangeEnded: the record ended, for Cause. One that goes on under another
	// token ends with [CauseRenewed] or [CauseReplaced]. A record that the store
	// forgets since it reached a limit is not told: it is for the reader of a record to
	// heed its limits.
	ChangeEnded ChangeKind = iota + 1

	// ChangeUpdated: a drift was added to the record, or [Store.Update] changed it.
	// Restricted says whether its drift restricts it. A use without a drift, LastSeen
	// and IP, is not told.
	ChangeUpdated

	// ChangeConnected: each change that is made from Heard on will be told.
	// Changes before it may have been missed.
	ChangeConnected

	// ChangeHeard: each change that was made between the latest ChangeConnected and
	// Heard has been told.
	ChangeHeard

	// ChangeLost: changes that are made from now on may be missed, until the next
	// ChangeConnected.
	ChangeLost
)

// A Change is what a [Watcher] tells.
type Change struct {
	Kind ChangeKind

	// ID and User are whose record changed. Of a record that a later release wrote
	// User may be empty.
	ID   ID
	User string

	Cause      Cause          // of ChangeEnded; empty: not known
	Restricted binding.Reason // of ChangeUpdated: why the drift restricts the session; empty: it does not

	// Heard is the instant of ChangeConnected and ChangeHeard: an earlier reading of
	// this process's clock, with its monotonic part.
	Heard time.Time

	// Err is why changes may be missed, of ChangeLost; nil: the caller was too slow.
	Err error
}
