package site

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/loginstage"
)

// accountOf returns the ID by which the page offers to switch to the account, or to sign
// it out.
func accountOf(t *testing.T, page shown, name string) string {
	t.Helper()
	form := regexp.MustCompile(`name="account" value="([^"]+)">\s*<button [^>]*aria-label="Sign out of the account of ` + name + `"`)
	found := form.FindStringSubmatch(page.html)
	require.NotNil(t, found, "no account of %s:\n%s", name, page.html)
	return found[1]
}

func TestSeveralAccountsInOneBrowser(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "no")
	page := v.post("/accounts/add")
	assert.Equal(t, "/login", page.path)
	assert.Contains(t, page.html, "Go on with an account that this browser is signed in to")
	home := v.signIn("grace", grace, "no")
	assert.Contains(t, home.html, "<span>Grace Hopper</span>")

	page = v.get("/accounts")
	assert.Contains(t, page.html, `aria-label="Switch to Ada Lovelace"`)
	assert.NotContains(t, page.html, `aria-label="Switch to Grace Hopper"`, "she is in use")
	id := accountOf(t, page, "Ada Lovelace")
	home = v.post("/accounts/switch", "account", id)
	assert.Equal(t, "/", home.path)
	assert.Contains(t, home.html, "<span>Ada Lovelace</span>")
	assert.NotContains(t, home.html, "Grace", "one account sees nothing of another")

	page = v.post("/accounts/sign-out", "account", id)
	assert.Equal(t, "/accounts", page.path)
	assert.Contains(t, page.html, "The account was signed out.")
	assert.NotContains(t, page.html, "Ada")
	assert.Equal(t, "/login", v.get("/").path, "none is in use")
	home = v.post("/accounts/switch", "account", accountOf(t, page, "Grace Hopper"))
	assert.Contains(t, home.html, "<span>Grace Hopper</span>")
}

func TestSigningOutOfAllAccounts(t *testing.T) {
	server := open(t)
	v, elsewhere := newVisitor(t, server), newVisitor(t, server)
	elsewhere.signIn("ada", ada, "no")
	v.signIn("ada", ada, "no")
	v.post("/accounts/add")
	v.signIn("grace", grace, "no")
	held := v.held()
	assert.Equal(t, "/login", v.post("/logout").path)
	assert.Equal(t, "/login", v.get("/accounts").path)
	v.hold(held)
	assert.Equal(t, "/login", v.get("/accounts").path, "a copy of the cookies is worth nothing")
	assert.Equal(t, "/", elsewhere.get("/").path, "other browsers stay signed in")
}

func TestNobodySwitchesToAnAccountOfAnotherBrowser(t *testing.T) {
	server := open(t)
	victim, v := newVisitor(t, server), newVisitor(t, server)
	victim.signIn("ada", ada, "no")
	id := accountOf(t, victim.get("/accounts"), "Ada Lovelace")
	v.signIn("grace", grace, "no")
	for _, path := range []string{"/accounts/switch", "/accounts/sign-out"} {
		for _, id := range []string{id, "", "no ID"} {
			page := v.post(path, "account", id)
			assert.Contains(t, page.html, "not signed in to that account any more")
			assert.NotContains(t, page.html, "Ada")
		}
	}
	assert.Equal(t, "/", victim.get("/").path)
	assert.Contains(t, v.get("/").html, "<span>Grace Hopper</span>")
}

func TestABrowserHasNoRoomForMoreAccounts(t *testing.T) {
	a := openApp(t, "-stay-signed-in-offset=seconds=0")
	hash, err := bcrypt.GenerateFromPassword([]byte(ada), passwordCost)
	require.NoError(t, err)
	v := newVisitor(t, serveTLS(t, a))
	for i := range loginstage.MaxBrowserAccounts {
		id := fmt.Sprint("user-", i)
		a.accounts.add(account{ID: id, Name: id, hash: hash})
		if i > 0 {
			require.Equal(t, "/login", v.post("/accounts/add").path)
		}
		require.Equal(t, "/", v.post("/login", "user", id, "password", ada).path)
	}
	page := v.post("/accounts/add")
	assert.Equal(t, http.StatusConflict, page.status)
	assert.Contains(t, page.html, "Sign one out first.")
	assert.Equal(t, "/", v.get("/").path, "nothing has changed")
}
