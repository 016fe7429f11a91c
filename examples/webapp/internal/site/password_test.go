package site

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const another = "a ladder made of soup"

func TestChangingThePassword(t *testing.T) {
	server := open(t)
	phone, laptop := newVisitor(t, server), newVisitor(t, server)
	phone.signIn("ada", ada, "yes")
	laptop.signIn("ada", ada, "no")
	assert.Equal(t, "/password", laptop.get("/password").path)
	before := laptop.held()

	home := laptop.post("/password", "password", ada, "new", another)
	assert.Equal(t, "/", home.path)
	assert.Contains(t, home.html, "Your password was changed, and all other sessions were ended.")
	assert.Empty(t, others(home))
	assert.Contains(t, home.html, "A session was ended by a change of the password")
	page := phone.get("/")
	assert.Equal(t, "/login", page.path)
	assert.Contains(t, page.html, "You were signed out here because your password was changed.")
	assert.Empty(t, devices(laptop.get("/devices")), "a device that a thief signed in on is forgotten")

	thief := newVisitor(t, server) // with the token of before the change
	thief.hold(before)
	assert.Equal(t, "/login", thief.get("/").path)
	wrong := newVisitor(t, server).post("/login", "user", "ada", "password", ada)
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status, "the old password is worth nothing")
	newVisitor(t, server).signIn("ada", another, "no")
}

// The password is asked for by the form itself, however lately the user signed in.
func TestChangingThePasswordTakesThePassword(t *testing.T) {
	v := newVisitor(t, open(t))
	assert.Equal(t, "/login", v.post("/password", "password", ada, "new", another).path, "nobody is signed in")
	v.signIn("ada", ada, "no")
	for name, form := range map[string][]string{
		"wrong password":          {"password", grace, "new", another},
		"no password":             {"new", another},
		"too short":               {"password", ada, "new", "short"},
		"too short, in bytes not": {"password", ada, "new", strings.Repeat("é", minPassword-1)},
		"too long":                {"password", ada, "new", strings.Repeat("long", 19)},
		"the same":                {"password", ada, "new", ada},
		"none":                    {"password", ada},
	} {
		page := v.post("/password", form...)
		assert.Equal(t, http.StatusUnprocessableEntity, page.status, name)
		assert.Contains(t, page.html, `role="alert"`, name)
	}
	v.post("/logout")
	v.signIn("ada", ada, "no") // nothing has changed
}

// Of two that change the password at once, one has it.
func TestChangingThePasswordAtOnce(t *testing.T) {
	known, err := newAccounts(demoAccounts)
	require.NoError(t, err)
	before, err := known.check("ada", ada)
	require.NoError(t, err)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = known.change(before, another+strings.Repeat("!", i)) })
	}
	all.Wait()
	changed := 0
	for _, err := range errs {
		if err == nil {
			changed++
			continue
		}
		require.ErrorIs(t, err, errWrong)
	}
	assert.Equal(t, 1, changed)
}
