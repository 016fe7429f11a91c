package devicekey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
)

// MinSecret is how long a secret is at the least, in bytes.
const MinSecret = 32

// ErrSecret is returned for a secret that is too short.
var ErrSecret = errors.New("devicekey: not a usable secret")

// Secrets make and check challenges, passes and handles. The zero value has none:
// it checks nothing as good, and what it makes nobody takes. It is safe for
// concurrent use and never prints what it holds.
type Secrets struct{ ring *[]secret }

// all returns the secrets, the newest first. They are behind a pointer, where no
// formatting verb looks.
func (s Secrets) all() []secret {
	if s.ring == nil {
		return nil
	}
	return *s.ring
}

// NewSecrets returns secrets, the newest first: that one makes, all check. Each
// is of [MinSecret] random bytes or more, the same in all processes of a host, and
// used for nothing else. Mistakes are [ErrSecret], joined.
func NewSecrets(newestFirst ...[]byte) (Secrets, error) {
	if len(newestFirst) == 0 {
		return Secrets{}, fmt.Errorf("%w: none, want one of %d bytes or more", ErrSecret, MinSecret)
	}
	var ring []secret
	var mistakes []error
	for i, text := range newestFirst {
		if len(text) < MinSecret {
			mistakes = append(mistakes, fmt.Errorf("%w: secret %d has %d bytes, want %d or more", ErrSecret, i+1, len(text), MinSecret))
			continue
		}
		made, err := newSecret(text)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		ring = append(ring, made)
	}
	if err := errors.Join(mistakes...); err != nil {
		return Secrets{}, err
	}
	return Secrets{&ring}, nil
}

// RandomSecrets returns a secret that nobody knows: what it makes is worth nothing to
// other processes, and to nobody once this one has ended.
func RandomSecrets() Secrets {
	text := make([]byte, MinSecret)
	rand.Read(text) // never fails: see crypto/rand
	secrets, err := NewSecrets(text)
	if err != nil {
		panic(err) // it is long enough
	}
	return secrets
}

// IsZero reports whether there is no secret.
func (s Secrets) IsZero() bool { return len(s.all()) == 0 }

// String returns a placeholder. No formatting verb shows a secret.
func (s Secrets) String() string { return "[device key secrets]" }

// Format writes what String returns.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// A secret is one key for each use that is made of it.
type secret struct {
	challenge, pass mac
	nonce           mac
	seal            cipher.AEAD
}

func newSecret(text []byte) (secret, error) {
	var s secret
	for use, m := range map[string]*mac{"challenge": &s.challenge, "pass": &s.pass, "nonce": &s.nonce} {
		key, err := derive(text, use)
		if err != nil {
			return secret{}, err
		}
		*m = newMAC(key)
	}
	key, err := derive(text, "seal")
	if err != nil {
		return secret{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return secret{}, fmt.Errorf("%w: %w", ErrSecret, err)
	}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return secret{}, fmt.Errorf("%w: %w", ErrSecret, err)
	}
	return s, nil
}

// derive returns the key for a use (RFC 5869).
func derive(text []byte, use string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, text, nil, "mooring devicekey "+use, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecret, err)
	}
	return key, nil
}

// A mac is HMAC-SHA256 (RFC 2104) with one key, for short messages, without
// allocating: a guard checks a pass with each request.
type mac struct{ inner, outer [sha256.BlockSize]byte }

// maxMessage is how long a message may be, in bytes.
const maxMessage = 128

func newMAC(key []byte) mac {
	var m mac
	for i := range m.inner {
		var k byte
		if i < len(key) { // derive returns less than a block
			k = key[i]
		}
		m.inner[i], m.outer[i] = k^0x36, k^0x5c
	}
	return m
}

// sum returns the code of a message of at most maxMessage bytes.
func (m *mac) sum(message []byte) [sha256.Size]byte {
	var space [sha256.BlockSize + maxMessage]byte
	copy(space[:], m.inner[:])
	n := sha256.BlockSize + copy(space[sha256.BlockSize:], message)
	inner := sha256.Sum256(space[:n])
	var last [sha256.BlockSize + sha256.Size]byte
	copy(last[:], m.outer[:])
	copy(last[sha256.BlockSize:], inner[:])
	return sha256.Sum256(last[:])
}

// holds reports whether code is that of the message, in constant time.
func (m *mac) holds(message, code []byte) bool {
	want := m.sum(message)
	return subtle.ConstantTimeCompare(want[:], code) == 1
}
