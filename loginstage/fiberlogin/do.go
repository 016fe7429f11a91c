package fiberlogin

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// ErrOver is returned by [Do] and what is built on it for a context that Fiber has
// taken back, since the handler has returned. Nothing was done.
var ErrOver = errors.New("fiberlogin: the request is over: call this before the handler returns, and not from SendStreamWriter or a goroutine")

// Begin is [loginstage.UserLogin.Begin] for the client of c.
func Begin(c fiber.Ctx, login *loginstage.UserLogin, user loginstage.User) (challenge *loginstage.Challenge, err error) {
	err = Do(c, func(w http.ResponseWriter, r *http.Request) error {
		challenge, err = login.Begin(w, r, user)
		return err
	})
	return challenge, err
}

// Finish is [loginstage.UserLogin.Finish] for the client of c.
func Finish(c fiber.Ctx, login *loginstage.UserLogin, answer loginstage.Answer) error {
	return Do(c, func(w http.ResponseWriter, r *http.Request) error { return login.Finish(w, r, answer) })
}

// Confirm is [loginstage.UserLogin.Confirm] for the client of c.
func Confirm(c fiber.Ctx, login *loginstage.UserLogin, user loginstage.User) error {
	return Do(c, func(w http.ResponseWriter, r *http.Request) error { return login.Confirm(w, r, user) })
}

// Reauthenticate is [loginstage.UserLogin.Reauthenticate] for the client of c.
func Reauthenticate(c fiber.Ctx, login *loginstage.UserLogin, user loginstage.User) (s session.Session, err error) {
	err = Do(c, func(w http.ResponseWriter, r *http.Request) error {
		s, err = login.Reauthenticate(w, r, user)
		return err
	})
	return s, err
}

// Complete is [loginstage.UserLogin.Complete] for the client of c.
func Complete(c fiber.Ctx, login *loginstage.UserLogin, action string) error {
	return Do(c, func(w http.ResponseWriter, r *http.Request) error { return login.Complete(w, r, action) })
}

// Logout is [loginstage.UserLogin.Logout] for the client of c.
func Logout(c fiber.Ctx, login *loginstage.UserLogin) error {
	return Do(c, login.Logout)
}

// Do calls step with the request of c and a writer that writes to its response, and
// returns what step returns: for all that takes these and has no function here. The
// writer and the request are not to be used after step has returned.
func Do(c fiber.Ctx, step func(w http.ResponseWriter, r *http.Request) error) error {
	if c.RequestCtx() == nil {
		return ErrOver
	}
	r, err := request(c)
	if err != nil {
		return err
	}
	w := newWriter(c)
	defer w.store()
	return step(w, r)
}
