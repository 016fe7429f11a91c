package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
)

// sent returns a request of a client that got what w has.
func sent(w *httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest("POST", "/flow", nil)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return r
}

func TestTheClientKeepsItsFlow(t *testing.T) {
	f := sealed(t)
	state := f.start("/")
	state.At, state.Attempts, state.User = 3, 2, loginstage.User{ID: "grace", Name: "Grace", Method: "password"}
	state.Asked = &loginstage.Challenge{Component: "terms_of_use", Question: map[string]any{"version": "2026-11"}}
	w := httptest.NewRecorder()
	require.NoError(t, f.save(w, state))
	found := f.of(sent(w))
	require.NotNil(t, found)
	assert.WithinDuration(t, state.Expires, found.Expires, 0)
	found.Expires = state.Expires
	assert.Equal(t, state, found)

	cookie := w.Result().Cookies()[0]
	assert.NotContains(t, cookie.Value, "grace")
	assert.True(t, cookie.Secure && cookie.HttpOnly && cookie.Path == "/" && cookie.SameSite == http.SameSiteLaxMode)
}

// What the server has not sealed is no flow: a client writes itself none.
func TestAFlowThatWasTamperedWithIsNone(t *testing.T) {
	f := sealed(t)
	w := httptest.NewRecorder()
	require.NoError(t, f.save(w, f.start("/")))
	value := w.Result().Cookies()[0].Value
	require.NotNil(t, f.of(sent(w)))
	other, err := newFlows([]byte(strings.Repeat("k", 32)))
	require.NoError(t, err)
	assert.Nil(t, other.of(sent(w)), "sealed with another key")
	for i := range value {
		for _, changed := range []string{value[:i], value[:i] + "A" + value[i+1:], value[:i] + "_" + value[i+1:], value + "A"} {
			r := httptest.NewRequest("POST", "/flow", nil)
			r.Header.Set("Cookie", flowCookie+"="+changed)
			if changed != value {
				assert.Nil(t, f.of(r), changed)
			}
		}
	}
}

func TestAProvedStateIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := sealed(t)
		unproved, proved := f.start("/"), f.start("/")
		proved.User.Method = "password"
		for _, state := range []*flow{unproved, proved} {
			require.NoError(t, f.save(httptest.NewRecorder(), state))
			assert.True(t, f.answer(state))
		}
		assert.True(t, f.answer(unproved))
		assert.False(t, f.answer(proved))
		require.NoError(t, f.save(httptest.NewRecorder(), proved))
		assert.True(t, f.answer(proved), "the state after it")

		assert.Len(t, f.answered, 2)
		time.Sleep(flowTime)
		next := f.start("/")
		next.ID, next.User.Method = "next", "password"
		assert.True(t, f.answer(next))
		assert.Len(t, f.answered, 1, "what has expired is forgotten")
	})
}

func TestAQuestionThatFitsNoCookie(t *testing.T) {
	f := sealed(t)
	state := f.start("/")
	state.Asked = &loginstage.Challenge{Question: strings.Repeat("long", 1000)}
	w := httptest.NewRecorder()
	assert.ErrorContains(t, f.save(w, state), "ask a shorter question")
	assert.Empty(t, w.Header())
	_, err := newFlows([]byte("short"))
	assert.ErrorContains(t, err, "5 bytes: want 32")
}

// Nobody without the key makes a flow.
func FuzzFlowCookie(f *testing.F) {
	other, err := newFlows([]byte(strings.Repeat("k", 32)))
	if err != nil {
		f.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := other.save(w, other.start("/")); err != nil {
		f.Fatal(err)
	}
	value := w.Result().Cookies()[0].Value
	for _, seed := range []string{"", "A", value, value[:20], value + "=", "e30"} {
		f.Add(seed)
	}
	flows := sealed(f)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("POST", "/flow", nil)
		r.Header.Set("Cookie", flowCookie+"="+value)
		if flows.of(r) != nil {
			t.Errorf("%q is taken for a flow", value)
		}
	})
}
