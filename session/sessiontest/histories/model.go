package histories

import (
	"maps"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A model is what the contract says that a store holds. It is never changed:
// a step makes another one.
type model map[session.ID]entry

// An entry is a live session, or one whose ending is kept.
type entry struct {
	session session.Session
	ending  *session.Ending // nil: it is live
}

func (e entry) live() bool { return e.ending == nil }

// answer returns what a step on the session of the ID says if that is not live.
func (m model) answer(id session.ID) (entry, result, bool) {
	e, known := m[id]
	switch {
	case !known:
		return e, result{fault: notFound}, false
	case !e.live():
		return e, result{fault: over, ended: []session.Ended{{Session: e.session, Ending: *e.ending}}}, false
	}
	return e, result{sessions: []session.Session{e.session}}, true
}

// step returns what the store holds after the operation and what it may answer,
// more than one answer is right where two errors apply.
func (m model) step(o operation) (model, []result) {
	switch o.method {
	case "Start":
		return m.start(o.session, o.replace)
	case "EndUser":
		next, ended := m.end(func(s session.Session) bool { return s.User == o.user && s.ID != o.keep && of(s.Kind, o.kinds) }, o.ending)
		var r result
		for _, e := range ended {
			r.sessions = append(r.sessions, e.Session)
		}
		return next, []result{r.sorted(o.method)}
	case "List":
		return m, []result{{sessions: m.list(o.user, o.kinds...)}}
	case "Sweep":
		next := maps.Clone(m)
		maps.DeleteFunc(next, func(_ session.ID, e entry) bool {
			limit := e.session.Deadline()
			if !e.live() {
				limit = e.ending.Keep
			}
			return !limit.After(o.now)
		})
		return next, []result{{swept: session.Swept{Forgotten: len(m) - len(next)}}}
	}

	e, answer, live := m.answer(o.id)
	if live {
		switch o.method {
		case "Touch":
			answer.sessions = nil
			e.session.Apply(o.seen, time.Now())
			m = m.with(e)
		case "Update":
			if e.session.Update(o.change) != nil {
				answer.fault = conflict
				break
			}
			answer.sessions = []session.Session{e.session}
			m = m.with(e)
		case "End":
			m, _ = m.end(func(s session.Session) bool { return s.ID == o.id }, o.ending)
		}
	}
	return m, []result{answer}
}

func (m model) start(s session.Session, replace session.Replace) (model, []result) {
	var faults []result
	if _, known := m[s.ID]; known {
		faults = append(faults, result{fault: exists})
	}
	for _, want := range []struct {
		id   session.ID
		kind session.Kind
	}{{replace.Answers, session.KindPending}, {replace.Renews, session.KindSession}} {
		if want.id.IsZero() {
			continue
		}
		named, answer, live := m.answer(want.id)
		switch {
		case !live:
			faults = append(faults, answer)
		case named.session.User != s.User || named.session.Kind != want.kind:
			faults = append(faults, result{fault: notFound})
		case want.kind == session.KindSession && named.session.Version != replace.Version:
			faults = append(faults, result{fault: conflict})
		}
	}
	if len(faults) > 0 {
		return m, faults
	}

	before := m
	var r result
	end := func(cause session.Cause, which func(session.Session) bool) {
		var ended []session.Ended
		m, ended = m.end(which, replace.Because(cause))
		r.ended = append(r.ended, ended...)
	}
	// One after the other: what has ended for one cause does not end for the next.
	end(session.CauseAnswered, func(other session.Session) bool { return other.ID == replace.Answers })
	end(session.CauseRenewed, func(other session.Session) bool { return other.ID == replace.Renews })
	end(session.CauseReplaced, func(other session.Session) bool {
		shared := other.User == s.User || s.Kind != session.KindDevice
		return other.ID == replace.Before && other.Kind == s.Kind && shared
	})
	if replace.Others {
		end(session.CauseTerminated, func(other session.Session) bool {
			return other.User == s.User && other.Kind == session.KindSession
		})
	}
	if replace.Max > 0 {
		latest := slices.DeleteFunc(m.list(s.User, s.Kind), func(other session.Session) bool {
			return !other.Deadline().After(s.Created) || (replace.PerTenant && other.Tenant != s.Tenant)
		})
		if surplus := latest[min(replace.Max-1, len(latest)):]; replace.Deny && len(surplus) > 0 {
			denied := result{fault: limit}
			for _, oldest := range slices.Backward(surplus) {
				denied.surplus = append(denied.surplus, oldest.ID)
			}
			return before, []result{denied}
		}
		for _, oldest := range latest[min(replace.Max-1, len(latest)):] {
			end(session.CauseMaxSessions, func(other session.Session) bool { return other.ID == oldest.ID })
		}
	}
	return m.with(entry{session: s}), []result{r.sorted("Start")}
}

// with returns m with the entry.
func (m model) with(e entry) model {
	next := make(model, len(m)+1)
	maps.Copy(next, m)
	next[e.session.ID] = e
	return next
}

// end ends the live sessions that which chooses.
func (m model) end(which func(session.Session) bool, ending session.Ending) (model, []session.Ended) {
	next := maps.Clone(m)
	var ended []session.Ended
	for id, e := range m {
		if e.live() && which(e.session) {
			next[id] = entry{e.session, &ending}
			ended = append(ended, session.Ended{Session: e.session, Ending: ending})
		}
	}
	return next, ended
}

// list returns the user's live records of the kinds, the latest sign-in first.
func (m model) list(user string, kinds ...session.Kind) []session.Session {
	var live []session.Session
	for _, e := range m {
		if e.live() && e.session.User == user && of(e.session.Kind, kinds) {
			live = append(live, e.session)
		}
	}
	slices.SortFunc(live, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return live
}

// of reports whether the kind is one of kinds, where none means any.
func of(kind session.Kind, kinds []session.Kind) bool {
	return len(kinds) == 0 || slices.Contains(kinds, kind)
}
