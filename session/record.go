package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// RecordVersion is the version of the records that are written. A reader takes
// this one and those before it; parts that it does not know it passes over, so
// the version rises only when a part changes its meaning.
const RecordVersion = 1

// ErrRecord is returned for bytes that are no record of a session or an
// ending, or one of a version that is not understood. It never quotes them.
var ErrRecord = errors.New("session: record not understood")

// EncodeRecord returns s as a versioned record for a store to keep.
// [DecodeRecord] returns it exactly.
func EncodeRecord(s Session) ([]byte, error) { return encode(recordOf(s)) }

// DecodeRecord reads what [EncodeRecord] wrote. Anything else is [ErrRecord].
func DecodeRecord(text []byte) (Session, error) {
	r, err := decode[record](text)
	if err != nil {
		return Session{}, err
	}
	if r.ID.IsZero() || r.User == "" {
		return Session{}, fmt.Errorf("%w: no ID or no user", ErrRecord)
	}
	return r.session(), nil
}

// EncodeEnding returns e as a versioned record for a store to keep.
// [DecodeEnding] returns it exactly.
func EncodeEnding(e Ending) ([]byte, error) { return encode(endingRecordOf(e)) }

// DecodeEnding reads what [EncodeEnding] wrote. Anything else is [ErrRecord].
func DecodeEnding(text []byte) (Ending, error) {
	r, err := decode[endingRecord](text)
	if err != nil {
		return Ending{}, err
	}
	if r.Cause == "" {
		return Ending{}, fmt.Errorf("%w: no cause", ErrRecord)
	}
	return r.ending(), nil
}

func encode(record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("session: encoding a record: %w", err)
	}
	return text, nil
}

// decode reads a record in one pass. One that does not fit is looked at again,
// since a version that is not understood may have another form.
func decode[T interface{ version() int }](text []byte) (T, error) {
	var read, none T
	formErr := json.Unmarshal(text, &read)
	version := read.version()
	if formErr != nil {
		var head struct {
			Version int `json:"v"`
		}
		if err := json.Unmarshal(text, &head); err != nil {
			return none, fmt.Errorf("%w: not JSON", ErrRecord)
		}
		version = head.Version
	}
	if version < 1 || version > RecordVersion {
		return none, fmt.Errorf("%w: version %d, want 1 to %d", ErrRecord, version, RecordVersion)
	}
	if formErr != nil {
		return none, fmt.Errorf("%w: a part of it has another form", ErrRecord)
	}
	return read, nil
}

func (r record) version() int       { return r.Version }
func (r endingRecord) version() int { return r.Version }

// record is a session as it is kept. Times are nanoseconds since 1970.
type record struct {
	Version     int              `json:"v"`
	ID          ID               `json:"id"`
	User        string           `json:"user"`
	Name        string           `json:"name,omitempty"`
	Method      string           `json:"method,omitempty"`
	Stage       string           `json:"stage,omitempty"`
	Kind        Kind             `json:"kind,omitempty"`
	Pending     bool             `json:"pending,omitempty"`
	Created     instant          `json:"created"`
	LastSeen    instant          `json:"seen"`
	IP          netip.Addr       `json:"ip,omitzero"`
	UserAgent   string           `json:"agent,omitempty"`
	Expires     instant          `json:"expires"`
	Idle        time.Duration    `json:"idle,omitempty"`
	MaxAge      time.Duration    `json:"max_age,omitempty"`
	Policy      binding.Policy   `json:"policy,omitzero"`
	Anchor      binding.Location `json:"anchor,omitzero"`
	KnownDevice bool             `json:"known_device,omitempty"`
	Drift       *driftRecord     `json:"drift,omitempty"`
	TellExpiry  time.Duration    `json:"tell_expiry,omitempty"`
}

type driftRecord struct {
	Second     binding.Location `json:"second,omitzero"`
	Restricted binding.Reason   `json:"restricted,omitempty"`
	Moves      []instant        `json:"moves,omitempty"`
	Reported   []string         `json:"reported,omitempty"`
}

type endingRecord struct {
	Version int            `json:"v"`
	Cause   Cause          `json:"cause"`
	Time    instant        `json:"time"`
	Actor   string         `json:"actor,omitempty"`
	Reason  binding.Reason `json:"reason,omitempty"`
	Client  netip.Addr     `json:"client,omitzero"`
	Detail  []byte         `json:"detail,omitempty"` // not JSON in JSON, which would be encoded anew
	Keep    instant        `json:"keep"`
	Journal bool           `json:"journal,omitempty"`
}

// instant is a time in nanoseconds since 1970, 0 for the zero time.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixNano())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}
