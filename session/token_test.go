package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestTokenRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := session.NewToken("ada")
		require.False(t, token.IsZero())
		require.Len(t, token.Secret(), 45)
		require.True(t, strings.HasSuffix(token.Secret(), session.Shard("ada")))
		require.False(t, seen[token.Secret()[:43]], "each token is another one")
		seen[token.Secret()[:43]] = true

		parsed, err := session.ParseToken(token.Secret())
		require.NoError(t, err)
		require.True(t, parsed == token)
		require.Equal(t, token.ID(), parsed.ID())
	}
}

func TestTokensIDDisclosesNothing(t *testing.T) {
	token := session.NewToken("ada")
	id := token.ID().String()
	assert.NotEqual(t, token.Secret(), id)
	for i := range 40 {
		assert.NotContains(t, id, token.Secret()[i:i+5], "a part of the token")
	}
}

// One character more or less, or of the shard, is another ID.
func TestTokensIDIsOfAllOfIt(t *testing.T) {
	secret := session.NewToken("ada").Secret()
	ids := map[session.ID]bool{}
	for i := range len(secret) {
		other := []byte(secret)
		other[i] = 'A'
		if secret[i] == 'A' {
			other[i] = 'B'
		}
		token, err := session.ParseToken(string(other))
		require.NoError(t, err)
		ids[token.ID()] = true
	}
	assert.Len(t, ids, len(secret))
}

func TestTokensThatAreMalformed(t *testing.T) {
	secret := session.NewToken("ada").Secret()
	for _, text := range []string{
		"", secret[1:], secret + "A", secret[:20] + "+" + secret[21:], secret[:20] + "/" + secret[21:], secret[:20] + "=" + secret[21:],
		secret[:20] + "\x00" + secret[21:], secret[:20] + "é" + secret[22:], `"` + secret[2:] + `"`, strings.Repeat("A", 1<<20),
	} {
		token, err := session.ParseToken(text)
		require.ErrorIs(t, err, session.ErrBadToken)
		assert.True(t, token.IsZero())
		if len(text) > 10 {
			assert.NotContains(t, err.Error(), text[5:10], "the error does not quote it")
		}
	}
}

func TestTokenIsNotPrinted(t *testing.T) {
	token := session.NewToken("ada")
	type holder struct {
		Token   session.Token
		Pointer *session.Token
	}
	held := holder{token, &token}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{token, &token, held, &held, []session.Token{token}, map[string]session.Token{"k": token}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, token, errors.New(fmt.Sprint("wrapped ", token)))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("message", "token", token, "pointer", &token, "held", held)
	}
	for _, v := range []any{token, held, map[string]any{"token": token}} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(text)
	}

	printed := out.String()
	assert.Contains(t, printed, "[session token]")
	for i := range len(token.Secret()) - 7 {
		part := token.Secret()[i : i+8]
		require.False(t, strings.Contains(printed, part), "a part of the token was printed")
		require.False(t, strings.Contains(strings.ToLower(printed), fmt.Sprintf("%x", part)), "a part of the token was printed in hexadecimal")
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(session.NewToken("ada").Secret())
	f.Add("")
	f.Add(strings.Repeat("A", 45))
	f.Add(strings.Repeat("é", 22) + "A")
	f.Add(strings.Repeat("\x00", 45))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := session.ParseToken(text)
		if err != nil {
			require.ErrorIs(t, err, session.ErrBadToken)
			require.True(t, token.IsZero())
			require.True(t, token.ID().IsZero())
			return
		}
		require.Len(t, text, 45)
		require.Equal(t, text, token.Secret())
		require.Empty(t, strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
		require.Equal(t, text[43:], token.ID().Shard())
		parsed, err := session.ParseID(token.ID().String())
		require.NoError(t, err, "the ID of a token is an ID, whoever made the token up")
		require.Equal(t, token.ID(), parsed)
	})
}
