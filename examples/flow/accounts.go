package main

import "golang.org/x/crypto/bcrypt"

// passwords are the bcrypt hashes of the demo accounts: ada's password is
// "correct horse battery". The empty name is nobody's, and its hash is compared
// with where nobody has the name, so that both take as long.
var passwords = map[string]string{
	"ada": "$2a$10$9H46ZqRWZj3efaj9/yeLvOCLZSr.Wt5iCKymxsy/QvnWiBNXlcvK.",
	"":    "$2a$10$JxlO6lmw4Kx3Ln369IaObeyR/09MwWUwIflXxGZH/QatWTVbTbrd2",
}

// proved reports whether the password is the user's.
func proved(user, password string) bool {
	hash, known := passwords[user]
	if !known {
		hash = passwords[""]
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	return err == nil && known && user != ""
}
