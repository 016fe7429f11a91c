package devicekey

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

func secretsOf(t testing.TB, seeds ...byte) Secrets {
	var texts [][]byte
	for _, seed := range seeds {
		texts = append(texts, bytes.Repeat([]byte{seed}, MinSecret))
	}
	secrets, err := NewSecrets(texts...)
	require.NoError(t, err)
	return secrets
}

// flip returns another character of base64url.
func flip(c string) string {
	if c == "A" {
		return "B"
	}
	return "A"
}

func TestSecretsAreLongEnoughAndNeverPrinted(t *testing.T) {
	_, err := NewSecrets()
	require.ErrorIs(t, err, ErrSecret)
	_, err = NewSecrets(make([]byte, 31), make([]byte, 32), nil)
	require.ErrorIs(t, err, ErrSecret)
	assert.Contains(t, err.Error(), "secret 1 has 31 bytes")
	assert.Contains(t, err.Error(), "secret 3 has 0 bytes", "all mistakes at once")

	secrets := secretsOf(t, 'k')
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d", "%p", "%w"} {
		printed := fmt.Sprintf(verb, secrets)
		assert.Less(t, len(printed), 80, verb)
		for _, use := range secrets.all() {
			assert.NotContains(t, printed, strings.Trim(fmt.Sprint(use.pass.inner), "[]"), verb)
		}
	}
}

func TestTheCodeIsThatOfRFC2104(t *testing.T) {
	for n := range maxMessage + 1 {
		key, message := bytes.Repeat([]byte{byte(n)}, 32), bytes.Repeat([]byte{0xa5}, n)
		want := hmac.New(sha256.New, key)
		want.Write(message)
		m := newMAC(key)
		got := m.sum(message)
		require.Equal(t, want.Sum(nil), got[:], "a message of %d bytes", n)
	}
}

func TestAChallengeIsForOnePurposeAndSubject(t *testing.T) {
	secrets := secretsOf(t, 1)
	challenge := secrets.Challenge(Prove, "session", now)
	assert.NotEqual(t, challenge, secrets.Challenge(Prove, "session", now), "no two are the same")
	assert.Regexp(t, `^[A-Za-z0-9_-]+$`, challenge)

	check := func(s Secrets, purpose Purpose, subject, text string, at time.Time) error {
		return s.CheckChallenge(purpose, subject, text, at, time.Minute)
	}
	require.NoError(t, check(secrets, Prove, "session", challenge, now))
	require.NoError(t, check(secrets, Prove, "session", challenge, now.Add(time.Minute)), "at its limit")
	require.NoError(t, check(secrets, Prove, "session", challenge, now.Add(-clockSkew)), "made by a clock that is ahead")
	require.NoError(t, check(secretsOf(t, 2, 1), Prove, "session", challenge, now), "after a rotation")

	for name, err := range map[string]error{
		"another purpose":       check(secrets, Register, "session", challenge, now),
		"another subject":       check(secrets, Prove, "other", challenge, now),
		"another secret":        check(secretsOf(t, 2), Prove, "session", challenge, now),
		"no secret":             check(Secrets{}, Prove, "session", challenge, now),
		"over its limit":        check(secrets, Prove, "session", challenge, now.Add(time.Minute+time.Millisecond)),
		"from the future":       check(secrets, Prove, "session", challenge, now.Add(-clockSkew-time.Millisecond)),
		"changed":               check(secrets, Prove, "session", challenge[:20]+flip(challenge[20:21])+challenge[21:], now),
		"cut":                   check(secrets, Prove, "session", challenge[:len(challenge)-1], now),
		"empty":                 check(secrets, Prove, "session", "", now),
		"a pass in its place":   check(secrets, Prove, "session", secrets.Pass([]byte("session"), now.Add(time.Hour)), now),
		"not made by anybody":   check(secrets, Prove, "session", strings.Repeat("A", len(challenge)), now),
		"made by no secret yet": check(secrets, Prove, "session", Secrets{}.Challenge(Prove, "session", now), now),
	} {
		assert.ErrorIs(t, err, ErrChallenge, name)
	}
}

func TestAPassHoldsUntilItEnds(t *testing.T) {
	secrets := secretsOf(t, 1)
	id := []byte(strings.Repeat("i", 45))
	ends := now.Add(time.Minute)
	pass := secrets.Pass(id, ends)
	assert.Regexp(t, `^[A-Za-z0-9_-]+$`, pass)

	until, ok := secrets.CheckPass(id, pass, ends.Add(-time.Millisecond))
	assert.True(t, ok)
	assert.Equal(t, ends, until)
	_, ok = secretsOf(t, 2, 1).CheckPass(id, pass, now)
	assert.True(t, ok, "after a rotation")

	for name, holds := range map[string]func() (time.Time, bool){
		"at its end":      func() (time.Time, bool) { return secrets.CheckPass(id, pass, ends) },
		"another session": func() (time.Time, bool) { return secrets.CheckPass([]byte("other"), pass, now) },
		"another secret":  func() (time.Time, bool) { return secretsOf(t, 2).CheckPass(id, pass, now) },
		"no secret":       func() (time.Time, bool) { return Secrets{}.CheckPass(id, pass, now) },
		"longer life":     func() (time.Time, bool) { return secrets.CheckPass(id, "B"+pass[1:], now) },
		"empty":           func() (time.Time, bool) { return secrets.CheckPass(id, "", now) },
		"padding":         func() (time.Time, bool) { return secrets.CheckPass(id, pass[:len(pass)-1]+"=", now) },
		"long subject":    func() (time.Time, bool) { return secrets.CheckPass(make([]byte, 4096), pass, now) },
	} {
		_, ok := holds()
		assert.False(t, ok, name)
	}
	assert.Empty(t, secrets.Pass(make([]byte, maxSubject+1), ends))
	assert.Zero(t, testing.AllocsPerRun(100, func() { secrets.CheckPass(id, pass, now) }))
}

func TestAHandleDisclosesNothingAndComesBack(t *testing.T) {
	secrets := secretsOf(t, 1)
	handle := secrets.Seal([]byte("ada"))
	assert.Equal(t, handle, secrets.Seal([]byte("ada")), "the same, so that a client is named the same")
	assert.NotContains(t, handle, "ada")
	assert.Regexp(t, `^[A-Za-z0-9_-]+$`, handle)

	plain, err := secretsOf(t, 2, 1).Open(handle)
	require.NoError(t, err)
	assert.Equal(t, "ada", string(plain))

	for name, wrong := range map[string]string{
		"empty": "", "changed": flip(handle[:1]) + handle[1:], "cut": handle[:20], "not base64url": "!", "long": strings.Repeat("A", maxHandle+1),
		"sealed by another": secretsOf(t, 9).Seal([]byte("ada")),
	} {
		_, err := secrets.Open(wrong)
		assert.ErrorIs(t, err, ErrHandle, name)
	}
}

func FuzzWhatClientsSendBack(f *testing.F) {
	secrets := secretsOf(f, 1)
	f.Add(secrets.Challenge(Prove, "s", now))
	f.Add(secrets.Pass([]byte("s"), now.Add(time.Hour)))
	f.Add(secrets.Seal([]byte("s")))
	known := map[string]bool{
		secrets.Seal([]byte("s")): true,
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = secrets.CheckChallenge(Register, "other", text, now, time.Hour)
		if _, ok := secrets.CheckPass([]byte("other"), text, now); ok {
			t.Fatal("a pass that nobody made for it")
		}
		if plain, err := secrets.Open(text); err == nil && !known[text] {
			t.Fatalf("a handle that nobody made: %q", plain)
		}
	})
}

func BenchmarkCheckPass(b *testing.B) {
	secrets := secretsOf(b, 1)
	id := []byte(strings.Repeat("i", 45))
	pass := secrets.Pass(id, now.Add(time.Hour))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := secrets.CheckPass(id, pass, now); !ok {
			b.Fatal("it holds")
		}
	}
}
