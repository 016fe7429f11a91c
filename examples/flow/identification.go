package main

import (
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// identification asks who the user is. It takes any name, so that nobody finds out
// which ones there are.
type identification struct{ user *loginstage.User }

func (identification) Begin(http.ResponseWriter, *http.Request, loginstage.User) (*loginstage.Challenge, error) {
	return &loginstage.Challenge{Component: "identification"}, nil
}

func (i identification) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var a struct{ User string }
	if err := answer.Decode(&a); err != nil {
		return err
	}
	if a.User == "" || len(a.User) > 255 {
		return &loginstage.RejectedError{Reason: "want a name of 1 to 255 bytes"}
	}
	i.user.ID = a.User
	return nil
}
