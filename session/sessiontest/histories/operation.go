package histories

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// An operation is one call of a store. Which of the fields count depends on the
// method.
type operation struct {
	method  string
	id      session.ID
	user    string
	session session.Session
	replace session.Replace
	seen    session.Seen
	change  session.Update
	keep    session.ID
	ending  session.Ending
	kinds   []session.Kind // of EndUser and List; none: all
	now     time.Time
}

// A result is what a store answers, in a form that can be compared: what comes
// in no particular order is sorted, and nothing is nil.
type result struct {
	fault    fault
	sessions []session.Session
	ended    []session.Ended
	swept    session.Swept
	surplus  []session.ID // of a *LimitError
}

// A fault is an error that the contract names.
type fault string

const (
	exists   fault = "ErrExists"
	notFound fault = "ErrNotFound"
	over     fault = "*EndedError" // what it tells is the result's ended
	conflict fault = "ErrConflict" // of Update: with the session as it is
	limit    fault = "*LimitError" // with the surplus
)

func (r result) equal(other result) bool { return reflect.DeepEqual(r, other) }

// call makes the operation. An error is one that the contract does not name.
func (o operation) call(ctx context.Context, store session.Store) (result, error) {
	var r result
	var err error
	switch o.method {
	case "Start":
		r.ended, err = store.Start(ctx, o.session, o.replace)
	case "Get":
		r.sessions, err = one(store.Get(ctx, o.id))
	case "Touch":
		err = store.Touch(ctx, o.id, o.seen)
	case "Update":
		r.sessions, err = one(store.Update(ctx, o.id, o.change))
		if errors.Is(err, session.ErrConflict) {
			r.fault = conflict
			return r, nil
		}
	case "End":
		r.sessions, err = one(store.End(ctx, o.id, o.ending))
	case "EndUser":
		r.sessions, err = store.EndUser(ctx, o.user, o.keep, o.ending, o.kinds...)
	case "List":
		r.sessions, err = store.List(ctx, o.user, o.kinds...)
	case "Sweep":
		r.swept, err = store.Sweep(ctx, o.now)
	}
	if err != nil {
		return faulty(err)
	}
	return r.sorted(o.method), nil
}

func one(s session.Session, err error) ([]session.Session, error) { return []session.Session{s}, err }

func faulty(err error) (result, error) {
	told, ended := errors.AsType[*session.EndedError](err)
	denied, limited := errors.AsType[*session.LimitError](err)
	switch {
	case limited:
		return result{fault: limit, surplus: denied.Surplus}, nil
	case errors.Is(err, session.ErrConflict):
		return result{fault: conflict}, nil
	case ended:
		return result{fault: over, ended: []session.Ended{told.Ended}}, nil
	case errors.Is(err, session.ErrExists):
		return result{fault: exists}, nil
	case errors.Is(err, session.ErrNotFound):
		return result{fault: notFound}, nil
	}
	return result{}, fmt.Errorf("histories: the store failed: %w", err)
}

func (r result) sorted(method string) result {
	if method == "EndUser" {
		slices.SortFunc(r.sessions, func(a, b session.Session) int { return byID(a.ID, b.ID) })
	}
	slices.SortFunc(r.ended, func(a, b session.Ended) int { return byID(a.Session.ID, b.Session.ID) })
	if len(r.sessions) == 0 {
		r.sessions = nil
	}
	if len(r.ended) == 0 {
		r.ended = nil
	}
	return r
}

func byID(a, b session.ID) int { return cmp.Compare(a.String(), b.String()) }

// String returns the call as a line of a report.
func (o operation) String() string {
	switch o.method {
	case "Start":
		s, r := o.session, o.replace
		return fmt.Sprintf("Start(%s of %q, %s, created %s, deadline %s; answers %s, renews %s, before %s, others %t, max %d, deny %t, tenant %q %t, version %d)",
			short(s.ID), s.User, s.Kind, clock(s.Created), clock(s.Deadline()), short(r.Answers), short(r.Renews), short(r.Before), r.Others, r.Max, r.Deny, s.Tenant, r.PerTenant, r.Version)
	case "Touch":
		return fmt.Sprintf("Touch(%s, %s from %s, %d moves)", short(o.id), clock(o.seen.Time), o.seen.IP, len(o.seen.Drift.Moves))
	case "Update":
		return fmt.Sprintf("Update(%s, version %d, %q, require %q, complete %q)", short(o.id), o.change.Version, o.change.Value, o.change.Require, o.change.Complete)
	case "End":
		return fmt.Sprintf("End(%s, by %s, keep %s)", short(o.id), o.ending.Actor, clock(o.ending.Keep))
	case "EndUser":
		return fmt.Sprintf("EndUser(%q, kinds %q, but %s, by %s, keep %s)", o.user, o.kinds, short(o.keep), o.ending.Actor, clock(o.ending.Keep))
	case "List":
		return fmt.Sprintf("List(%q, kinds %q)", o.user, o.kinds)
	case "Sweep":
		return fmt.Sprintf("Sweep(%s)", clock(o.now))
	}
	return fmt.Sprintf("%s(%s)", o.method, short(o.id))
}

// String returns the answer as a line of a report.
func (r result) String() string {
	text := string(r.fault)
	for _, s := range r.sessions {
		text += fmt.Sprintf(" %s %s live, seen %s from %s, %d moves, version %d %q %q;",
			s.Kind, short(s.ID), clock(s.LastSeen), s.IP, len(s.Drift.Moves), s.Version, s.Value, s.Required)
	}
	for _, e := range r.ended {
		text += fmt.Sprintf(" %s seen %s ended %s by %s, keep %s;",
			short(e.Session.ID), clock(e.Session.LastSeen), e.Ending.Cause, e.Ending.Actor, clock(e.Ending.Keep))
	}
	if r.swept != (session.Swept{}) {
		text += fmt.Sprintf(" %+v", r.swept)
	}
	return cmp.Or(text, "nothing")
}

func short(id session.ID) string {
	if id.IsZero() {
		return "none"
	}
	return id.String()[len(id.String())-6:]
}

func clock(t time.Time) string { return t.Format("15:04:05.999999999") }
