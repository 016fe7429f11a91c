package session_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// role is a value that a host keeps.
type role struct {
	Tenant string   `json:"tenant"`
	Roles  []string `json:"roles"`
}

func TestValueOf(t *testing.T) {
	want := role{"acme", []string{"admin"}}
	text, err := session.EncodeValue(want)
	require.NoError(t, err)
	got, err := session.ValueOf[role](session.Session{Value: text})
	require.NoError(t, err)
	assert.Equal(t, want, got)

	none, err := session.ValueOf[role](session.Session{})
	require.NoError(t, err)
	assert.Zero(t, none)
}

// A value that another version of the host wrote is an error, and no half of a value.
func TestValueOfAnotherType(t *testing.T) {
	got, err := session.ValueOf[role](session.Session{Value: []byte(`{"tenant":"acme","roles":"admin"}`)})
	var typeErr *json.UnmarshalTypeError
	require.ErrorAs(t, err, &typeErr)
	require.ErrorContains(t, err, "session_test.role")
	assert.Zero(t, got)
}

func TestEncodeValue(t *testing.T) {
	text, err := session.EncodeValue(strings.Repeat("x", session.MaxValue-2))
	require.NoError(t, err)
	assert.Len(t, text, session.MaxValue)
	for name, v := range map[string]any{"too long": strings.Repeat("x", session.MaxValue-1), "no JSON": func() {}} {
		_, err := session.EncodeValue(v)
		require.ErrorIs(t, err, session.ErrInvalid, name)
	}
}
