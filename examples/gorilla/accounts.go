package main

import (
	"net/http"

	"golang.org/x/crypto/bcrypt"
)

// passwords are the bcrypt hashes of the demo accounts: ada's password is
// "correct horse battery". The empty name is nobody's, and its hash is compared
// with where nobody has the name, so that both take as long.
var passwords = map[string]string{
	"ada": "$2a$10$9H46ZqRWZj3efaj9/yeLvOCLZSr.Wt5iCKymxsy/QvnWiBNXlcvK.",
	"":    "$2a$10$JxlO6lmw4Kx3Ln369IaObeyR/09MwWUwIflXxGZH/QatWTVbTbrd2",
}

// proved returns the user whom the request proves: the shop's own check of name and
// password, which stays as it is.
func proved(r *http.Request) (user string, ok bool) {
	user = r.PostFormValue("user")
	hash, known := passwords[user]
	if !known {
		hash = passwords[""]
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(r.PostFormValue("password")))
	return user, err == nil && known && user != ""
}
