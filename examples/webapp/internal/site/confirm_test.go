package site

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
)

// A user who was proved a while ago is asked for the password before sessions end, and
// comes back to the page where they were.
func TestEndingSessionsTakesThePasswordAgain(t *testing.T) {
	a := openApp(t)
	server := serveTLS(t, a)
	phone, laptop := newVisitor(t, server), newVisitor(t, server)
	phone.signIn("ada", ada, "yes")

	// An hour ago, for the laptop.
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	user := loginstage.User{ID: "ada", Name: "Ada", AuthTime: time.Now().Add(-time.Hour)}
	_, err := a.login.Begin(w, r, user)
	require.NoError(t, err)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	answered := httptest.NewRecorder()
	require.NoError(t, a.login.Finish(answered, r, loginstage.Answer{}))
	laptop.hold(answered.Result().Cookies())

	home := laptop.get("/")
	require.Len(t, others(home), 1)
	other := others(home)[0]
	asked := laptop.post("/sessions/end", "session", other)
	assert.Equal(t, "/confirm", asked.path)
	assert.Contains(t, asked.html, "Confirm that it is you")
	for _, path := range []string{"/sessions/end-others", "/devices/forget", "/devices/forget-all"} {
		assert.Equal(t, "/confirm", laptop.post(path).path, path)
	}
	require.Len(t, others(laptop.get("/")), 1, "nothing has ended")
	require.Len(t, devices(laptop.get("/devices")), 2, "nothing is forgotten")

	wrong := laptop.post("/confirm", "password", "wrong", "next", "/")
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	assert.Equal(t, "/confirm", laptop.post("/sessions/end", "session", other).path)

	home = laptop.post("/confirm", "password", ada, "next", "/")
	assert.Equal(t, "/", home.path)
	home = laptop.post("/sessions/end", "session", other)
	assert.Contains(t, home.html, "The session was ended.")
	assert.Empty(t, others(home))
}

// Nobody confirms anything who is not signed in.
func TestConfirmingNeedsASession(t *testing.T) {
	visitor := newVisitor(t, open(t))
	assert.Equal(t, "/login", visitor.get("/confirm").path)
	assert.Equal(t, "/login", visitor.post("/confirm", "password", ada).path)
}
