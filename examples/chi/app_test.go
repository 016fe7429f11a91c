package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestApp(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login", StepUpURL: "/login"})
	browser := loginstagetest.NewBrowser(t, newApp(stage.UserLogin, func(user, password string) bool { return password == "of "+user }))
	browser.FollowRedirects = true
	assert.Contains(t, browser.Get("/").Text, "Sign in")
	assert.Contains(t, browser.Get("/orders/7").Text, `value="/orders/7"`)
	assert.Equal(t, http.StatusForbidden, browser.PostForm("/login", url.Values{"user": {"ada"}, "password": {"of eve"}}).StatusCode)
	assert.Contains(t, browser.PostForm("/login", url.Values{"user": {"ada"}, "password": {"of ada"}, "next": {"/orders/7"}}).Text, "ada&#39;s order 7")
	assert.Contains(t, browser.Get("/").Text, "Hello, ada")
	assert.Contains(t, browser.PostForm("/logout", nil).Text, "Sign in")
	assert.Equal(t, "/login", stage.Events.Of(loginstage.ActionLogin)[0].Context.HTTPRequest.Path)
}
