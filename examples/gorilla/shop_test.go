package main

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// TestMain makes hashes that are quick to compare with.
func TestMain(m *testing.M) {
	for user, password := range map[string]string{"ada": "correct horse battery", "grace": "staple the moth here", "": rand.Text()} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			panic(err)
		}
		passwords[user] = string(hash)
	}
	os.Exit(m.Run())
}

// visit opens the shop, as it was or as it is, in a browser in Berlin.
func visit(t *testing.T, old bool) *loginstagetest.Browser {
	t.Helper()
	shop, err := newShop(old)
	require.NoError(t, err)
	return loginstagetest.NewBrowser(t, shop)
}

func signIn(t *testing.T, b *loginstagetest.Browser) {
	t.Helper()
	response := b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"correct horse battery"}})
	require.Equal(t, "Hello, ada.\n", response.Text)
}

func TestWhatWorkedBeforeWorksAfter(t *testing.T) {
	for name, old := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			b := visit(t, old)
			assert.Equal(t, http.StatusUnauthorized, b.Get("/orders").StatusCode)
			assert.Equal(t, "In the basket: 1\n", b.PostForm("/basket", nil).Text)
			wrong := b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"wrong"}})
			assert.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
			nobody := b.PostForm("/login", url.Values{"user": {""}, "password": {""}})
			assert.Equal(t, wrong.Text, nobody.Text)

			signIn(t, b)
			assert.Equal(t, "The orders of ada\n", b.Get("/orders").Text)
			assert.Equal(t, "In the basket: 2\n", b.PostForm("/basket", nil).Text, "the basket is kept over the sign-in")
			assert.Equal(t, "The orders of ada\n", b.Get("/orders").Text, "the sign-in is kept over a change of the basket")

			assert.Equal(t, "Goodbye.\n", b.PostForm("/logout", nil).Text)
			assert.Equal(t, http.StatusUnauthorized, b.Get("/orders").StatusCode)
		})
	}
}

func TestACopiedCookieIsWorthNothingAfterASignOut(t *testing.T) {
	for name, test := range map[string]struct {
		old  bool
		want int
	}{"before": {true, http.StatusOK}, "after": {false, http.StatusUnauthorized}} {
		t.Run(name, func(t *testing.T) {
			b := visit(t, test.old)
			signIn(t, b)
			thief := b.Clone()
			b.PostForm("/logout", nil)
			assert.Equal(t, test.want, thief.Get("/orders").StatusCode)
		})
	}
}

func TestACopiedCookieIsWorthNothingAbroad(t *testing.T) {
	for name, test := range map[string]struct {
		old  bool
		want int
	}{"before": {true, http.StatusOK}, "after": {false, http.StatusUnauthorized}} {
		t.Run(name, func(t *testing.T) {
			b := visit(t, test.old)
			signIn(t, b)
			thief := b.Clone()
			thief.MoveTo(bindingtest.Paris)
			assert.Equal(t, test.want, thief.Get("/orders").StatusCode)
		})
	}
}

func TestTheNextUserOfABrowserDoesNotGetTheBasket(t *testing.T) {
	for name, test := range map[string]struct {
		old  bool
		want string
	}{"before": {true, "In the basket: 2\n"}, "after": {false, "In the basket: 1\n"}} {
		t.Run(name, func(t *testing.T) {
			b := visit(t, test.old)
			signIn(t, b)
			b.PostForm("/basket", nil)
			b.PostForm("/login", url.Values{"user": {"grace"}, "password": {"staple the moth here"}})
			require.Equal(t, "The orders of grace\n", b.Get("/orders").Text)
			assert.Equal(t, test.want, b.PostForm("/basket", nil).Text)
		})
	}
}
