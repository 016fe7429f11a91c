package loginstage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

func TestSetValue(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	first := h.signIn(loginstage.User{ID: "ada", Value: "a"})
	second, err := h.stage.SetValue(t.Context(), first, "b")
	require.NoError(t, err)
	assert.Equal(t, second, h.sessions("ada")[0])

	now, err := h.stage.SetValue(t.Context(), first, "c")
	require.ErrorIs(t, err, session.ErrConflict)
	assert.Equal(t, second, now, "it comes with what is there")
	value, err := session.ValueOf[string](h.sessions("ada")[0])
	require.NoError(t, err)
	assert.Equal(t, "b", value)

	for name, value := range map[string]any{"no JSON": make(chan int), "too long": string(make([]byte, session.MaxValue))} {
		_, err = h.stage.SetValue(t.Context(), second, value)
		require.ErrorIs(t, err, session.ErrInvalid, name)
	}
	require.NoError(t, h.do("/logout"))
	_, err = h.stage.SetValue(t.Context(), second, "d")
	var ended *session.EndedError
	require.ErrorAs(t, err, &ended)
}

// The next user of a browser finds nothing of the one before.
func TestAValueDoesNotLeak(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	h.signIn(loginstage.User{ID: "ada", Value: "hers", Tenant: "acme", ACR: loginstage.ACRAAL3})
	s := h.signIn(loginstage.User{ID: "bob"})
	assert.Empty(t, s.Value)
	assert.Empty(t, s.Tenant)
	assert.Empty(t, s.ACR)
}
