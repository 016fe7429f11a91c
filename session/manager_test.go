package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestManagerConfigMistakes(t *testing.T) {
	_, err := session.NewManager(session.Config{StoreTimeout: -1, TouchEvery: -time.Second, KeepEndings: -1, Carrier: session.Cookie{Name: "a b"}, Journal: true})
	require.Error(t, err)
	for _, part := range []string{
		"Store is nil", "memstore.New()", "cookie", "StoreTimeout -1ns", "or 0 for 3s", "TouchEvery -1s", "or 0 for 1m0s", "KeepEndings -1ns", "24h0m0s", "want a store that keeps a journal",
	} {
		assert.ErrorContains(t, err, part)
	}
	assert.Len(t, strings.Split(err.Error(), "\n"), 6, "each on a line of its own")

	_, err = session.NewManager(session.Config{Store: memstore.New()})
	assert.NoError(t, err, "a store is all it takes")
}
