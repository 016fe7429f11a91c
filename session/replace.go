package session

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Replace says which live records [Store.Start] ends when it makes a new one
// live. The zero value is none. What ends for which reason is decided by
// [Replace.Choose], for all stores.
type Replace struct {
	// Answers is the pending session whose challenge was answered. Unless it is
	// live, pending and of the new one's user, Start does nothing: it returns
	// *EndedError if it has ended, and ErrNotFound otherwise. It ends with
	// CauseAnswered.
	Answers ID

	// Renews is the session that goes on as the new one. Unless it is live,
	// signed in and of the new one's user, Start does nothing, as for Answers. It
	// ends with CauseRenewed.
	Renews ID

	// Version is the Version that Renews has to have, so that no Update of it is lost, and
	// nothing that a Touch adds to its Drift: a restriction or a device key, say.
	// With another one Start does nothing, and is ErrConflict.
	Version uint64

	// Before is what the same client had until now: if it is live and of the new
	// one's kind it ends with CauseReplaced. A session may be of another user; a
	// remembered device may not.
	Before ID

	// Others ends all other signed-in sessions of the user: CauseTerminated.
	Others bool

	// Max, if above 0, is how many live records of its kind the user may have
	// once the new one is live, which counts. The oldest over it end with
	// CauseMaxSessions. A record whose Deadline is at or before the new one's
	// Created does not count and is not ended.
	Max int

	// Deny has Start do nothing where Max would end a record: it returns a
	// *LimitError.
	Deny bool

	// PerTenant has Max count the records of the new one's Tenant alone.
	PerTenant bool

	// Ending is what to record with what is ended. Its Cause is set as said above.
	Ending Ending
}

// Because returns the ending to record with a session that ends for cause.
func (r Replace) Because(cause Cause) Ending {
	ending := r.Ending
	ending.Cause = cause
	return ending
}

// A Candidate is a live record as [Replace.Choose] judges it.
type Candidate struct {
	ID       ID
	User     string
	Kind     Kind
	Created  time.Time
	Deadline time.Time // [Session.Deadline]
	Tenant   string    // counts for Replace.PerTenant alone
	Version  uint64    // counts for Replace.Renews alone
}

// Candidate returns s as [Replace.Choose] judges it.
func (s Session) Candidate() Candidate {
	return Candidate{ID: s.ID, User: s.User, Kind: s.Kind, Created: s.Created, Deadline: s.Deadline(), Tenant: s.Tenant, Version: s.Version}
}

// A Victim is a live record that a new one ends, and why.
type Victim struct {
	ID    ID
	Cause Cause
}

// Choose returns which of the live records s ends, each once, the oldest first.
// live are those of the user of s, of any kind and in any order, and the record
// that r.Before names, if it lives, of any user. A record may be there twice. Choose
// returns ErrNotFound if what r.Answers or r.Renews names is not among them as it has
// to be, ErrConflict if the one to renew has another Version than r, and a
// [*LimitError] where r.Deny says.
//
// It is for stores: each calls it in the step that makes s live.
func (r Replace) Choose(s Session, live []Candidate) ([]Victim, error) {
	live = slices.Clone(live)
	slices.SortFunc(live, func(a, b Candidate) int {
		if order := a.Created.Compare(b.Created); order != 0 {
			return order
		}
		return cmp.Compare(a.ID.String(), b.ID.String())
	})
	live = slices.CompactFunc(live, func(a, b Candidate) bool { return a.ID == b.ID })

	causes := make([]Cause, len(live))
	answered, renewed := r.Answers.IsZero(), r.Renews.IsZero()
	conflict := false
	stay := 0 // of those that Max counts
	for i, c := range live {
		causes[i] = r.causeFor(s, c)
		answered = answered || causes[i] == CauseAnswered
		if causes[i] == CauseRenewed {
			renewed, conflict = true, c.Version != r.Version
		}
		if causes[i] == "" && r.counts(s, c) {
			stay++
		}
	}
	if !answered || !renewed {
		return nil, ErrNotFound
	}
	if conflict {
		return nil, ErrConflict
	}
	var victims []Victim
	var surplus []ID
	for i, c := range live {
		if causes[i] == "" && stay >= r.Max && r.counts(s, c) {
			causes[i] = CauseMaxSessions
			stay--
			surplus = append(surplus, c.ID)
		}
		if causes[i] != "" {
			victims = append(victims, Victim{c.ID, causes[i]})
		}
	}
	if r.Deny && len(surplus) > 0 {
		return nil, &LimitError{Surplus: surplus}
	}
	return victims, nil
}

// A LimitError is returned by [Store.Start] where the user has as many records as
// [Replace.Max] allows, and [Replace.Deny] is set.
type LimitError struct {
	// Surplus are the oldest records, at least one, that would have to end before
	// another one can start. Of more than [EndBatch] it may have those alone.
	Surplus []ID
}

// Error says how many sessions are too many.
func (e *LimitError) Error() string {
	return fmt.Sprintf("session: too many sessions: %d would have to end first", len(e.Surplus))
}

// causeFor returns why c ends whatever Max is, or "" if it does not.
func (r Replace) causeFor(s Session, c Candidate) Cause {
	own := c.User == s.User
	switch {
	case c.ID == s.ID:
		return ""
	case own && c.Kind == KindPending && c.ID == r.Answers:
		return CauseAnswered
	case own && c.Kind == KindSession && c.ID == r.Renews:
		return CauseRenewed
	case c.Kind == s.Kind && c.ID == r.Before && (own || c.Kind != KindDevice):
		return CauseReplaced
	case own && c.Kind == KindSession && r.Others:
		return CauseTerminated
	default:
		return ""
	}
}

// counts reports whether Max counts c, if it does not end for another cause.
func (r Replace) counts(s Session, c Candidate) bool {
	return r.Max > 0 && c.User == s.User && c.Kind == s.Kind && c.ID != s.ID && c.Deadline.After(s.Created) &&
		(!r.PerTenant || c.Tenant == s.Tenant)
}
