package main

import (
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// The version of the terms of use, and what they say.
const (
	currentTerms = "2026-11"
	termsText    = "This is an example. It keeps nothing that you tell it, and promises nothing."
)

// terms asks users to accept the terms of use who have not accepted these.
type terms struct {
	user     *loginstage.User
	accounts *accounts
}

func (t terms) Begin(_ http.ResponseWriter, _ *http.Request, user loginstage.User) (*loginstage.Challenge, error) {
	if t.accounts.accepted(user.ID) {
		return nil, nil
	}
	question := map[string]string{"version": currentTerms, "text": termsText}
	return &loginstage.Challenge{Component: "terms_of_use", User: user.ID, Question: question}, nil
}

func (t terms) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var a struct{ Accept string }
	if err := answer.Decode(&a); err != nil {
		return err
	}
	if a.Accept != currentTerms {
		return &loginstage.RejectedError{Reason: "want the version of the terms that you accept"}
	}
	t.accounts.accept(t.user.ID)
	return nil
}
