package site

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

var deviceID = regexp.MustCompile(`name="device" value="([^"]+)"`)

// devices returns the IDs of the devices that the page lists.
func devices(page shown) []string {
	var ids []string
	for _, found := range deviceID.FindAllStringSubmatch(page.html, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestForgettingOneDevice(t *testing.T) {
	server := open(t)
	phone, laptop := newVisitor(t, server), newVisitor(t, server)
	phone.moveTo(bindingtest.Paris)
	phone.signIn("ada", ada, "no")
	laptop.signIn("ada", ada, "no")
	page := laptop.get("/devices")
	ids := devices(page)
	require.Len(t, ids, 2, "the latest sign-in comes first")
	assert.Equal(t, 1, strings.Count(page.html, "This device"))
	assert.Less(t, strings.Index(page.html, "This device"), strings.Index(page.html, "Paris, France"))
	assert.Contains(t, page.html, `aria-label="Forget device: Firefox on Linux, Paris, France`)

	page = laptop.post("/devices/forget", "device", ids[1])
	assert.Contains(t, page.html, "The device is no longer remembered.")
	assert.Equal(t, ids[:1], devices(page))
	assert.Equal(t, "/", phone.get("/").path, "its session goes on")
	phone.post("/logout")
	assert.Contains(t, phone.signIn("ada", ada, "no").html, "First sign-in on this device")
}

func TestNobodyForgetsTheDeviceOfAnotherUser(t *testing.T) {
	server := open(t)
	first, other := newVisitor(t, server), newVisitor(t, server)
	first.signIn("ada", ada, "no")
	ids := devices(first.get("/devices"))
	require.Len(t, ids, 1)
	other.signIn("grace", grace, "no")
	for _, id := range append(ids, "", "no ID", strings.Repeat("A", 45)) {
		page := other.post("/devices/forget", "device", id)
		assert.Equal(t, http.StatusOK, page.status)
		assert.Contains(t, page.html, "The device is no longer remembered.", "nothing is disclosed")
	}
	assert.Equal(t, ids, devices(first.get("/devices")))
}
