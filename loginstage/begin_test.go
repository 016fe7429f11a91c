package loginstage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

func TestBeginDenies(t *testing.T) {
	for _, test := range []struct {
		name  string
		user  loginstage.User
		cause session.Cause
		says  string
	}{
		{"no user", loginstage.User{}, loginstage.CauseNoUser, `user ID "": want 1 to 255 bytes`},
		{"no user, inactive", loginstage.User{Inactive: true}, loginstage.CauseNoUser, `want 1 to 255 bytes`},
		{"too long", loginstage.User{ID: strings.Repeat("a", 256)}, loginstage.CauseNoUser, `want 1 to 255 bytes`},
		{"a line end", loginstage.User{ID: "ada\n"}, loginstage.CauseNoUser, `"ada\n"`},
		{"a NUL", loginstage.User{ID: "ada\x00"}, loginstage.CauseNoUser, `"ada\x00"`},
		{"a C1 control", loginstage.User{ID: "ada\u0085"}, loginstage.CauseNoUser, `printable`},
		{"no UTF-8", loginstage.User{ID: "ada\xff"}, loginstage.CauseNoUser, `printable`},
		{"inactive", loginstage.User{ID: "ada", Inactive: true}, loginstage.CauseInactiveUser, `user "ada" is inactive`},
	} {
		for _, offset := range []string{"seconds=0", "weeks=2"} {
			t.Run(test.name+", offset "+offset, func(t *testing.T) {
				store := loginstagetest.NewStore(nil)
				stage := loginstagetest.New(t, loginstage.Config{Store: store, StaySignedInOffset: duration.MustParse(offset)})
				w := httptest.NewRecorder()
				challenge, err := stage.Begin(w, httptest.NewRequest("POST", "/", nil), test.user)
				assert.Nil(t, challenge)
				denied, ok := errors.AsType[*loginstage.DeniedError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, &loginstage.DeniedError{Cause: test.cause, User: test.user.ID}, denied)
				assert.ErrorContains(t, err, test.says)
				assert.Less(t, len(err.Error()), 512)

				assert.Empty(t, w.Header()["Set-Cookie"])
				assert.Zero(t, store.Calls(loginstagetest.Start), "no session was made")
				event := stage.Events.Last()
				assert.Equal(t, loginstage.ActionLoginDenied, event.Action)
				assert.Equal(t, test.cause, event.Cause)
				assert.LessOrEqual(t, len(event.User), 255)
				assert.True(t, event.Session.IsZero())
				assert.Len(t, stage.Events.Events(), 1)
			})
		}
	}
}

func TestBeginTakesAnyPrintableUser(t *testing.T) {
	for _, id := range []string{"a", "0", strings.Repeat("a", 255), "Ada Lovelace", "ада", "👩‍💻", "a/b?c=d&e", "mooring-device", `"`, "mooring"} {
		stage := loginstagetest.New(t, loginstage.Config{})
		_, err := stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: id})
		require.NoError(t, err)
		require.Equal(t, id, stage.Events.Last().User)
		require.Len(t, sessions(t, stage, id), 1)
	}
}

func TestBeginSignsInAtOnceWithoutAnOffset(t *testing.T) {
	stage, browser := open(t, loginstage.Config{SessionDuration: duration.MustParse("hours=12")})
	require.Equal(t, http.StatusOK, browser.PostForm("/begin?user=ada", nil).StatusCode)
	assert.Equal(t, "ada", whoami(browser))
	assert.Equal(t, []session.Cause{loginstage.CauseSignedIn}, causes(stage, loginstage.ActionLogin))
	assert.Equal(t, http.StatusConflict, browser.PostForm("/finish?stay=1", nil).StatusCode, "there is nothing to answer")
	assert.Equal(t, "ada", whoami(browser))
}

func TestBeginAsksWithAnOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Name: "staff", StaySignedInOffset: duration.MustParse("weeks=2")})
		challenge, err := stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada", Name: "Ada"})
		require.NoError(t, err)
		text, err := json.Marshal(challenge)
		require.NoError(t, err)
		assert.JSONEq(t, `{"component":"stay_signed_in","stage":"staff","user":"ada","name":"Ada","offset":"weeks=2","expires":"2000-01-01T00:10:00Z"}`, string(text))
	})
}

func TestPendingIsNeverSignedIn(t *testing.T) {
	stage, browser := open(t, loginstage.Config{StaySignedInOffset: duration.MustParse("weeks=2"), RememberDevice: duration.MustParse("days=30")})
	response := browser.PostForm("/begin?user=ada", nil)
	require.Equal(t, http.StatusAccepted, response.StatusCode)
	assert.Zero(t, setCookie(t, response, pendingCookie).MaxAge, "gone when the browser closes")
	assert.NotEmpty(t, browser.Cookie(pendingCookie))
	assert.Empty(t, browser.Cookie(cookie))

	assert.Equal(t, "nobody", whoami(browser))
	assert.Equal(t, "nobody", whoami(with(t, stage, browser.Cookie(pendingCookie))), "nor in the carrier's place")
	assert.Equal(t, http.StatusUnauthorized, browser.Get("/private/").StatusCode)
	assert.Empty(t, browser.Get("/login").Text, "and nothing has ended")
	assert.Empty(t, sessions(t, stage, "ada"))
	assert.Empty(t, stage.Events.Events(), "nobody has signed in yet")
	assert.Len(t, response.Cookies(), 1, "no device is remembered yet")
}

func TestDeniedLeavesWhatWasBefore(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	require.Equal(t, http.StatusForbidden, browser.PostForm("/begin?user=bob&inactive=1", nil).StatusCode)
	assert.Equal(t, "ada", whoami(browser))
	assert.Len(t, sessions(t, stage, "ada"), 1)
}

func TestSessionSaysHowItWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{Name: "staff", SessionDuration: duration.MustParse("hours=1")})
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("User-Agent", strings.Repeat("x", 5000))
		_, err := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada", Name: "Ada\xff", Method: strings.Repeat("m", 5000)})
		require.NoError(t, err)
		s := sessions(t, stage, "ada")[0]
		assert.Equal(t, "Ada", s.Name)
		assert.Equal(t, strings.Repeat("m", 255), s.Method)
		assert.Equal(t, strings.Repeat("x", 512), s.UserAgent)
		assert.Equal(t, "staff", s.Stage)
		assert.Equal(t, time.UTC, s.Created.Location())
		assert.Equal(t, time.Now().UTC(), s.Created)
		assert.Equal(t, s.Created.Add(time.Hour), s.Expires)
		assert.Equal(t, "192.0.2.1", s.IP.String(), "of httptest's requests")
	})
}
