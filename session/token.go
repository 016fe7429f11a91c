package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	secretLen = 43 // 256 bits in base64url
	shardLen  = 2  // 12 bits in base64url
	tokenLen  = secretLen + shardLen
)

// redacted is what a token shows of itself.
const redacted = "[session token]"

// ErrBadToken is returned for text that cannot be a token. It never quotes it.
var ErrBadToken = errors.New("session: not a session token")

// A Token is a session's secret: its holder is signed in. It travels in a
// carrier and nowhere else: printing, logging or encoding one, or what it is a part
// of, shows a placeholder or bytes that disclose nothing. It is comparable; the zero
// value is no token. It is safe for concurrent use.
type Token struct {
	sealed sealed // the text
	id     ID
}

// NewToken returns a fresh token for a session of user: 256 bits from
// [crypto/rand], followed by the user's [Shard].
func NewToken(user string) Token {
	var secret [sha256.Size]byte
	rand.Read(secret[:]) // never fails: see crypto/rand
	return tokenOf(base64.RawURLEncoding.EncodeToString(secret[:]) + Shard(user))
}

// tokenOf returns the token of the text, which has tokenLen bytes.
func tokenOf(text string) Token {
	return Token{sealed: seal(text), id: idOf(text)}
}

// ParseToken checks the length and the alphabet of what a client sent and
// returns it as a token. Anything else is [ErrBadToken]. That a token is well
// formed says nothing about whether there is a session for it.
func ParseToken(s string) (Token, error) {
	if len(s) != tokenLen || !wellFormed(s) {
		return Token{}, ErrBadToken
	}
	return tokenOf(s), nil
}

// idOf returns the ID of the token that the text is, or the zero ID for any other text.
func idOf(text string) ID {
	if len(text) != tokenLen || !wellFormed(text) {
		return ID{}
	}
	var all [tokenLen]byte
	copy(all[:], text)
	id := ID{sum: sha256.Sum256(all[:])}
	copy(id.shard[:], text[secretLen:])
	return id
}

// ID returns the ID of the token's session; the zero ID for the zero token.
func (t Token) ID() ID { return t.id }

// IsZero reports whether t is no token.
func (t Token) IsZero() bool { return t.id.IsZero() }

// Secret returns the token itself, for a carrier to write. Put it nowhere else.
func (t Token) Secret() string {
	if t.IsZero() {
		return ""
	}
	return t.sealed.open()
}

// String returns a placeholder, so that the secret is not printed by accident.
func (t Token) String() string { return redacted }

// Format writes a placeholder, as String returns, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder, as String does.
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder, as String does.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Shard returns the [ID.Shard] of all sessions of user: 12 bits of the hash of the
// user's ID.
func Shard(user string) string {
	sum := sha256.Sum256([]byte("mooring shard\x00" + user))
	return base64.RawURLEncoding.EncodeToString(sum[:3])[:shardLen]
}

// wellFormed reports whether s is base64url alone (RFC 4648, section 5).
func wellFormed(s string) bool {
	for i := range len(s) {
		if !base64url[s[i]] {
			return false
		}
	}
	return true
}

// base64url is looked up and not compared with: of random text a processor guesses
// every other comparison wrong.
var base64url = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		in[c] = true
	}
	return in
}()
