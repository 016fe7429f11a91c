package devicekey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrChallenge is returned for a challenge that these secrets did not make for the
// purpose and the subject, or that is too old.
var ErrChallenge = errors.New("devicekey: not a challenge to answer")

// Purpose is what a challenge is for. One for another purpose is none.
type Purpose byte

// The purposes of challenges.
const (
	Register Purpose = 'r' // to bind a key to a session that has none
	Prove    Purpose = 'p' // to prove the key that a session has
	Nonce    Purpose = 'n' // to prove one request, DPoP
)

// clockSkew is by how much another process's clock may be ahead.
const clockSkew = 5 * time.Second

// A challenge in bytes: when it was made, in milliseconds since 1970; random
// bytes, so that no two are the same; the code of both, the purpose and the
// subject.
const (
	timeLen      = 8
	uniqueLen    = 8
	challengeLen = timeLen + uniqueLen + sha256.Size
)

// Challenge returns a new challenge for the purpose and the subject: what it is to
// be proved for, a session's ID say. It is of base64url alone. The subject may be
// of any length. The zero Secrets return "".
func (s Secrets) Challenge(purpose Purpose, subject string, now time.Time) string {
	if len(s.all()) == 0 {
		return ""
	}
	text := make([]byte, timeLen+uniqueLen, challengeLen)
	binary.BigEndian.PutUint64(text, uint64(now.UnixMilli()))
	rand.Read(text[timeLen:]) // never fails: see crypto/rand
	code := s.all()[0].challenge.sum(message(purpose, subject, text))
	return base64.RawURLEncoding.EncodeToString(append(text, code[:]...))
}

// CheckChallenge returns nil if one of the secrets made the challenge for the
// purpose and the subject, no longer than maxAge ago, and an [ErrChallenge]
// otherwise.
func (s Secrets) CheckChallenge(purpose Purpose, subject, challenge string, now time.Time, maxAge time.Duration) error {
	text, err := decode(challenge)
	if err != nil || len(text) != challengeLen {
		return fmt.Errorf("%w: it has another form", ErrChallenge)
	}
	head, code := text[:timeLen+uniqueLen], text[timeLen+uniqueLen:]
	made := false
	for i := range s.all() {
		made = made || s.all()[i].challenge.holds(message(purpose, subject, head), code)
	}
	if !made {
		return fmt.Errorf("%w: it was made for something else, or by another secret", ErrChallenge)
	}
	age := now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(head))))
	if age > maxAge || age < -clockSkew {
		return fmt.Errorf("%w: it was made %s ago, want %s at the most", ErrChallenge, age.Round(time.Second), maxAge)
	}
	return nil
}

// message returns what a challenge's code is of.
func message(purpose Purpose, subject string, head []byte) []byte {
	sum := sha256.Sum256([]byte(subject))
	return append(append([]byte{byte(purpose)}, sum[:]...), head...)
}
