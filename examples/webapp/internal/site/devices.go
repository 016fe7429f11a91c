package site

import (
	"errors"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// devicesPage is what devices.html shows.
type devicesPage struct {
	page
	Devices []deviceRow
	Done    string // what the user has just done
}

// deviceRow is one remembered device, for display.
type deviceRow struct {
	ID       string
	Device   string
	Place    string    // of the latest sign-in
	SignedIn time.Time // the latest
	This     bool      // the session of the request was signed in on it
}

// showDevices lists the devices that are remembered.
func (a *app) showDevices(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	devices, err := a.login.Devices(r.Context(), current.User)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	p := devicesPage{page: a.newPage(r, "Remembered devices"), Done: done(r)}
	for _, d := range devices {
		p.Devices = append(p.Devices, deviceRow{
			ID: d.ID.String(), Device: deviceName(d.UserAgent), Place: sentence(placeName(d.Anchor)), SignedIn: d.Created,
			This: d.Created.Equal(current.Created) && d.UserAgent == current.UserAgent, // a sign-in gives the device its own time
		})
	}
	a.render(w, http.StatusOK, "devices.html", p)
}

// forgetDevice makes one of the user's devices new again. The ID comes from a form;
// ForgetDevice sees to it that it is one of this user's.
func (a *app) forgetDevice(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	id, err := session.ParseID(r.PostFormValue("device"))
	if err == nil {
		err = a.login.ForgetDevice(r.Context(), current.User, id, current.User)
	}
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil, ended, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrBadID): // nothing is disclosed
		http.Redirect(w, r, "/devices?done=forgotten", http.StatusSeeOther)
	default:
		a.unavailable(w, r, err)
	}
}

// forgetDevices makes all of the user's devices new again.
func (a *app) forgetDevices(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	if _, err := a.login.ForgetDevices(r.Context(), current.User, current.User); err != nil {
		a.unavailable(w, r, err)
		return
	}
	http.Redirect(w, r, "/devices?done=all-forgotten", http.StatusSeeOther)
}
