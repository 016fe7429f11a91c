package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// The value of a session's key, so that one GET reads it and scripts can judge
// it without reading the record. Numbers are hexadecimal; times are of a fixed
// width and in the order of their text, because numbers in scripts have 53 bits.
//
//	state    1   L: live; P: live and pending; E: ended
//	version  2   of the records, session.RecordVersion
//	created  16
//	limit    16  live: the Deadline; ended: Ending.Keep
//	length   8   of the user
//	user
//	length   8   ended only: of the ending
//	ending       ended only: session.EncodeEnding
//	record       session.EncodeRecord
const (
	limitAt  = 1 + 2 + 16
	lengthAt = limitAt + 16
	userAt   = lengthAt + 8
)

const (
	live    = 'L'
	pending = 'P'
	ended   = 'E'
)

// encode is the value of a live session.
func encode(s session.Session) (string, error) {
	record, err := session.EncodeRecord(s)
	if err != nil {
		return "", err
	}
	state := live
	if s.Pending {
		state = pending
	}
	return fmt.Sprintf("%c%02x%s%s%08x%s%s", state, session.RecordVersion,
		instant(s.Created), instant(s.Deadline()), len(s.User), s.User, record), nil
}

// encodeEnding is an ending as it stands in a value.
func encodeEnding(e session.Ending) (string, error) {
	text, err := session.EncodeEnding(e)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%08x%s", len(text), text), nil
}

// instant is a time as it stands in a value.
func instant(t time.Time) string {
	if t.IsZero() {
		return "0000000000000000"
	}
	return fmt.Sprintf("%016x", uint64(t.UnixNano())^1<<63)
}

// split takes a value apart; the ending is empty for a live session. Any value
// can be given, for it may be another version's.
func split(value string) (state byte, ending, record string, err error) {
	if len(value) < userAt || !strings.ContainsRune("LPE", rune(value[0])) {
		return 0, "", "", fmt.Errorf("%w: not a value of this store", session.ErrRecord)
	}
	version, err := strconv.ParseUint(value[1:3], 16, 8)
	if err != nil || version < 1 || version > session.RecordVersion {
		return 0, "", "", fmt.Errorf("%w: version %q, want %02x to %02x", session.ErrRecord, value[1:3], 1, session.RecordVersion)
	}
	_, record, whole := cut(value[lengthAt:])
	if whole && value[0] == ended {
		ending, record, whole = cut(record)
	}
	if !whole {
		return 0, "", "", fmt.Errorf("%w: cut short", session.ErrRecord)
	}
	return value[0], ending, record, nil
}

// cut takes from the front of text what its length stands before.
func cut(text string) (part, rest string, whole bool) {
	if len(text) < 8 {
		return "", "", false
	}
	length, err := strconv.ParseUint(text[:8], 16, 32)
	if err != nil || uint64(len(text)-8) < length {
		return "", "", false
	}
	return text[8 : 8+length], text[8+length:], true
}

// decodeEnded reads the value of an ended session.
func decodeEnded(value string) (session.Ended, error) {
	state, ending, record, err := split(value)
	if err != nil {
		return session.Ended{}, err
	}
	if state != ended {
		return session.Ended{}, fmt.Errorf("%w: live, want an ending", session.ErrRecord)
	}
	e, err := session.DecodeEnding([]byte(ending))
	if err != nil {
		return session.Ended{}, err
	}
	s, err := session.DecodeRecord([]byte(record))
	return session.Ended{Session: s, Ending: e}, err
}
