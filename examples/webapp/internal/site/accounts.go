package site

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/loginstage"
)

// account is a user as the application knows them.
type account struct {
	ID       string
	Name     string
	Inactive bool
	hash     []byte // bcrypt
}

// user returns the account as the login stage wants it.
func (a account) user() loginstage.User {
	return loginstage.User{ID: a.ID, Name: a.Name, Method: "password", AMR: []string{"pwd"}, Inactive: a.Inactive}
}

// maxPassword is how many bytes of a password bcrypt looks at.
const maxPassword = 72

// passwordCost is what it costs to make or to guess a hash. Tests lower it.
var passwordCost = bcrypt.DefaultCost

// errWrong is the one answer to a wrong password and to an unknown name, so
// that nobody can find out who has an account.
var errWrong = errors.New("the name or the password is wrong")

// accounts knows who may sign in. A real application asks its database.
type accounts struct {
	byID  map[string]account
	dummy []byte // a hash that no password is compared with in earnest
}

func newAccounts(demo []demoAccount) (*accounts, error) {
	dummy, err := bcrypt.GenerateFromPassword([]byte("nobody has this password"), passwordCost)
	if err != nil {
		return nil, fmt.Errorf("hashing: %w", err)
	}
	known := &accounts{byID: make(map[string]account), dummy: dummy}
	for _, d := range demo {
		d.hash, err = bcrypt.GenerateFromPassword([]byte(d.password), passwordCost)
		if err != nil {
			return nil, fmt.Errorf("hashing the password of %s: %w", d.ID, err)
		}
		known.byID[d.ID] = d.account
	}
	return known, nil
}

// active reports whether there is an account that may be used.
func (a *accounts) active(_ context.Context, id string) (bool, error) {
	found, ok := a.byID[id]
	return ok && !found.Inactive, nil
}

// check returns the account if the password is its own. It takes as long for a
// name that nobody has: a hash is compared either way.
func (a *accounts) check(id, password string) (account, error) {
	found, ok := a.byID[id]
	hash := found.hash
	if !ok || len(password) > maxPassword {
		ok, hash = false, a.dummy
		password = password[:min(len(password), maxPassword)]
	}
	if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil || !ok {
		return account{}, errWrong
	}
	return found, nil
}
