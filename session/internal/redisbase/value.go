package redisbase

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// The value of a session's key, so that one GET reads it and scripts can judge
// and end it without reading the record, which a later release may have written.
// Numbers are hexadecimal; times are of a fixed width and in the order of their
// text, because numbers in scripts have 53 bits. Texts stand behind their length,
// which takes 8 places.
//
//	state    1   L: live; E: ended
//	form     1   1: the form that is told here
//	tell     1   1: live, and Sweep ends it into the journal; 0: it does not
//	created  16
//	limit    16  live: the Deadline; ended: Ending.Keep
//	tag          of the kind: tagOf
//	user
//	ending       ended only: session.EncodeEnding
//	record       session.EncodeRecord, to the end
const (
	live  = 'L'
	ended = 'E'
	form  = '1'
)

// tagOf returns the text of a kind in values and indexes. It is one letter for the
// kinds that there were when this form was made, and for all others what ends
// where no other tag goes on.
func tagOf(kind session.Kind) string {
	switch kind {
	case session.KindSession:
		return "s"
	case session.KindPending:
		return "p"
	case session.KindDevice:
		return "d"
	default:
		return "x" + url.QueryEscape(string(kind)) + ":"
	}
}

// kindOf returns the kind of a tag.
func kindOf(tag string) (session.Kind, error) {
	switch tag {
	case "s":
		return session.KindSession, nil
	case "p":
		return session.KindPending, nil
	case "d":
		return session.KindDevice, nil
	}
	name, isOther := strings.CutPrefix(tag, "x")
	name, isWhole := strings.CutSuffix(name, ":")
	kind, err := url.QueryUnescape(name)
	if err != nil || !isOther || !isWhole {
		return "", fmt.Errorf("%w: no kind", session.ErrRecord)
	}
	return session.Kind(kind), nil
}

// member returns how a session stands in its user's index.
func member(s session.Session) string { return tagOf(s.Kind) + instant(s.Created) + s.ID.String() }

// dueMember returns how a live session stands in the list of what is due.
func dueMember(s session.Session) string {
	flag := "-"
	if s.TellExpiry > 0 {
		flag = "!"
	}
	return flag + member(s) + s.User
}

// encode returns the value of a live session.
func encode(s session.Session) (string, error) {
	record, err := session.EncodeRecord(s)
	if err != nil {
		return "", err
	}
	tell := '0'
	if s.TellExpiry > 0 {
		tell = '1'
	}
	return fmt.Sprintf("%c%c%c%s%s%s%s%s", live, form, tell, instant(s.Created), instant(s.Deadline()),
		sized(tagOf(s.Kind)), sized(s.User), record), nil
}

// encodeEnding returns an ending as it stands in a value.
func encodeEnding(e session.Ending) (string, error) {
	text, err := session.EncodeEnding(e)
	return sized(string(text)), err
}

func sized(text string) string { return fmt.Sprintf("%08x%s", len(text), text) }

// instant returns a time as it stands in a value. A time that 64 bits of
// nanoseconds cannot say is the nearest that they can.
func instant(t time.Time) string {
	switch {
	case t.IsZero(), t.Before(time.Unix(0, -1<<63)):
		return "0000000000000000"
	case t.After(time.Unix(0, 1<<63-1)):
		return "ffffffffffffffff"
	default:
		return fmt.Sprintf("%016x", uint64(t.UnixNano())^1<<63)
	}
}

// timeOf returns the time of an instant, which is 16 hexadecimal digits.
func timeOf(instant string) (time.Time, error) {
	n, err := strconv.ParseUint(instant, 16, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: no time", session.ErrRecord)
	}
	return time.Unix(0, int64(n^1<<63)).UTC(), nil
}

// A value is what stands in a session's key, taken apart.
type value struct {
	state          byte
	tell           bool
	created, limit string
	tag, user      string
	ending         string // empty: it lives
	record         string
}

var valueForm = regexp.MustCompile(`^[LE]1[01][0-9a-f]{32}`)

// split takes the text of a value apart. Any text can be given, for it may be
// another release's.
func split(text string) (value, error) {
	if !valueForm.MatchString(text) {
		return value{}, fmt.Errorf("%w: not a value of this store", session.ErrRecord)
	}
	v := value{state: text[0], tell: text[2] == '1', created: text[3:19], limit: text[19:35]}
	var whole bool
	if v.tag, text, whole = cut(text[35:]); whole {
		v.user, v.record, whole = cut(text)
	}
	if whole && v.state == ended {
		v.ending, v.record, whole = cut(v.record)
	}
	if !whole {
		return value{}, fmt.Errorf("%w: cut short", session.ErrRecord)
	}
	return v, nil
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

// decodeLive reads the value of the live session of the ID. For one that ended the
// error says how.
func decodeLive(id session.ID, text string) (session.Session, error) {
	v, err := split(text)
	if err != nil {
		return session.Session{}, err
	}
	if v.state == ended {
		e, err := v.ended(id)
		if err != nil {
			return session.Session{}, err
		}
		return session.Session{}, &session.EndedError{Ended: e}
	}
	s, err := session.DecodeRecord([]byte(v.record))
	if err == nil && s.ID != id {
		err = fmt.Errorf("%w: of another session", session.ErrRecord)
	}
	return s, err
}

// decodeEnded reads the value of the ended session of the ID.
func decodeEnded(id session.ID, text string) (session.Ended, error) {
	v, err := split(text)
	if err != nil {
		return session.Ended{}, err
	}
	if v.state != ended {
		return session.Ended{}, fmt.Errorf("%w: live, want an ending", session.ErrRecord)
	}
	return v.ended(id)
}

// ended returns the ended session of the ID. Where its record is not understood,
// which a later release may have written, the session is what the value says: so it
// could be ended all the same.
func (v value) ended(id session.ID) (session.Ended, error) {
	ending, err := session.DecodeEnding([]byte(v.ending))
	if err != nil {
		return session.Ended{}, err
	}
	s, err := v.session(id)
	return session.Ended{Session: s, Ending: ending}, err
}

// session returns what the record says, or else what the value does: the user, the
// kind and when the session was created.
func (v value) session(id session.ID) (session.Session, error) {
	if s, err := session.DecodeRecord([]byte(v.record)); err == nil && s.ID == id {
		return s, nil
	}
	kind, err := kindOf(v.tag)
	if err != nil {
		return session.Session{}, err
	}
	created, err := timeOf(v.created)
	return session.Session{ID: id, Kind: kind, User: v.user, Created: created, LastSeen: created}, err
}
