package site

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/loginstage"
)

// account is a user as the application knows them.
type account struct {
	ID       string
	Name     string
	Inactive bool
	hash     []byte // bcrypt
	exposed  bool   // somebody else may know the password: the next sign-in has to change it
}

// user returns the account as the login stage wants it.
func (a account) user() loginstage.User {
	u := loginstage.User{ID: a.ID, Name: a.Name, Method: "password", AMR: []string{"pwd"}, Inactive: a.Inactive}
	if a.exposed {
		u.Required = []string{newPassword}
	}
	return u
}

// How long a password is. A password that is all that a user is asked for has 15
// characters (NIST SP 800-63B-4, section 3.1.1.2), and bcrypt looks at 72 bytes.
const (
	minPassword = 15
	maxPassword = 72
)

// passwordCost is what it costs to make or to guess a hash. Tests lower it.
var passwordCost = bcrypt.DefaultCost

// errWrong is the one answer to a wrong password and to an unknown name, so
// that nobody can find out who has an account.
var errWrong = errors.New("the name or the password is wrong")

// errPassword reports a password that nobody may choose. A real application also refuses
// the passwords that are known from other sites.
var errPassword = fmt.Errorf("want %d characters or more, %d bytes at the most, and another password than before", minPassword, maxPassword)

// accounts knows who may sign in. A real application asks its database. It is safe for
// concurrent use.
type accounts struct {
	dummy []byte // a hash that no password is compared with in earnest

	mu   sync.RWMutex
	byID map[string]account
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
		known.add(d.account)
	}
	return known, nil
}

// add makes the account known, or replaces the one of the ID.
func (a *accounts) add(one account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID[one.ID] = one
}

func (a *accounts) of(id string) (account, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	found, ok := a.byID[id]
	return found, ok
}

// active reports whether there is an account that may be used.
func (a *accounts) active(_ context.Context, id string) (bool, error) {
	found, ok := a.of(id)
	return ok && !found.Inactive, nil
}

// check returns the account if the password is its own. It takes as long for a
// name that nobody has: a hash is compared either way.
func (a *accounts) check(id, password string) (account, error) {
	found, ok := a.of(id)
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

// change replaces the password that check has accepted. It returns the account as it is
// then, errPassword if the new password is too short, too long or the one before, and
// errWrong if somebody else has changed the password meanwhile.
func (a *accounts) change(before account, password string) (account, error) {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword ||
		bcrypt.CompareHashAndPassword(before.hash, []byte(password)) == nil {
		return account{}, errPassword
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return account{}, fmt.Errorf("hashing: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[before.ID]
	if string(found.hash) != string(before.hash) {
		return account{}, errWrong
	}
	found.hash, found.exposed = hash, false
	a.byID[before.ID] = found
	return found, nil
}

// expose notes that somebody else may know the password of the account.
func (a *accounts) expose(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if found, ok := a.byID[id]; ok {
		found.exposed = true
		a.byID[id] = found
	}
}
