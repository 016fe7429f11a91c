package loginstage

import (
	"errors"
	"iter"
	"net/http"
	"reflect"
)

// ErrResponseBegun is returned by Begin, Finish, Reauthenticate, Confirm, Complete and Logout if
// the header of the response has been written already, so that the token can neither be given to the
// client nor taken from it. The call has then done nothing. It finds that out behind a
// guard, on the writers of net/http and httptest, and on writers that wrap these and
// have the Unwrap method of http.ResponseController.
var ErrResponseBegun = errors.New("loginstage: the response has begun, and its header can no longer carry a token: call this before the first WriteHeader or Write")

// maxWriters is how many writers around each other are looked at.
const maxWriters = 64

// begun returns ErrResponseBegun if the header of w is known to be out.
func begun(w http.ResponseWriter) error {
	for w := range unwrapped(w) {
		switch writer := w.(type) {
		case interface{ guardResponse() *response }:
			if writer.guardResponse().began {
				return ErrResponseBegun
			}
		case interface{ Written() bool }: // gin, negroni
			if writer.Written() {
				return ErrResponseBegun
			}
		default:
			if wroteHeader(w) {
				return ErrResponseBegun
			}
		}
	}
	return nil
}

// carried tells the guards around the request that a token was set or cleared.
func carried(w http.ResponseWriter, r *http.Request) {
	if g, ok := r.Context().Value(guardedKey{}).(*guarded); ok {
		g.response.carried.Store(true)
	}
	for w := range unwrapped(w) {
		if writer, ok := w.(interface{ guardResponse() *response }); ok {
			writer.guardResponse().carried.Store(true)
		}
	}
}

// unwrapped yields w, the writer inside it, the one inside that, and so on.
func unwrapped(w http.ResponseWriter) iter.Seq[http.ResponseWriter] {
	return func(yield func(http.ResponseWriter) bool) {
		for range maxWriters {
			if w == nil || !yield(w) {
				return
			}
			wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				return
			}
			w = wrapper.Unwrap()
		}
	}
}

// wroteHeader reports whether a writer of net/http has written its header. Such a
// writer has no method that says so, hence reflection. In a release of Go whose field
// has another name it reports false.
func wroteHeader(w http.ResponseWriter) bool {
	v := reflect.ValueOf(w)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return false
	}
	v = v.Elem()
	switch v.Type().PkgPath() + "." + v.Type().Name() {
	case "net/http.response", "net/http/httptest.ResponseRecorder":
	case "net/http.http2responseWriter", "golang.org/x/net/http2.responseWriter":
		state := v.FieldByName("rws")
		if state.Kind() != reflect.Pointer || state.IsNil() || state.Elem().Kind() != reflect.Struct {
			return false
		}
		v = state.Elem()
	default:
		return false
	}
	field := v.FieldByName("wroteHeader")
	return field.Kind() == reflect.Bool && field.Bool()
}
