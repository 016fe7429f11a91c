package site

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// sessionsPage is what sessions.html shows.
type sessionsPage struct {
	page
	Current   sessionRow
	Others    []sessionRow
	NewDevice bool
	Events    []eventRow
	Done      string // what the user has just done
}

// sessionRow is one session, for display.
type sessionRow struct {
	ID         string
	Device     string
	Place      string // where it was last used
	Network    string
	IP         string
	SignedIn   time.Time
	SignedInAt string // where, if that was elsewhere
	LastSeen   time.Time
	Ends       time.Time
	Stays      bool   // the browser keeps it when it is closed
	Key        string // its device key; empty: the application has none
}

// showSessions says where the user is signed in and what happened.
func (a *app) showSessions(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	all, err := a.login.Sessions(r.Context(), current.User)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	p := sessionsPage{
		page:      a.newPage(r, "Where you are signed in"),
		Current:   a.row(r.Context(), current),
		NewDevice: !current.KnownDevice,
		Events:    rowsOf(a.events.latest(current.User)),
		Done:      done(r),
	}
	for _, s := range all {
		if s.ID != current.ID {
			p.Others = append(p.Others, a.row(r.Context(), s))
		}
	}
	a.render(w, http.StatusOK, "sessions.html", p)
}

func (a *app) row(ctx context.Context, s session.Session) sessionRow {
	row := sessionRow{
		ID: s.ID.String(), Device: deviceName(s.UserAgent), IP: s.IP.String(),
		Place: sentence(placeName(s.Anchor)), Network: sentence(networkName(s.Anchor)),
		SignedIn: s.Created, LastSeen: s.LastSeen, Ends: s.Deadline(), Stays: s.MaxAge > 0,
	}
	if a.keyScript != "" {
		row.Key = keyName(s.Drift.Key)
	}
	if s.IP == s.Anchor.IP {
		return row
	}
	// Since the sign-in the session has moved, as far as its binding lets it.
	if here, err := a.locator.Locate(ctx, s.IP); err == nil {
		row.SignedInAt = row.Place
		row.Place, row.Network = sentence(placeName(here)), sentence(networkName(here))
	}
	return row
}

// endSession ends another session of the user. The ID comes from a form;
// Revoke sees to it that it is one of this user's.
func (a *app) endSession(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	id, err := session.ParseID(r.PostFormValue("session"))
	if err == nil {
		err = a.login.Revoke(r.Context(), current.User, id, current.User)
	}
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil:
		http.Redirect(w, r, "/?done=ended", http.StatusSeeOther)
	case ended, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrBadID):
		http.Redirect(w, r, "/?done=gone", http.StatusSeeOther)
	default:
		a.unavailable(w, r, err)
	}
}

// endOthers ends all sessions of the user but this one.
func (a *app) endOthers(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	n, err := a.login.RevokeOthers(r.Context(), current.User, current.ID, current.User)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	http.Redirect(w, r, "/?done=others&n="+strconv.Itoa(n), http.StatusSeeOther)
}
