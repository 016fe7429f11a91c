package histories

import (
	"maps"
	"slices"

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

// answer is what a step on the session of the ID says if that is not live.
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
// of which there is more than one where two errors apply.
func (m model) step(o operation) (model, []result) {
	switch o.method {
	case "Start":
		return m.start(o.session, o.replace)
	case "EndUser":
		next, ended := m.end(func(s session.Session) bool { return s.User == o.user && s.ID != o.keep }, o.ending)
		var r result
		for _, e := range ended {
			r.sessions = append(r.sessions, e.Session)
		}
		return next, []result{r.sorted(o.method)}
	case "List":
		return m, []result{{sessions: m.list(o.user)}}
	case "Sweep":
		next := maps.Clone(m)
		maps.DeleteFunc(next, func(_ session.ID, e entry) bool {
			limit := e.session.Deadline()
			if !e.live() {
				limit = e.ending.Keep
			}
			return !limit.After(o.now)
		})
		return next, []result{{forgotten: len(m) - len(next)}}
	}

	e, answer, live := m.answer(o.id)
	if live {
		switch o.method {
		case "Touch":
			answer.sessions = nil
			e.session.Apply(o.seen)
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
	if replace.FromPending {
		from, answer, live := m.answer(replace.From)
		switch {
		case !live:
			faults = append(faults, answer)
		case !from.session.Pending:
			faults = append(faults, result{fault: notFound})
		}
	}
	if len(faults) > 0 {
		return m, faults
	}

	var r result
	end := func(which func(session.Session) bool, cause session.Cause) {
		var ended []session.Ended
		m, ended = m.end(which, replace.Because(cause))
		r.ended = append(r.ended, ended...)
	}
	signedIn := func(other session.Session) bool { return other.User == s.User && !other.Pending }
	if from := m[replace.From]; from.session.Pending {
		end(func(other session.Session) bool { return other.ID == replace.From }, session.CauseAnswered)
	} else {
		end(func(other session.Session) bool { return other.ID == replace.From }, session.CauseReplaced)
	}
	if replace.Others {
		end(signedIn, session.CauseTerminated)
	}
	if replace.Max > 0 {
		latest := m.list(s.User)
		latest = slices.DeleteFunc(latest, func(other session.Session) bool {
			return !signedIn(other) || !other.Deadline().After(s.Created)
		})
		for _, oldest := range latest[min(replace.Max-1, len(latest)):] {
			end(func(other session.Session) bool { return other.ID == oldest.ID }, session.CauseMaxSessions)
		}
	}
	return m.with(entry{session: s}), []result{r.sorted("Start")}
}

// with is m with the entry.
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

// list is the live sessions of the user, the latest sign-in first.
func (m model) list(user string) []session.Session {
	var live []session.Session
	for _, e := range m {
		if e.live() && e.session.User == user {
			live = append(live, e.session)
		}
	}
	slices.SortFunc(live, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return live
}
