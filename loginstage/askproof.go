package loginstage

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// ProblemProve is the type of the [Problem] of a request that is served once the device
// key of its session is proved.
const ProblemProve = "https://github.com/mooring-go/mooring#prove"

// The headers of an answer that asks a script for a proof.
const (
	headerProve  = "Mooring-Challenge" // the challenge to answer
	headerHandle = "Mooring-Handle"    // by which the script keeps its key
)

const (
	// askedTime is how long a browser has for a proof before it counts as one that
	// cannot prove its key.
	askedTime = 10 * time.Second
	// gaveUpTime is how long a client that cannot prove its key is not asked again.
	gaveUpTime = 5 * time.Minute
)

// askForProof answers a request that is served once the key is proved.
func (l *UserLogin) askForProof(w http.ResponseWriter, r *http.Request, e *proofError) {
	w.Header().Set("Cache-Control", "no-store")
	switch e.session.Drift.Key.Kind {
	case devicekey.Page:
		l.askPage(w, r, e)
	case devicekey.DBSC:
		l.askBrowser(w, r)
	case devicekey.DPoP:
		l.askDPoP(w, r, e)
	default: // of a later release
		l.turnAway(w, r)
	}
}

// askPage has the script prove the key: a navigation gets a page that proves and goes
// on by itself. Every answer has the challenge in its header, which the script answers
// before it repeats a request of its own.
func (l *UserLogin) askPage(w http.ResponseWriter, r *http.Request, e *proofError) {
	l.setChallenge(r.Context(), w.Header(), e)
	target := clientURI(l.config.PathPrefix, r)
	page := provePage{
		Script: l.keyURL(pageScript), GiveUp: l.keyURL(pageGiveUp), Challenge: w.Header().Get(headerProve),
		Handle: w.Header().Get(headerHandle), Otherwise: cmp.Or(l.signInPage(r), target),
	}
	// A form of another origin is not sent again: it would be one of this origin's then.
	if !wantsPage(r) || l.sameOrigin.Check(r) != nil {
		l.unproved(w, "Prove the device key of this session and send the request again.")
		return
	}
	page.repeat(w, r, target)
	page.write(w, http.StatusUnauthorized)
}

// setChallenge sets what a client needs to know to prove the key by itself: nothing for
// a key of device-bound sessions, whose browser is redirected.
func (l *UserLogin) setChallenge(ctx context.Context, header http.Header, e *proofError) {
	switch e.session.Drift.Key.Kind {
	case devicekey.Page:
		header.Set(headerProve, l.secrets.Challenge(devicekey.Prove, keySubject(e.session), l.sessions.Now(ctx)))
		header.Set(headerHandle, pageHandle(e.session))
	case devicekey.DPoP:
		header.Set(headerNonce, l.nonce(ctx, e.session))
		header.Set("WWW-Authenticate", l.challengeDPoP(e))
	}
}

// Challenge returns the header that an answer to [DenialProve] needs for the client to
// prove its key and to repeat the request, as [AccessError.Respond] sets it: DPoP-Nonce
// and WWW-Authenticate (RFC 9449, section 9) for a DPoP key, what the page's script reads
// for the key of a page. It is for answers in another form, such as gRPC's; of those that
// have a trailer for it, WWW-Authenticate may be no part. It is empty
// for other denials, and for Device Bound Session Credentials, where Respond redirects
// the browser.
func (e *AccessError) Challenge() http.Header {
	header := http.Header{}
	if e.proof != nil && e.login != nil {
		e.login.setChallenge(context.Background(), header, e.proof) // which the clock asks the store with, for a second at the most
	}
	return header
}

// askBrowser has a browser with device-bound sessions prove the key by itself: it does
// so before a request that would lack the bound cookie, if a page of the same origin
// makes it. A browser that was asked a moment ago cannot.
func (l *UserLogin) askBrowser(w http.ResponseWriter, r *http.Request) {
	if l.askedBefore(r) != "" {
		l.turnAway(w, r)
		return
	}
	l.askedCookie().Set(w, askedOnce, askedTime)
	l.passCookie.Set(w, "", -1)
	if site := r.Header.Get("Sec-Fetch-Site"); (site == "cross-site" || site == "same-site") && r.Method == http.MethodGet && wantsPage(r) {
		// A redirect would keep the other site as the initiator, for which browsers
		// do not refresh.
		provePage{Again: true}.write(w, http.StatusOK)
		return
	}
	target := clientURI(l.config.PathPrefix, r)
	if !samePath(target) {
		l.turnAway(w, r)
		return
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusTemporaryRedirect) // keeps the method and the body
}

// turnAway answers a client that cannot prove the key. The session goes on: its own
// browser may prove it.
func (l *UserLogin) turnAway(w http.ResponseWriter, r *http.Request) {
	l.giveUp(w)
	if page := l.signInPage(r); page != "" && wantsPage(r) {
		http.Redirect(w, r, page, http.StatusSeeOther)
		return
	}
	l.unproved(w, "This session can be used on its own device alone. Sign in.")
}

func (l *UserLogin) unproved(w http.ResponseWriter, detail string) {
	w.Header().Set("WWW-Authenticate", "Session realm="+strconv.Quote(l.config.Name))
	writeProblem(w, Problem{Type: ProblemProve, Status: http.StatusUnauthorized, Detail: detail})
}

// signInPage returns the page to sign in on, with the one that r is about as the
// parameter next, or "" where there is none.
func (l *UserLogin) signInPage(r *http.Request) string {
	if l.config.LoginURL == "" {
		return ""
	}
	return withNext(l.config.LoginURL, l.config.PathPrefix, r)
}

// What the cookie says of a client that was asked for a proof.
const (
	askedOnce   = "asked"
	askedInVain = "in-vain"
)

// askedBefore returns what the client's cookie says, or "".
func (l *UserLogin) askedBefore(r *http.Request) string {
	value, _ := l.askedCookie().Value(r)
	if value != askedOnce && value != askedInVain {
		return ""
	}
	return value
}

// giveUp makes the client one that is not asked for a while. It is anonymous where it
// would be asked, so that the user can sign in.
func (l *UserLogin) giveUp(w http.ResponseWriter) {
	l.askedCookie().Set(w, askedInVain, gaveUpTime)
}

// askedCookie returns where a browser keeps that it was asked for a proof. It lets nobody
// in: a client that has it is asked less.
func (l *UserLogin) askedCookie() session.Cookie { return l.stageCookie("_proof") }
