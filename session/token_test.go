package session_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"reflect"
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

func TestTokensAreEqualByTheirText(t *testing.T) {
	token := session.NewToken("ada")
	parsed, err := session.ParseToken(strings.Clone(token.Secret()))
	require.NoError(t, err)
	other := session.NewToken("ada")
	for _, test := range []struct {
		a, b session.Token
		want bool
	}{
		{token, token, true}, {token, parsed, true}, {token, other, false}, {token, session.Token{}, false},
		{session.Token{}, token, false}, {session.Token{}, session.Token{}, true},
	} {
		assert.Equal(t, test.want, test.a == test.b)
		assert.Equal(t, test.want, reflect.DeepEqual(test.a, test.b))
	}
	assert.Empty(t, session.Token{}.Secret())
}

// The first thing that each request does.
func BenchmarkParseToken(b *testing.B) {
	secret := session.NewToken("ada").Secret()
	b.ReportAllocs()
	for b.Loop() {
		token, err := session.ParseToken(secret)
		if err != nil || token.ID().IsZero() {
			b.Fatal(err)
		}
	}
}

// Whatever a token is a part of, and whatever it is printed with, it is not printed.
func TestTokenIsNotPrinted(t *testing.T) {
	token := session.NewToken("ada")
	type exported struct {
		Token   session.Token
		Pointer *session.Token
	}
	type hidden struct {
		token   session.Token
		pointer *session.Token
		slice   []session.Token
		array   [1]session.Token
		mapped  map[string]session.Token
		any     any
		inner   struct{ token session.Token }
	}
	held := exported{token, &token}
	hiding := hidden{token, &token, []session.Token{token}, [1]session.Token{token}, map[string]session.Token{"k": token}, token, struct{ token session.Token }{token}}
	values := map[string]any{
		"token": token, "pointer": &token, "exported": held, "pointer to exported": &held, "hidden": hiding, "pointer to hidden": &hiding,
		"slice": []session.Token{token}, "pointers": []*session.Token{&token}, "array": [1]session.Token{token},
		"map": map[string]session.Token{"k": token}, "key": map[session.Token]int{token: 1}, "any": []any{token, &token, held, hiding},
		"hidden in a map": map[string]hidden{"k": hiding}, "hidden in a slice": []*hidden{&hiding},
		"error": fmt.Errorf("wrapped: %v, %w", token, tokenError{token}), "pointer to an error": &tokenError{token},
	}
	// Slices, so that no linter knows what is in them.
	wrong := []string{"%d", "%!"} // too few verbs, an unfinished one
	const verbs = "vTtbcdoOqxXUeEfFgGspwzyka"
	parts := secrets(token)
	for name, value := range values {
		for _, verb := range verbs {
			for _, flags := range []string{"", "+", "#", "+#", "-40.2"} {
				format := "%" + flags + string(verb)
				requireNoSecret(t, parts, fmt.Sprintf(format, value), name+" with "+format)
				if strings.ContainsRune("vwsp", verb) {
					requireNoSecret(t, parts, fmt.Errorf(format, value).Error(), name+" as an error with "+format)
				}
			}
		}
		requireNoSecret(t, parts, fmt.Sprint(value)+fmt.Sprintln(value)+fmt.Sprint("a", value, "b")+string(fmt.Append(nil, value)), name)
		requireNoSecret(t, parts, fmt.Sprintf("%d %s %*d", value, value, value, 1)+fmt.Sprintf(wrong[0], 1, value)+fmt.Sprintf(wrong[1], value), name+" where it does not belong")
		var out bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("message", "value", value, slog.Group("group", "value", value))
		}
		log.New(&out, "", 0).Printf("%v %+v", value, value)
		if text, err := json.Marshal(value); err == nil {
			out.Write(text)
		}
		requireNoSecret(t, parts, out.String(), name+" logged or encoded")
	}
	assert.Equal(t, "[session token]", fmt.Sprint(token))
	assert.Equal(t, "[session token]", token.String())
}

// tokenError is an error with a token in it.
type tokenError struct{ token session.Token }

func (tokenError) Error() string { return "with a token" }

// secrets returns the ways to write parts of the token.
func secrets(token session.Token) []string {
	var all []string
	for i := range len(token.Secret()) - 7 {
		part := []byte(token.Secret()[i : i+8])
		all = append(all, string(part), fmt.Sprintf("%x", part), fmt.Sprintf("% x", part[:4]), fmt.Sprintf("%X", part))
		for _, format := range []string{"%d", "%o", "%b", "%U", "%c", "%#x", "%#v"} {
			list := strings.TrimSuffix(strings.TrimPrefix(strings.Trim(fmt.Sprintf(format, part[:4]), "[]"), "[]byte{"), "}")
			all = append(all, list)
		}
	}
	return all
}

// requireNoSecret checks that none of the secrets is in what was printed.
func requireNoSecret(t *testing.T, secrets []string, printed, what string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(printed, secret) {
			require.Fail(t, "a part of the token was printed", what)
		}
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
		require.NoError(t, err, "the ID of a token is an ID, made up or not")
		require.Equal(t, token.ID(), parsed)
	})
}
