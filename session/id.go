package session

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBadID is returned for text that is no session ID.
var ErrBadID = errors.New("session: not a session ID")

// An ID names a session: it is the SHA-256 of the session's [Token] and so
// discloses nothing that signs anybody in. Its text is 45 characters of
// base64url. It is comparable; the zero value names no session.
type ID struct {
	sum   [sha256.Size]byte
	shard [shardLen]byte
}

// ParseID reads the text of an ID. Anything else is [ErrBadID].
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != tokenLen || !wellFormed(s) {
		return ID{}, fmt.Errorf("%w: %d bytes, want %d characters of base64url", ErrBadID, len(s), tokenLen)
	}
	// Strict: each ID has one text only.
	if _, err := base64.RawURLEncoding.Strict().Decode(id.sum[:], []byte(s[:secretLen])); err != nil {
		return ID{}, fmt.Errorf("%w: %w", ErrBadID, err)
	}
	copy(id.shard[:], s[secretLen:])
	return id, nil
}

// IsZero reports whether id names no session.
func (id ID) IsZero() bool { return id == ID{} }

// Shard returns the two characters by which a store may place the session. They are the
// same for all sessions of a user, and for one in 4096 of all users, so that they
// identify nobody. They are empty for the zero ID.
func (id ID) Shard() string {
	if id.IsZero() {
		return ""
	}
	return string(id.shard[:])
}

// Hash returns 64 of the ID's bits, for a store's own hash table. They spread the IDs
// that [Token.ID] makes evenly, and nobody can choose them. They are the same in every
// process, and 0 for the zero ID.
func (id ID) Hash() uint64 { return binary.LittleEndian.Uint64(id.sum[:]) }

// String returns the ID's text, "" for the zero ID.
func (id ID) String() string {
	var space [tokenLen]byte
	text, _ := id.AppendText(space[:0])
	return string(text)
}

// AppendText appends the ID's text to b. The error is always nil.
func (id ID) AppendText(b []byte) ([]byte, error) {
	if id.IsZero() {
		return b, nil
	}
	return append(base64.RawURLEncoding.AppendEncode(b, id.sum[:]), id.shard[:]...), nil
}

// MarshalText returns the ID's text. The error is always nil.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText reads what MarshalText writes, and leaves id as it was on error.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}
