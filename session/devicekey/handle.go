package devicekey

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrHandle is returned for a handle that these secrets did not make.
var ErrHandle = errors.New("devicekey: not a handle of a device key")

// maxHandle is how long a handle may be, in bytes.
const maxHandle = 2048

// Seal returns a handle by which a client names what it has a key for, without
// disclosing what plain says: a request that brings no session cookie is found by
// it. The same plain gives the same handle, as long as the newest secret stays. It
// is of base64url alone. The zero Secrets return "".
func (s Secrets) Seal(plain []byte) string {
	if len(s.all()) == 0 {
		return ""
	}
	seal := s.all()[0].seal
	// The nonce is a function of the plaintext, so that two plaintexts have
	// different ones, and the same plaintext the same handle.
	sum := sha256.Sum256(plain)
	code := s.all()[0].nonce.sum(sum[:])
	nonce := code[:seal.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(seal.Seal(append([]byte{}, nonce...), nonce, plain, nil))
}

// Open returns what [Secrets.Seal] was given, by any of the secrets, and
// [ErrHandle] for anything else.
func (s Secrets) Open(handle string) ([]byte, error) {
	if len(handle) > maxHandle {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrHandle, maxHandle)
	}
	text, err := decode(handle)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64url", ErrHandle)
	}
	for i := range s.all() {
		seal := s.all()[i].seal
		if len(text) < seal.NonceSize() {
			continue
		}
		plain, err := seal.Open(nil, text[:seal.NonceSize()], text[seal.NonceSize():], nil)
		if err == nil {
			return plain, nil
		}
	}
	return nil, fmt.Errorf("%w: made by another secret, or changed", ErrHandle)
}
