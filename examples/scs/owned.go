package main

import (
	"context"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/mooring-go/mooring/loginstage"
)

// own makes the data the user's. What a visitor has gathered becomes theirs under another
// token (session fixation). Data of anybody else is destroyed; and with the empty user,
// which is nobody, all that is somebody's.
func own(ctx context.Context, data *scs.SessionManager, user string) error {
	const ownerKey = "owner"
	owner := data.GetString(ctx, ownerKey)
	if owner == user {
		return nil
	}
	if owner != "" {
		if err := data.Destroy(ctx); err != nil {
			return err
		}
	}
	if user != "" {
		if err := data.RenewToken(ctx); err != nil {
			return err
		}
		data.Put(ctx, ownerKey, user)
	}
	return nil
}

// owned returns next with data that belongs to who is signed in. It stands behind the
// guard, which in turn stands behind LoadAndSave. It does not matter how a session has
// ended, by a sign-out, a limit, its binding, or in another process, nor which request
// finds out: its data is gone before next sees it. Where nobody knows who is signed in,
// the guard has answered, and the data stays.
func owned(data *scs.SessionManager, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, signedIn := loginstage.Current(r.Context())
		if !signedIn {
			s, _ = loginstage.Restricted(r.Context()) // whose data it is all the same
		}
		if err := own(r.Context(), data, s.User); err != nil {
			http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}
