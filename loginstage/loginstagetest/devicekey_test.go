package loginstagetest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// shop returns a host: any user who posts to /login is ada, and /private is hers.
func shop(login *loginstage.UserLogin) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/mooring/", login.DeviceKeys())
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := login.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.Handle("/private", login.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return mux
}

func offering() loginstage.Config {
	return loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		DeviceKey:       loginstage.DeviceKeyOffer, ProveEvery: duration.MustParse("minutes=5"), Carrier: session.CookieOrBearer{},
	}
}

// A thief with all cookies, from the same network, gets nothing.
func TestAThiefWithMyCookieGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, offering())
		ada := loginstagetest.NewBrowser(t, shop(stage.UserLogin))
		ada.DeviceKey = devicekey.DBSC
		ada.PostForm("/login", nil)
		thief := ada.Clone()
		time.Sleep(5 * time.Minute)
		require.Equal(t, http.StatusOK, ada.Get("/private").StatusCode)
		require.Equal(t, http.StatusUnauthorized, thief.Get("/private").StatusCode)
	})
}

func TestBrowserWithADeviceKey(t *testing.T) {
	for _, kind := range []devicekey.Kind{devicekey.DBSC, devicekey.Page, devicekey.DPoP} {
		synctest.Test(t, func(t *testing.T) {
			stage := loginstagetest.New(t, offering())
			ada := loginstagetest.NewBrowser(t, shop(stage.UserLogin))
			ada.DeviceKey = kind
			require.Equal(t, http.StatusOK, ada.PostForm("/login", nil).StatusCode)
			sessions, err := stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, sessions, 1)
			require.Equal(t, kind, sessions[0].Drift.Key.Kind)

			thief, copied := ada.Clone(), ada.CloneWithKeys()
			time.Sleep(time.Hour)
			assert.Equal(t, http.StatusOK, ada.Call("POST", "/private", "x").StatusCode, kind)
			assert.Equal(t, http.StatusUnauthorized, thief.Call("GET", "/private", nil).StatusCode, kind)
			assert.Equal(t, http.StatusOK, copied.Call("GET", "/private", nil).StatusCode, "%s: a copied profile has the key", kind)
			ada.MoveTo(bindingtest.Paris)
			assert.Equal(t, http.StatusOK, ada.Get("/private").StatusCode, kind)
			ada.LoseKeys()
			time.Sleep(time.Hour)
			assert.Equal(t, http.StatusUnauthorized, ada.Get("/private").StatusCode, kind)
		})
	}
}

// A browser holds its requests while one of them gets a new bound cookie, and drops its
// key where the server says that there is no such session.
func TestBrowserRefreshesAsChromiumDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, offering())
		app, status, refreshes := shop(stage.UserLogin), 0, 0
		ada := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/mooring/dbsc/refresh" {
				if refreshes++; status != 0 {
					w.WriteHeader(status)
					return
				}
			}
			app.ServeHTTP(w, r)
		}))
		ada.DeviceKey = devicekey.DBSC
		ada.PostForm("/login", nil)
		require.Equal(t, http.StatusOK, ada.Get("/private").StatusCode)
		assert.Zero(t, refreshes)
		time.Sleep(time.Hour)
		require.Equal(t, http.StatusOK, ada.Get("/private").StatusCode)
		assert.Equal(t, 2, refreshes, "the challenge of the registration is too old by now")
		time.Sleep(6 * time.Minute)
		require.Equal(t, http.StatusOK, ada.Get("/private").StatusCode)
		assert.Equal(t, 3, refreshes, "with the challenge that it had got before")

		time.Sleep(6 * time.Minute)
		status = http.StatusServiceUnavailable
		assert.Equal(t, http.StatusUnauthorized, ada.Get("/private").StatusCode)
		status = 0
		assert.Equal(t, http.StatusOK, ada.Get("/private").StatusCode, "the key is kept")

		time.Sleep(6 * time.Minute)
		status, refreshes = http.StatusTooManyRequests, 0
		assert.Equal(t, http.StatusUnauthorized, ada.Get("/private").StatusCode)
		status = 0
		assert.Equal(t, http.StatusUnauthorized, ada.Get("/private").StatusCode)
		assert.Equal(t, 1, refreshes, "the key is dropped")
	})
}
