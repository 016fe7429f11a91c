package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// RecordVersion is the latest version of the records that are read and written. It
// rises only when a part changes its meaning. Version 2 is a record of another kind
// than a session or a pending one; those are of version 1.
const RecordVersion = 2

// ErrRecord is returned for bytes that are no record of a session or an
// ending, or one of a version that is not understood. It never quotes them.
var ErrRecord = errors.New("session: record not understood")

// EncodeRecord returns s as a versioned record for a store to keep, and
// [DecodeRecord] returns it exactly. The form of records is their own and changes
// only so that processes of this release and of the next can share a store.
//
// What a record of a later release has in it that this one does not know is written
// back, byte for byte, wherever s is as it was read.
func EncodeRecord(s Session) ([]byte, error) {
	text, err := encode(recordOf(s))
	if err != nil || s.later == "" {
		return text, err
	}
	return written(s.later, text, func(text []byte) ([]byte, error) {
		r, err := decode[record](text)
		if err != nil {
			return nil, err
		}
		s, _ := r.session()
		return encode(recordOf(s))
	})
}

// DecodeRecord reads what [EncodeRecord] wrote, in this release, an earlier or a
// later one. A level, a rule or an action that it does not know it takes for the
// strictest there is. Anything else is [ErrRecord].
func DecodeRecord(text []byte) (Session, error) {
	r, err := decode[record](text)
	if err != nil {
		return Session{}, err
	}
	if r.ID.IsZero() || r.User == "" {
		return Session{}, fmt.Errorf("%w: no ID or no user", ErrRecord)
	}
	s, understood := r.session()
	if !understood || r.extended {
		s.later = string(text)
	}
	return s, nil
}

// EncodeEnding returns e as a versioned record for a store to keep, and
// [DecodeEnding] returns it exactly, as for [EncodeRecord].
func EncodeEnding(e Ending) ([]byte, error) {
	text, err := encode(endingRecordOf(e))
	if err != nil || e.later == "" {
		return text, err
	}
	return written(e.later, text, func(text []byte) ([]byte, error) {
		r, err := decode[endingRecord](text)
		if err != nil {
			return nil, err
		}
		return encode(endingRecordOf(r.ending()))
	})
}

// DecodeEnding reads what [EncodeEnding] wrote. Anything else is [ErrRecord].
func DecodeEnding(text []byte) (Ending, error) {
	r, err := decode[endingRecord](text)
	if err != nil {
		return Ending{}, err
	}
	if r.Cause == "" {
		return Ending{}, fmt.Errorf("%w: no cause", ErrRecord)
	}
	e := r.ending()
	if r.extended {
		e.later = string(text)
	}
	return e, nil
}

func encode(record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("session: encoding a record: %w", err)
	}
	return text, nil
}

// A head is what each record begins with.
type head struct {
	Version  int  `json:"v"`
	extended bool // it has fields that are not known
}

func (h *head) of() *head { return h }

// decode reads a record in one pass. One that does not fit is looked at again: it may
// have fields that are not known, or a version that is not understood.
func decode[T any, P interface {
	*T
	of() *head
}](text []byte) (T, error) {
	var read, none T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&read)
	if err == nil {
		if _, trailing := decoder.Token(); !errors.Is(trailing, io.EOF) {
			return none, fmt.Errorf("%w: more than one JSON value", ErrRecord)
		}
	} else {
		read = none
		var first head
		if json.Unmarshal(text, &first) != nil {
			return none, fmt.Errorf("%w: not JSON", ErrRecord)
		}
		err = json.Unmarshal(text, &read)
		P(&read).of().Version, P(&read).of().extended = first.Version, true
	}
	if version := P(&read).of().Version; version < 1 || version > RecordVersion {
		return none, fmt.Errorf("%w: version %d, want 1 to %d", ErrRecord, version, RecordVersion)
	}
	if err != nil {
		return none, fmt.Errorf("%w: a part of it has another form", ErrRecord)
	}
	return read, nil
}

// written returns text, with what this release does not know of the record that a
// later one wrote. again returns what this release writes for a record that it reads.
// A record that would then be read as another one, as if its fields were there twice,
// is written without what is not known.
func written(later string, text []byte, again func([]byte) ([]byte, error)) ([]byte, error) {
	theirs := []byte(strings.TrimSpace(later))
	base, err := again(theirs)
	if err != nil {
		return nil, err
	}
	merged := merge(theirs, base, text)
	if read, err := again(merged); err != nil || !bytes.Equal(read, text) {
		return text, nil
	}
	return merged, nil
}
