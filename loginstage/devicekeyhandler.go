package loginstage

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// DefaultDeviceKeyPath is where [UserLogin.DeviceKeys] is mounted where
// [Config.DeviceKeyPath] does not say.
const DefaultDeviceKeyPath = "/mooring"

// keyTimeout bounds an endpoint for device keys: a browser holds all requests while it
// waits for one, for 20 seconds.
const keyTimeout = 10 * time.Second

// The endpoints, below Config.DeviceKeyPath.
const (
	dbscRegister = "/dbsc/register"
	dbscRefresh  = "/dbsc/refresh"
	pageScript   = "/device-key.js"
	pageState    = "/page/state"
	pageRegister = "/page/register"
	pageProve    = "/page/prove"
	pageGiveUp   = "/page/unproved"
)

// DeviceKeys returns the endpoints by which browsers register and prove device keys,
// and the script for browsers that need one. The host mounts it at
// [Config.DeviceKeyPath] and a slash, and has its pages load the script:
//
//	mux.Handle("/mooring/", login.DeviceKeys())
//
//	<script src="/mooring/device-key.js" defer></script>
//
// Beside a pattern for one method, such as "GET /", a ServeMux wants it mounted for
// "GET /mooring/" and for "POST /mooring/".
//
// It needs no guard. Guard and AllowRestricted around it pass its requests on as they
// are, and Require answers them itself. What stands before it must not redirect, cache,
// rewrite or rate-limit these paths: a browser takes a 4xx for the end of its
// device-bound session and drops the key. Where the store or the locator fails the
// answer is 503, and the browser keeps the key.
func (l *UserLogin) DeviceKeys() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(*UserLogin, http.ResponseWriter, *http.Request){
		"GET " + pageScript:    (*UserLogin).serveScript,
		"GET " + pageState:     (*UserLogin).servePageState,
		"POST " + pageRegister: (*UserLogin).servePageRegister,
		"POST " + pageProve:    (*UserLogin).servePageProve,
		"POST " + pageGiveUp:   (*UserLogin).servePageGiveUp,
		"POST " + dbscRegister: (*UserLogin).serveDBSCRegister,
		"POST " + dbscRefresh:  (*UserLogin).serveDBSCRefresh,
	} {
		method, path, _ := strings.Cut(path, " ")
		mux.HandleFunc(method+" "+l.latest.Load().config.DeviceKeyPath+path, func(w http.ResponseWriter, r *http.Request) {
			serve(l.in(r.Context()), w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounded, cancel := context.WithTimeout(r.Context(), keyTimeout)
		defer cancel()
		served := r.WithContext(bounded)
		mux.ServeHTTP(w, served)
		r.Pattern = served.Pattern
	})
}

// isKeyEndpoint reports whether r is for an endpoint of DeviceKeys, which needs no
// session.
func (l *UserLogin) isKeyEndpoint(r *http.Request) bool {
	path, below := strings.CutPrefix(r.URL.Path, l.config.DeviceKeyPath)
	if !below {
		return false
	}
	switch path {
	case dbscRegister, dbscRefresh, pageScript, pageState, pageRegister, pageProve, pageGiveUp:
		return true
	default:
		return false
	}
}

// keyURL returns the path of an endpoint as the browser knows it.
func (l *UserLogin) keyURL(endpoint string) string {
	return l.config.PathPrefix + l.config.DeviceKeyPath + endpoint
}

// failKey answers a request about a device key that failed: 400 where there is no such
// session any more, so that the browser drops its key, and 503 where nobody knows, so
// that it keeps it.
func (l *UserLogin) failKey(w http.ResponseWriter, r *http.Request, err error) {
	if isEnded(err) {
		refuseKey(w, http.StatusBadRequest, "There is no such session.")
		return
	}
	if errors.Is(err, errBound) {
		refuseKey(w, http.StatusBadRequest, "The session has a device key already.")
		return
	}
	if !errors.Is(r.Context().Err(), context.Canceled) { // and not a client that has gone
		l.config.Logger.ErrorContext(r.Context(), "loginstage: a device key could not be checked", "error", err)
	}
	w.Header().Set("Retry-After", "1")
	refuseKey(w, http.StatusServiceUnavailable, "The device key could not be checked. Try again.")
}

// refuseKey answers with a problem. It never redirects: a redirect takes the proof
// along.
func refuseKey(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	writeProblem(w, Problem{Status: status, Detail: detail})
}

// sameBrowser returns [session.ErrNotFound] if r brings the token of another session
// than s or one that s goes on from. A request without cookies is from nobody else.
func (l *UserLogin) sameBrowser(r *http.Request, s session.Session) error {
	token, err := l.config.Carrier.Read(r)
	if err != nil || token.IsZero() || token.ID() == s.ID {
		return err
	}
	other, err := l.sessions.Find(r.Context(), token, session.KindSession)
	if isEnded(err) || (err == nil && lineage(&other) == lineage(&s)) {
		return nil
	}
	if err != nil {
		return err
	}
	return session.ErrNotFound
}
