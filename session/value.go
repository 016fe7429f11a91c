package session

import (
	"encoding/json"
	"fmt"
)

// MaxValue is how long [Session.Value] can be, in bytes.
const MaxValue = 4096

// ValueOf returns the host's value of s as a T, as [json.Unmarshal] reads it, and the
// zero T where s has none. A value that is no T, as one that another version of the
// host wrote, is an error that wraps [json.Unmarshal]'s.
//
// What belongs there is small and says who acts as what, such as a tenant or roles,
// and is read with nearly every request. What grows, changes with most requests, or
// has to outlive the session, such as a cart, does not: keep that by [Session.User],
// or in a store of its own. A value holds no secret: everybody who reads the session store
// reads it.
func ValueOf[T any](s Session) (T, error) {
	var value, none T
	if len(s.Value) == 0 {
		return none, nil
	}
	if err := json.Unmarshal(s.Value, &value); err != nil {
		return none, fmt.Errorf("session: the value of %s is no %T: %w", s.ID, none, err)
	}
	return value, nil
}

// EncodeValue returns v as it stands in [Session.Value]. It is [ErrInvalid] if JSON
// cannot hold it, or if it is longer than [MaxValue].
func EncodeValue(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: Value: %w", ErrInvalid, err)
	}
	if len(text) > MaxValue {
		return nil, fmt.Errorf("%w: Value of %d bytes, want up to %d", ErrInvalid, len(text), MaxValue)
	}
	return text, nil
}

// checkValue refuses what is no value.
func checkValue(value []byte, refuse func(format string, args ...any)) {
	switch {
	case len(value) > MaxValue:
		refuse("Value of %d bytes, want up to %d", len(value), MaxValue)
	case value != nil && !json.Valid(value):
		refuse("Value is not JSON")
	}
}
