package redisbase

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

var _ session.Watcher = (*Store)(nil)

// The scripts publish each change in the step that makes it. In a Cluster that is on
// a channel of the shard, which is in the slot of the shard's keys; elsewhere there
// is one channel:
//
//	mooring:{Ab}:changes             the changes of the shard, by SPUBLISH
//	mooring:changes                  all changes, by PUBLISH
//	mooring:{Ab}:beat:<random text>  what one Watch sends to itself
//
// A change is a letter, the session ID, a word, a space and the user:
//
//	E<session ID><cause> <user>      it ended
//	U<session ID><reason> <user>     a drift was added; the reason is why it is restricted
//
// A Watch sends to itself a number, by a script that only a master runs and on the
// connection that brings the changes: what was published before it comes before it.
const (
	endedLetter   = "E"
	updatedLetter = "U"
)

// updated returns what to publish about a session that was changed.
func updated(after session.Session) string {
	return updatedLetter + after.ID.String() + string(after.Drift.Restricted) + " " + after.User
}

// idLen is the length of a session ID's text.
const idLen = 45

// parseChange reads a message of a channel of changes. One of an unknown form, as
// a later release may publish, is false.
func parseChange(message string) (session.Change, bool) {
	if len(message) < 1+idLen {
		return session.Change{}, false
	}
	id, err := session.ParseID(message[1 : 1+idLen])
	word, user, spaced := strings.Cut(message[1+idLen:], " ")
	if err != nil || !spaced {
		return session.Change{}, false
	}
	change := session.Change{ID: id, User: user}
	switch message[:1] {
	case endedLetter:
		change.Kind, change.Cause = session.ChangeEnded, session.Cause(word)
	case updatedLetter:
		change.Kind, change.Restricted = session.ChangeUpdated, binding.Reason(word)
	default:
		return session.Change{}, false
	}
	return change, true
}

// The pauses between attempts to connect.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// Watch tells of changes, as [session.Watcher] says. It has one connection to the
// server, or to each master of a Cluster, besides the client's pool, and follows a
// failover and the move of slots. It hears them in the order of the server, and knows
// by what it sends to itself every so often that it hears.
//
// While the nodes of a Cluster hand over a slot, what its new owner publishes before
// the old owner has heard of it is not told: the milliseconds until ChangeLost, after
// which ChangeConnected says so.
func (s *Store) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	if every <= 0 {
		every = session.DefaultWatchEvery
	}
	pause, said := firstPause, false
	for {
		connected, err := s.hear(ctx, every, tell)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if connected {
			pause = firstPause
		}
		if connected || !said {
			tell(session.Change{Kind: session.ChangeLost, Err: s.failed("watching", err)})
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// A node is a server whose changes one connection brings.
type node struct {
	master     Master
	channels   []string
	shard      string    // one of those that it has
	beat       string    // the channel of what Watch sends to itself
	subscribed bool      // the server has said so
	heard      time.Time // when the latest beat that came from it was sent
}

// nodes returns the servers that have shards, with the channels of each.
func (s *Store) nodes(ctx context.Context) ([]*node, error) {
	byChannel := map[string]string{} // the shard of each channel of a Cluster
	var channels []string
	for group := range shardsFrom(0) {
		for _, shard := range group {
			channel := s.base(shard.name) + "changes"
			byChannel[channel] = shard.name
			channels = append(channels, channel)
		}
	}
	masters, err := s.client.Masters(ctx, channels)
	if err != nil {
		return nil, err
	}
	name := rand.Text()
	var all []*node
	for _, master := range masters {
		shard := byChannel[master.Keys[0]]
		n := &node{master: master, shard: shard, beat: s.base(shard) + "beat:" + name}
		if s.cluster {
			n.channels = append([]string{n.beat}, master.Keys...)
		} else {
			n.channels = []string{n.beat, s.config.Prefix + ":changes"}
		}
		all = append(all, n)
	}
	return all, nil
}

// A hearing is what all connections of a Watch have heard.
type hearing struct {
	every time.Duration
	mu    sync.Mutex // held while the fields are changed, and while tell is called
	tell  func(session.Change)
	nodes []*node

	subscribed chan struct{} // has a value when one more node is

	sent      map[int]time.Time // when each beat was
	heard     time.Time         // up to when all has been told
	connected bool              // a beat came from each node
	beatErr   error             // why the latest beat could not be sent
}

// hear connects and tells of changes until that fails. It returns whether it was
// connected, and why it is no longer.
func (s *Store) hear(ctx context.Context, every time.Duration, tell func(session.Change)) (connected bool, err error) {
	nodes, err := s.nodes(ctx)
	if err != nil {
		return false, err
	}
	h := &hearing{every: every, tell: tell, nodes: nodes, sent: map[int]time.Time{}, subscribed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, n := range nodes {
		running.Go(func() { cancel(s.receive(ctx, h, n)) })
	}
	running.Go(func() { s.beats(ctx, h) })
	running.Wait()
	return h.connected, errors.Join(context.Cause(ctx), h.beatErr)
}

// receive passes on what comes from a node, until that fails.
func (s *Store) receive(ctx context.Context, h *hearing, n *node) error {
	patience := max(session.LostAfter*h.every, minPatience)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(patience, func() { cancel(fmt.Errorf("nothing was heard for %s", patience)) })
	defer silence.Stop()
	err := n.master.Listen(ctx, n.channels, func() { h.ready(n) }, func(channel, message string) {
		if channel == n.beat {
			silence.Reset(patience)
			h.beat(n, message)
		} else if change, ok := parseChange(message); ok {
			h.pass(change)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("receiving from %s: %w", n.master.Addr, err)
}

// minPatience is how long a Watch waits for its beats at the least: a server, and this
// process, may be slow for so long.
const minPatience = time.Second

// beats sends a number to each node that is subscribed to, every so often.
func (s *Store) beats(ctx context.Context, h *hearing) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for number := 0; ; number++ {
		for _, n := range h.sending(number) {
			beat, cancel := context.WithTimeout(ctx, max(session.LostAfter*h.every, minPatience))
			_, _, err := s.run(beat, beatScript, n.shard, nil, n.beat, number)
			cancel()
			h.failedBeat(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.subscribed: // not to wait for the first
		}
	}
}

// ready notes that the server has the subscriptions.
func (h *hearing) ready(n *node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n.subscribed = true
	select {
	case h.subscribed <- struct{}{}:
	default:
	}
}

// sending notes when a beat is sent, and returns the nodes to send it to.
func (h *hearing) sending(number int) []*node {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent[number] = time.Now()
	delete(h.sent, number-keptBeats)
	var ready []*node
	for _, n := range h.nodes {
		if n.subscribed {
			ready = append(ready, n)
		}
	}
	return ready
}

// keptBeats is of how many beats it is known when they were sent.
const keptBeats = 64

func (h *hearing) failedBeat(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beatErr = err
}

// beat takes a beat that came from a node. Once each node has sent one, all changes
// are told; what was published before the earliest of them has come.
func (h *hearing) beat(n *node, number string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := strconv.Atoi(number)
	sent, known := h.sent[at]
	if err != nil || !known || !sent.After(n.heard) {
		return
	}
	n.heard = sent
	for _, other := range h.nodes {
		if other.heard.Before(sent) {
			sent = other.heard
		}
	}
	switch {
	case sent.IsZero():
	case !h.connected:
		h.connected, h.heard = true, time.Now()
		h.tell(session.Change{Kind: session.ChangeConnected, Heard: h.heard})
	case sent.After(h.heard):
		h.heard = sent
		h.tell(session.Change{Kind: session.ChangeHeard, Heard: sent})
	}
}

// pass tells of a change, once Watch is connected.
func (h *hearing) pass(change session.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connected {
		h.tell(change)
	}
}
