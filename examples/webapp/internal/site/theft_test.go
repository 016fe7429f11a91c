package site

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

func TestAThiefWhereThereIsNoKey(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, no)
	next := v.post("/demo/theft", "address", bindingtest.BerlinNeighbour.String())
	assert.Contains(t, next.html, "The thief is signed in as you.")
	assert.Contains(t, next.html, "Your own session goes on.")
	abroad := v.post("/demo/theft", "address", bindingtest.Paris.String())
	assert.Contains(t, abroad.html, "The page to sign in on.")
	assert.Contains(t, abroad.html, "Your own session was ended with it")
	assert.Contains(t, v.get("/").html, "your session was used from another network")
}

func TestAThiefSaysWhere(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, no)
	assert.Equal(t, 422, v.post("/demo/theft", "address", "abroad").status)
	assert.Equal(t, 404, newSignedIn(t, "-demo=false").post("/demo/theft", "address", "192.0.2.1").status)
}

func newSignedIn(t *testing.T, args ...string) *visitor {
	t.Helper()
	v := newVisitor(t, open(t, args...))
	v.signIn("ada", ada, no)
	return v
}
