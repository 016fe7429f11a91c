package loginstage_test

import (
	"fmt"
	"net/http"
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
	"github.com/mooring-go/mooring/session/memstore"
)

// several is a browser of a host where one can be signed in to several accounts.
type several struct {
	*loginstagetest.Browser
	t     *testing.T
	stage *loginstagetest.Stage
	err   error
	list  []loginstage.BrowserAccount
}

func newSeveral(t *testing.T, config loginstage.Config) *several {
	b := &several{t: t, stage: loginstagetest.New(t, config)}
	mux := http.NewServeMux()
	step := func(path string, do func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { b.err = do(w, r) })
	}
	id := func(r *http.Request) session.ID {
		id, _ := session.ParseID(r.FormValue("id"))
		return id
	}
	step("/begin", func(w http.ResponseWriter, r *http.Request) error {
		_, err := b.stage.Begin(w, r, loginstage.User{ID: r.FormValue("user")})
		return err
	})
	step("/finish", func(w http.ResponseWriter, r *http.Request) error {
		return b.stage.Finish(w, r, loginstage.Answer{StaySignedIn: true})
	})
	step("/again", func(w http.ResponseWriter, r *http.Request) error {
		return b.stage.Confirm(w, r, loginstage.User{ID: r.FormValue("user")})
	})
	step("/add", b.stage.AddAccount)
	step("/switch", func(w http.ResponseWriter, r *http.Request) error { return b.stage.SwitchAccount(w, r, id(r)) })
	step("/out", func(w http.ResponseWriter, r *http.Request) error { return b.stage.SignOutAccount(w, r, id(r)) })
	step("/logout", b.stage.Logout)
	mux.HandleFunc("GET /accounts", func(_ http.ResponseWriter, r *http.Request) { b.list, b.err = b.stage.BrowserAccounts(r) })
	mux.Handle("GET /whoami", b.stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		fmt.Fprint(w, s.User)
	})))
	b.Browser = loginstagetest.NewBrowser(t, mux)
	return b
}

func (b *several) do(path string, form ...string) loginstagetest.Response {
	b.t.Helper()
	values := map[string][]string{}
	for i := 0; i < len(form); i += 2 {
		values[form[i]] = []string{form[i+1]}
	}
	return b.PostForm(path, values)
}

func (b *several) signIn(users ...string) {
	b.t.Helper()
	for i, user := range users {
		if i > 0 {
			b.do("/add")
			require.NoError(b.t, b.err)
		}
		b.do("/begin", "user", user)
		require.NoError(b.t, b.err)
	}
}

func (b *several) whoami() string { return b.Get("/whoami").Text }

// accounts returns the users, the active one first.
func (b *several) accounts() string {
	b.t.Helper()
	b.Get("/accounts")
	require.NoError(b.t, b.err)
	var users []string
	for i, account := range b.list {
		assert.Equal(b.t, account.Active, i == 0 && b.whoami() != "")
		users = append(users, account.Session.User)
	}
	return strings.Join(users, " ")
}

// of returns the session ID of the user's account, as text.
func (b *several) of(user string) string {
	b.t.Helper()
	all, err := b.stage.Sessions(b.t.Context(), user)
	require.NoError(b.t, err)
	require.Len(b.t, all, 1)
	return all[0].ID.String()
}

func TestSeveralAccounts(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	b.signIn("ada", "bob", "carol")
	assert.Equal(t, "carol ada bob", b.accounts())
	answer := b.do("/switch", "id", b.of("ada"))
	require.NoError(t, b.err)
	assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	for _, cookie := range answer.Cookies() {
		assert.True(t, cookie.HttpOnly && cookie.Secure, cookie.Name)
		assert.True(t, strings.HasPrefix(cookie.Name, "__Host-"), cookie.Name)
	}
	assert.Equal(t, "ada", b.whoami())
	assert.Equal(t, "ada carol bob", b.accounts())
	assert.Empty(t, b.stage.Events.Of(loginstage.ActionLogout), "nobody was signed out")

	b.do("/out", "id", b.of("bob"))
	require.NoError(t, b.err)
	assert.Equal(t, "ada carol", b.accounts())
	b.do("/out", "id", b.of("ada"))
	require.NoError(t, b.err)
	assert.Equal(t, "", b.whoami())
	assert.Equal(t, "carol", b.accounts())
	b.do("/switch", "id", b.of("carol"))
	assert.Equal(t, "carol", b.whoami())
	assert.Len(t, b.stage.Events.Of(loginstage.ActionLogout), 2)
}

// Who comes to the browser after a sign-out finds no account.
func TestLogoutSignsAllAccountsOut(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	b.signIn("ada", "bob", "carol")
	b.do("/logout")
	require.NoError(t, b.err)
	assert.Empty(t, b.accounts())
	for _, user := range []string{"ada", "bob", "carol"} {
		all, err := b.stage.Sessions(t.Context(), user)
		require.NoError(t, err)
		assert.Empty(t, all)
	}
}

// Nobody switches to an account that the browser is not signed in to.
func TestSwitchToAnother(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	b.signIn("ada", "bob")
	other := &several{Browser: b.Clone(), t: t, stage: b.stage}
	victim := newSeveral(t, loginstage.Config{})
	victim.signIn("mallory")
	for name, id := range map[string]string{
		"another browser's": victim.of("mallory"), "none": "", "text": "x", "the active one": b.of("bob"), "made up": session.NewToken("ada").ID().String(),
	} {
		b.do("/switch", "id", id)
		require.ErrorIs(t, b.err, session.ErrNotFound, name)
		assert.Equal(t, "bob", b.whoami(), name)
	}
	for name, value := range map[string]string{"an ID": b.of("ada"), "a forgery": session.NewToken("ada").Secret(), "text": "x"} {
		other.SetCookie(&http.Cookie{Name: session.DefaultCookieName + "_account_3", Value: value, Path: "/", Secure: true})
		other.Get("/accounts") // which b notes
		require.NoError(t, b.err, name)
		assert.Len(t, b.list, 2, name)
	}
}

func TestAccountsAreLimited(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	var users []string
	for i := range loginstage.MaxBrowserAccounts {
		users = append(users, fmt.Sprint("user ", i))
	}
	b.signIn(users...)
	b.do("/add")
	require.ErrorIs(t, b.err, loginstage.ErrTooManyAccounts)
	assert.Equal(t, users[len(users)-1], b.whoami(), "nothing has changed")
	_, err := b.stage.RevokeUser(t.Context(), users[3], "admin")
	require.NoError(t, err)
	b.do("/add")
	require.NoError(t, b.err, "one that has ended leaves room")
}

// A user who signs in again in the browser has one account there.
func TestAnAccountIsThereOnce(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	b.signIn("ada", "bob", "ada")
	assert.Equal(t, "ada bob", b.accounts())
	b.of("ada")
	assert.Equal(t, session.CauseReplaced, b.stage.Events.Of(loginstage.ActionLogout)[0].Cause)
}

// An account that waits is held to its limits, and can be added behind the prompt.
func TestAccountsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSeveral(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1"), StaySignedInOffset: duration.MustParse("days=30")})
		b.do("/begin", "user", "ada")
		b.do("/finish")
		b.do("/add")
		b.do("/begin", "user", "bob")
		assert.Equal(t, "ada", b.accounts(), "bob has yet to answer")
		b.do("/finish")
		require.NoError(t, b.err)
		assert.Equal(t, "bob ada", b.accounts())
		time.Sleep(30 * 24 * time.Hour)
		ada := b.of("ada")
		b.do("/switch", "id", ada)
		require.NoError(t, b.err)
		time.Sleep(time.Hour - time.Nanosecond)
		assert.Equal(t, "ada", b.whoami())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, "", b.whoami(), "its own limit, and not a new one")
	})
}

// A page with the browser's accounts has the IDs of before a renewal.
func TestAccountsAreFoundByAnIDOfBefore(t *testing.T) {
	b := newSeveral(t, loginstage.Config{})
	b.signIn("ada", "bob")
	bob := b.of("bob")
	b.do("/again", "user", "bob")
	require.NoError(t, b.err)
	require.NotEqual(t, bob, b.of("bob"))
	b.do("/switch", "id", b.of("ada"))
	require.NoError(t, b.err)
	stranger := newSeveral(t, loginstage.Config{Store: memstore.New()})
	stranger.signIn("ada", "bob")
	stranger.do("/switch", "id", bob)
	require.ErrorIs(t, stranger.err, session.ErrNotFound)

	b.do("/switch", "id", bob)
	require.NoError(t, b.err)
	assert.Equal(t, "bob", b.whoami())
	b.do("/out", "id", bob)
	require.NoError(t, b.err)
	assert.Equal(t, "ada", b.accounts())
}
