package main

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// TestMain makes hashes that are quick to compare with.
func TestMain(m *testing.M) {
	unknownHash = quickHash(rand.Text())
	os.Exit(m.Run())
}

func quickHash(password string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(hash)
}

// quickAccounts returns the accounts of the example, with hashes that are quick to
// compare with.
func quickAccounts() *accounts {
	known := demoAccounts()
	known.byID["ada"].hash = quickHash("correct horse battery")
	known.byID["grace"].hash = quickHash("staple the moth here")
	known.byID["alan"].hash = known.byID["ada"].hash
	return known
}

func sealed(t testing.TB) *flows {
	t.Helper()
	f, err := newFlows([]byte("a key of 32 bytes, for the tests"))
	require.NoError(t, err)
	return f
}

type object = map[string]any

var (
	ada      = object{"user": "ada"}
	secret   = object{"password": "correct horse battery"}
	stay     = object{"stay_signed_in": true}
	settings = loginstage.Config{
		SessionDuration:    duration.MustParse("hours=12"),
		StaySignedInOffset: duration.MustParse("weeks=2"),
		NetworkBinding:     binding.NetworkASN,
	}
)

// client is a client of the API.
type client struct {
	*loginstagetest.Browser
	t *testing.T
}

func open(t *testing.T, config loginstage.Config) client {
	t.Helper()
	stage := loginstagetest.New(t, config)
	return client{loginstagetest.NewBrowser(t, newAPI(stage.UserLogin, quickAccounts(), sealed(t))), t}
}

// call returns the status and the JSON of an answer.
func (c client) call(method, path string, body any) (int, object) {
	c.t.Helper()
	response := c.Call(method, path, body)
	var decoded object
	if response.Text != "" {
		require.NoError(c.t, response.Decode(&decoded), response.Text)
	}
	return response.StatusCode, decoded
}

// answers posts each answer. All but the last must be right.
func (c client) answers(answers ...object) (int, object) {
	c.t.Helper()
	status, asked := c.call("GET", "/flow", nil)
	for _, answer := range answers {
		require.Equal(c.t, http.StatusOK, status, asked)
		status, asked = c.call("POST", "/flow", answer)
	}
	return status, asked
}

func TestTheFlowFromStartToEnd(t *testing.T) {
	c := open(t, settings)
	status, asked := c.call("GET", "/flow", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, object{"component": "identification"}, asked)

	_, asked = c.call("POST", "/flow", ada)
	assert.Equal(t, object{"component": "password", "user": "ada"}, asked)
	_, again := c.call("GET", "/flow", nil)
	assert.Equal(t, asked, again, "asking again changes nothing")

	_, asked = c.call("POST", "/flow", secret)
	assert.Equal(t, "stay_signed_in", asked["component"])
	assert.Equal(t, "weeks=2", asked["offset"])
	status, _ = c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusUnauthorized, status, "a pending user is not signed in")

	_, asked = c.call("POST", "/flow", stay)
	assert.Equal(t, object{"component": "done", "next": "/"}, asked)
	status, me := c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "ada", me["user"])
	assert.Empty(t, c.Cookie("__Host-flow"))

	status, _ = c.call("DELETE", "/session", nil)
	assert.Equal(t, http.StatusNoContent, status)
	status, _ = c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusUnauthorized, status)
}

// Whatever page is wanted, the flow fits into its cookie, and leads to no other site.
func TestThePageThatWasWanted(t *testing.T) {
	for next, want := range map[string]string{
		"/orders?page=2":                     "/orders?page=2",
		"//elsewhere.example/":               "/",
		"/" + strings.Repeat("a", maxNext-1): "/" + strings.Repeat("a", maxNext-1),
		"/" + strings.Repeat("a", maxNext):   "/",
	} {
		c := open(t, settings)
		c.call("GET", "/flow?next="+url.QueryEscape(next), nil)
		_, asked := c.call("POST", "/flow", object{"user": strings.Repeat("n", 255)})
		assert.Equal(t, "password", asked["component"], "with the longest name")
		c = open(t, settings)
		c.call("GET", "/flow?next="+url.QueryEscape(next), nil)
		for _, answer := range []object{ada, secret, stay} {
			_, asked = c.call("POST", "/flow", answer)
		}
		assert.Equal(t, object{"component": "done", "next": want}, asked)
	}
}

func TestWithoutAnOffsetTheFlowIsShorter(t *testing.T) {
	c := open(t, loginstage.Config{SessionDuration: settings.SessionDuration})
	_, asked := c.answers(ada, secret)
	assert.Equal(t, object{"component": "done", "next": "/"}, asked)
	status, _ := c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusOK, status)
}

func TestWrongAnswers(t *testing.T) {
	c := open(t, settings)
	wrong := object{"password": "wrong"}
	status, known := c.answers(ada, wrong)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Equal(t, "the name or the password is wrong", known["detail"])
	assert.Equal(t, object{"component": "password", "user": "ada"}, known["asked"])

	_, unknown := open(t, settings).answers(object{"user": "nobody"}, wrong)
	assert.Equal(t, known["detail"], unknown["detail"], "nobody finds out who has an account")

	status, _ = c.call("POST", "/flow", "no object")
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	for range maxAttempts - 3 {
		status, _ = c.call("POST", "/flow", wrong)
		assert.Equal(t, http.StatusUnprocessableEntity, status)
	}
	status, _ = c.call("POST", "/flow", wrong)
	assert.Equal(t, http.StatusTooManyRequests, status)
	status, _ = c.call("POST", "/flow", secret)
	assert.Equal(t, http.StatusGone, status, "the flow is over, also for the right password")

	for _, name := range []string{"", strings.Repeat("a", 256)} {
		status, _ = open(t, settings).answers(object{"user": name})
		assert.Equal(t, http.StatusUnprocessableEntity, status)
	}
}

func TestNoStageCanBeLeftOut(t *testing.T) {
	c := open(t, settings)
	status, _ := c.call("POST", "/flow", stay)
	assert.Equal(t, http.StatusGone, status, "nothing was asked")
	status, _ = c.answers(stay)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = c.answers(ada, stay)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestAMoveBeforeTheLastAnswer(t *testing.T) {
	c := open(t, settings)
	c.answers(ada, secret)
	c.MoveTo(bindingtest.Paris)
	status, _ := c.call("POST", "/flow", stay)
	assert.Equal(t, http.StatusGone, status)
	_, asked := c.call("GET", "/flow", nil)
	assert.Equal(t, object{"component": "identification"}, asked, "from the start")
}

func TestAFlowTakesTenMinutesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, settings)
		c.answers(ada)
		time.Sleep(flowTime)
		status, _ := c.call("POST", "/flow", secret)
		assert.Equal(t, http.StatusGone, status)
	})
}

func TestOfManyAnswersAtOnceOneSignsIn(t *testing.T) {
	c := open(t, settings)
	c.answers(ada, secret)
	var done atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if response := c.Clone().Call("POST", "/flow", stay); response.StatusCode == http.StatusOK {
				done.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, done.Load())
}

func TestAStoreThatFailsLetsTheClientTryAgain(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := settings
	config.Store = store
	c := open(t, config)
	c.answers(ada)
	store.Fail(errors.New("no store today"))
	status, _ := c.call("POST", "/flow", secret)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	store.Repair()
	_, asked := c.answers(stay)
	assert.Equal(t, object{"component": "done", "next": "/"}, asked)
}

func TestOnlyJSONFromTheSameOriginIsAnswered(t *testing.T) {
	c := open(t, settings)
	c.answers(ada)
	form := httptest.NewRequest("POST", "/flow", strings.NewReader(`{"password":"correct horse battery"}`))
	form.Header.Set("Content-Type", "text/plain")
	assert.Equal(t, http.StatusUnsupportedMediaType, c.Do(form).StatusCode)

	foreign := httptest.NewRequest("POST", "/flow", strings.NewReader(`{"password":"correct horse battery"}`))
	foreign.Header.Set("Content-Type", "application/json")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, c.Do(foreign).StatusCode)

	long := c.Call("POST", "/flow", object{"password": strings.Repeat("a", 64<<10)})
	assert.Equal(t, http.StatusRequestEntityTooLarge, long.StatusCode)
}

// However many clients begin a sign-in, nothing of them is kept, and others sign in.
func TestManyClientsThatBeginKeepNobodyOut(t *testing.T) {
	stage := loginstagetest.New(t, settings)
	flows := sealed(t)
	api := newAPI(stage.UserLogin, quickAccounts(), flows)
	begun := client{loginstagetest.NewBrowser(t, api), t}
	begun.answers(ada)
	for range 20_000 {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("GET", "/flow", nil))
		require.Equal(t, http.StatusOK, w.Code)
	}
	for range 100 {
		client{loginstagetest.NewBrowser(t, api), t}.answers(ada, object{"password": "wrong"})
	}
	assert.Empty(t, flows.answered)
	_, asked := begun.call("POST", "/flow", secret)
	assert.Equal(t, "stay_signed_in", asked["component"], "one that was under way goes on")
	_, asked = client{loginstagetest.NewBrowser(t, api), t}.answers(ada, secret, stay)
	assert.Equal(t, object{"component": "done", "next": "/"}, asked)
}
