package main

import (
	"crypto/rand"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// account is a user as the application knows them.
type account struct {
	Name  string
	hash  string // bcrypt, of the password
	terms string // the version of the terms of use that the user has accepted

	secret   []byte // of the one-time passwords; nil: none are asked for
	offered  []byte // a secret that no code has come back of yet
	mustMFA  bool   // without a second factor the user may do nothing else
	lastStep int64  // the time step of the latest code that was used
	wrong    int    // wrong codes since the latest right one
	blocked  time.Time
}

// accounts knows who may sign in. A real application asks its database. It is safe
// for concurrent use.
type accounts struct {
	mu   sync.Mutex
	byID map[string]*account
}

// unknownHash is compared with where nobody has the name, so that an unknown name
// takes as long as a wrong password. Its password was random.
var unknownHash = "$2a$10$JxlO6lmw4Kx3Ln369IaObeyR/09MwWUwIflXxGZH/QatWTVbTbrd2"

// demoAccounts returns the accounts of this example. ada has accepted the terms and
// has a password alone; grace has a second factor and has accepted nothing yet; alan has
// to have a second factor, and has none yet.
func demoAccounts() *accounts {
	return &accounts{byID: map[string]*account{
		"ada": {
			Name: "Ada Lovelace", terms: currentTerms,
			hash: "$2a$10$9H46ZqRWZj3efaj9/yeLvOCLZSr.Wt5iCKymxsy/QvnWiBNXlcvK.", // correct horse battery
		},
		"grace": {
			Name: "Grace Hopper", secret: []byte("12345678901234567890"),
			hash: "$2a$10$P6dl.WfA8XTUXUv.q36ta.P1UG3mEDLTw3m6oWrKeA7ewU7p23DTO", // staple the moth here
		},
		"alan": {
			Name: "Alan Turing", terms: currentTerms, mustMFA: true,
			hash: "$2a$10$9H46ZqRWZj3efaj9/yeLvOCLZSr.Wt5iCKymxsy/QvnWiBNXlcvK.", // correct horse battery
		},
	}}
}

// proved returns the name of the user if the password is theirs.
func (a *accounts) proved(user, password string) (name string, ok bool) {
	a.mu.Lock()
	found, known := a.byID[user]
	a.mu.Unlock()
	hash := unknownHash
	if known {
		name, hash = found.Name, found.hash
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	return name, err == nil && known
}

// accepted reports whether the user has accepted the current terms of use.
func (a *accounts) accepted(user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	return found != nil && found.terms == currentTerms
}

// accept notes that the user accepts the current terms of use.
func (a *accounts) accept(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if found := a.byID[user]; found != nil {
		found.terms = currentTerms
	}
}

// hasCodes reports whether the user has one-time passwords.
func (a *accounts) hasCodes(user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	return found != nil && found.secret != nil
}

// mustEnrol reports whether the user has to have one-time passwords, and has none.
func (a *accounts) mustEnrol(user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	return found != nil && found.mustMFA && found.secret == nil
}

// offerCodes returns the secret of one-time passwords that the user can enrol, the same
// until they have, and false for a user who has some.
func (a *accounts) offerCodes(user string) (secret []byte, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	if found == nil || found.secret != nil {
		return nil, false
	}
	if found.offered == nil {
		found.offered = make([]byte, 20) // RFC 4226, section 4, R6
		_, _ = rand.Read(found.offered)  // it never fails
	}
	return found.offered, true
}

// enrolCodes makes the secret that was offered the user's, if the code is of it. Wrong
// codes block it as they do one that is in use.
func (a *accounts) enrolCodes(user, code string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	if found == nil || found.secret != nil || found.offered == nil || !found.right(found.offered, code, now) {
		return false
	}
	found.secret, found.offered = found.offered, nil
	return true
}

// Ten wrong codes in a row block an account's codes for a minute: of a million
// codes, three are right at any time.
const (
	maxWrongCodes = 10
	codesBlocked  = time.Minute
)

// useCode reports whether the code is the user's at now, give or take 30 seconds.
// A code is right once.
func (a *accounts) useCode(user, code string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.byID[user]
	return found != nil && found.secret != nil && found.right(found.secret, code, now)
}

// right reports whether the code is of the secret, and counts wrong ones.
func (a *account) right(secret []byte, code string, now time.Time) bool {
	if now.Before(a.blocked) {
		return false
	}
	if step, ok := stepOf(secret, code, now); ok && step > a.lastStep {
		a.lastStep, a.wrong = step, 0
		return true
	}
	if a.wrong++; a.wrong >= maxWrongCodes {
		a.wrong, a.blocked = 0, now.Add(codesBlocked)
	}
	return false
}
