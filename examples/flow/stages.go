package main

import (
	"encoding/json"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// stage is one step of the flow, as [loginstage.Stage] is one, for answers of
// any shape. Stages are safe for concurrent use.
type stage interface {
	// begin returns what the stage asks, as JSON will have it; nil: nothing.
	begin(w http.ResponseWriter, r *http.Request, user *loginstage.User) (any, error)

	// finish takes the answer. A rejection lets the client answer once more.
	finish(w http.ResponseWriter, r *http.Request, user *loginstage.User, answer json.RawMessage) error
}

// rejection is what is wrong with an answer.
type rejection string

func (r rejection) Error() string { return string(r) }

const errUnreadable rejection = "the answer cannot be read"

// identification asks who the user is. It takes any name, so that nobody finds
// out which ones there are.
type identification struct{}

func (identification) begin(http.ResponseWriter, *http.Request, *loginstage.User) (any, error) {
	return map[string]string{"component": "identification"}, nil
}

func (identification) finish(_ http.ResponseWriter, _ *http.Request, user *loginstage.User, answer json.RawMessage) error {
	var a struct{ User string }
	if err := json.Unmarshal(answer, &a); err != nil {
		return errUnreadable
	}
	if a.User == "" || len(a.User) > 255 {
		return rejection("want a name of 1 to 255 bytes")
	}
	user.ID = a.User
	return nil
}

// password asks for the user's.
type password struct{}

func (password) begin(_ http.ResponseWriter, _ *http.Request, user *loginstage.User) (any, error) {
	return map[string]string{"component": "password", "user": user.ID}, nil
}

func (password) finish(_ http.ResponseWriter, _ *http.Request, user *loginstage.User, answer json.RawMessage) error {
	var a struct{ Password string }
	if err := json.Unmarshal(answer, &a); err != nil {
		return errUnreadable
	}
	if !proved(user.ID, a.Password) {
		return rejection("the name or the password is wrong")
	}
	user.Method = "password"
	return nil
}

// login is Mooring's stage, or any other [loginstage.Stage], in this flow.
type login struct{ loginstage.Stage }

func (l login) begin(w http.ResponseWriter, r *http.Request, user *loginstage.User) (any, error) {
	challenge, err := l.Begin(w, r, *user)
	if challenge == nil {
		return nil, err // a nil any, not a nil *Challenge
	}
	return challenge, err
}

func (l login) finish(w http.ResponseWriter, r *http.Request, _ *loginstage.User, answer json.RawMessage) error {
	var a loginstage.Answer
	if err := json.Unmarshal(answer, &a); err != nil {
		return errUnreadable
	}
	return l.Finish(w, r, a)
}
