package devicekey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A pass in bytes: when it ends, in milliseconds since 1970, and the code of that
// and the subject.
const passLen = timeLen + sha256.Size

// maxSubject is how long the subject of a pass may be, in bytes.
const maxSubject = maxMessage - timeLen

// Pass returns the value of a bound cookie: it says that a proof was seen for the
// subject, a session's ID say, and holds until ends. It is of base64url alone. The
// subject is of at most 120 bytes; a longer one, and the zero Secrets, return "".
func (s Secrets) Pass(subject []byte, ends time.Time) string {
	if len(s.all()) == 0 || len(subject) > maxSubject {
		return ""
	}
	var text [passLen]byte
	binary.BigEndian.PutUint64(text[:], uint64(ends.UnixMilli()))
	var space [maxMessage]byte
	code := s.all()[0].pass.sum(append(append(space[:0], text[:timeLen]...), subject...))
	copy(text[timeLen:], code[:])
	return base64.RawURLEncoding.EncodeToString(text[:])
}

// strict has each pass in one spelling only.
var strict = base64.RawURLEncoding.Strict()

// CheckPass returns when the pass ends, if one of the secrets made it for the
// subject and it has not ended, and false otherwise. It does not allocate.
func (s Secrets) CheckPass(subject []byte, pass string, now time.Time) (ends time.Time, ok bool) {
	var text [passLen]byte
	if len(pass) != base64.RawURLEncoding.EncodedLen(passLen) || len(subject) > maxSubject {
		return time.Time{}, false
	}
	var encoded [(passLen*8 + 5) / 6]byte
	copy(encoded[:], pass)
	if n, err := strict.Decode(text[:], encoded[:]); err != nil || n != passLen {
		return time.Time{}, false
	}
	milliseconds := int64(binary.BigEndian.Uint64(text[:]))
	if now.UnixMilli() >= milliseconds {
		return time.Time{}, false
	}
	var space [maxMessage]byte
	message := append(append(space[:0], text[:timeLen]...), subject...)
	for i := range s.all() {
		if s.all()[i].pass.holds(message, text[timeLen:]) {
			return time.UnixMilli(milliseconds).UTC(), true
		}
	}
	return time.Time{}, false
}
