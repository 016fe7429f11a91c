package loginstage

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// maxActor is how long an actor's name can be, in bytes.
const maxActor = 255

// ending returns the ending that a request brings about or, where r is nil, the host.
func (l *UserLogin) ending(r *http.Request, cause session.Cause, actor string) session.Ending {
	return l.endingAbout(r, cause, actor, l.contextOf(r, nil))
}

// endingBroken returns the ending of a session whose binding is broken, and the context
// of its event.
func (l *UserLogin) endingBroken(r *http.Request, moved verdict) (session.Ending, Context) {
	about := l.contextOf(r, &moved)
	ending := l.endingBy(r, session.CauseBroken, "")
	if l.config.DurableEvents { // emitBroken has it without
		ending.Detail = l.detail(session.CauseBroken, about)
	}
	ending.Time, ending.Reason = l.sessions.Now(r.Context()), moved.broken.Reason
	return ending, about
}

// endingAbout returns an ending with what a later event needs.
func (l *UserLogin) endingAbout(r *http.Request, cause session.Cause, actor string, about Context) session.Ending {
	ending := l.endingBy(r, cause, actor)
	ending.Detail = l.detail(cause, about)
	return ending
}

// endingBy returns an ending without a detail.
func (l *UserLogin) endingBy(r *http.Request, cause session.Cause, actor string) session.Ending {
	ending := session.Ending{Cause: cause, Actor: clip(actor, maxActor)}
	if r != nil {
		ending.Client, _ = l.clientIP(r)
	}
	return ending
}

// detail returns what a later event needs, for the detail of an ending.
func (l *UserLogin) detail(cause session.Cause, about Context) json.RawMessage {
	detail, err := json.Marshal(about)
	if err != nil {
		l.config.Logger.Error("loginstage: an ending has no detail", "cause", cause, "error", err)
		return nil
	}
	return detail
}

// onEnd tells of sessions that have ended, all that one step ended together.
func (l *UserLogin) onEnd(ctx context.Context, ended ...session.Ended) {
	if !l.tellsEndings() {
		return
	}
	var events []Event
	var about Context
	var detail json.RawMessage
	for i, one := range ended {
		if one.Ending.Cause == session.CauseBroken {
			continue // emitBroken tells of it, with more than the detail holds
		}
		if i == 0 || !bytes.Equal(detail, one.Ending.Detail) {
			detail = one.Ending.Detail
			about = contextIn(detail)
		}
		if event, ok := l.endedEvent(one, about); ok {
			events = append(events, event)
		}
	}
	l.events.enqueue(ctx, events...)
	if ended[0].Ending.Cause != session.CauseRevoked { // which the call that revokes waits for, once
		l.events.wait()
	}
}

// emitBroken tells of a session that this process has ended because its binding is
// broken.
func (l *UserLogin) emitBroken(ctx context.Context, ended session.Ended, about Context) {
	if !l.tellsEndings() {
		return
	}
	if event, ok := l.endedEvent(ended, about); ok {
		l.events.emit(ctx, event)
	}
}

// tellsEndings reports whether endings are told at once, and not by Deliver or to
// nobody.
func (l *UserLogin) tellsEndings() bool { return !l.config.DurableEvents && l.config.Events != nil }

// contextIn returns the context that is written in an ending's detail. Where that
// cannot be read the event has no context: that the session ended matters more.
func contextIn(detail json.RawMessage) Context {
	var about Context
	if len(detail) > 0 {
		_ = json.Unmarshal(detail, &about)
	}
	return about
}
