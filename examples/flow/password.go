package main

import (
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// password asks for the user's password.
type password struct {
	user     *loginstage.User
	accounts *accounts
}

func (password) Begin(_ http.ResponseWriter, _ *http.Request, user loginstage.User) (*loginstage.Challenge, error) {
	return &loginstage.Challenge{Component: "password", User: user.ID}, nil
}

func (p password) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var a struct{ Password string }
	if err := answer.Decode(&a); err != nil {
		return err
	}
	name, ok := p.accounts.proved(p.user.ID, a.Password)
	if !ok {
		return &loginstage.RejectedError{Reason: "the name or the password is wrong"}
	}
	p.user.Name, p.user.Method = name, "password"
	p.user.AMR, p.user.ACR = []string{"pwd"}, loginstage.ACRAAL1
	return nil
}
