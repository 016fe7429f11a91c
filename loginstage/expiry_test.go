package loginstage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// expiring returns a browser of a host that says when sessions end.
func expiring(t *testing.T, config loginstage.Config) (*loginstagetest.Browser, func() loginstage.Expiry) {
	stage := loginstagetest.New(t, config)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})
	mux.Handle("/session", stage.Expiry())
	mux.Handle("/session.js", stage.Expiry())
	mux.Handle("/guarded/session", stage.Guard(stage.Expiry()))
	mux.Handle("/private", stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	browser := loginstagetest.NewBrowser(t, mux)
	return browser, func() loginstage.Expiry {
		answer := browser.Call("GET", "/session", nil)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		var said loginstage.Expiry
		require.NoError(t, json.Unmarshal([]byte(answer.Text), &said))
		return said
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		browser, ask := expiring(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1"), IdleTimeout: duration.MustParse("minutes=20"), TellExpiry: true})
		assert.Equal(t, loginstage.Expiry{}, ask())
		assert.Empty(t, browser.Call("GET", "/private", nil).Header.Get("Mooring-Session-Ends"))
		browser.PostForm("/begin", nil)
		assert.Equal(t, loginstage.Expiry{SignedIn: true, Seconds: 1200, Renewed: true}, ask())
		for range 19 {
			time.Sleep(time.Minute)
			ask()
		}
		assert.Equal(t, loginstage.Expiry{SignedIn: true, Seconds: 60, Renewed: true}, ask(), "asking puts nothing off")
		assert.Equal(t, "1200", browser.Call("GET", "/private", nil).Header.Get("Mooring-Session-Ends"))
		assert.Equal(t, loginstage.Expiry{SignedIn: true, Seconds: 1200, Renewed: true}, ask(), "use does")
		time.Sleep(19 * time.Minute)
		browser.Call("GET", "/private", nil)
		time.Sleep(10 * time.Minute)
		browser.Call("GET", "/private", nil)
		assert.Equal(t, loginstage.Expiry{SignedIn: true, Seconds: 720}, ask(), "nothing puts the absolute limit off")
		time.Sleep(12 * time.Minute)
		assert.Equal(t, loginstage.Expiry{}, ask())
	})
}

// Behind a guard each question would be a use.
func TestExpiryBehindAGuard(t *testing.T) {
	browser, _ := expiring(t, loginstage.Config{})
	browser.PostForm("/begin", nil)
	assert.Equal(t, http.StatusInternalServerError, browser.Call("GET", "/guarded/session", nil).StatusCode)
}

// Nobody is told that a session has ended that nobody knows of.
func TestExpiryWithAStoreThatFails(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	browser, _ := expiring(t, loginstage.Config{Store: store})
	browser.PostForm("/begin", nil)
	store.Fail(errors.New("down"))
	assert.Equal(t, http.StatusServiceUnavailable, browser.Call("GET", "/session", nil).StatusCode)
}

func TestExpiryAnswersReadsAlone(t *testing.T) {
	browser, _ := expiring(t, loginstage.Config{})
	assert.Equal(t, http.StatusMethodNotAllowed, browser.PostForm("/session", nil).StatusCode)
	script := browser.Get("/session.js")
	assert.Equal(t, "text/javascript; charset=utf-8", script.Header.Get("Content-Type"))
	assert.Contains(t, script.Text, "mooring:ending")
}

// What the browser keeps of a signed-out user it is asked to delete, by setting alone.
func TestClearSiteData(t *testing.T) {
	for set, want := range map[bool]string{false: "", true: `"cache", "storage"`} {
		h := newHost(t, loginstage.Config{ClearSiteData: set})
		h.signIn(loginstage.User{ID: "ada"})
		answer := h.PostForm("/logout", nil)
		require.NoError(t, h.err)
		assert.Equal(t, want, answer.Header.Get("Clear-Site-Data"))
	}
}

// With NoStore no cache keeps what a session gets, unless its handler says otherwise.
func TestNoStore(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{NoStore: true})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})
	mux.Handle("/page", stage.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("/file", stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
	})))
	mux.HandleFunc("/check", func(w http.ResponseWriter, r *http.Request) { _, _ = stage.Check(w, r) })
	browser := loginstagetest.NewBrowser(t, mux)
	said := func(path string) string { return browser.Get(path).Header.Get("Cache-Control") }
	assert.Empty(t, said("/page"), "of nobody")
	browser.PostForm("/begin", nil)
	assert.Equal(t, "no-store", said("/page"))
	assert.Equal(t, "no-store", said("/check"))
	assert.Equal(t, "private, max-age=60", said("/file"))
}
