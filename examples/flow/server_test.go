package main

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// The flow as a client has it: over TLS, with cookies that Go's jar keeps.
func TestTheFlowOverTLS(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{
		SessionDuration:    settings.SessionDuration,
		StaySignedInOffset: settings.StaySignedInOffset,
	})
	server := httptest.NewTLSServer(newAPI(stage.UserLogin, quickAccounts(), sealed(t)))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := server.Client()
	client.Jar = jar

	var cookies []*http.Cookie // that the latest response has set
	call := func(method, path, body, wantType string, want int) object {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		cookies = response.Cookies()
		var decoded object
		require.NoError(t, json.NewDecoder(response.Body).Decode(&decoded))
		require.Equal(t, want, response.StatusCode, decoded)
		require.Equal(t, wantType, response.Header.Get("Content-Type"))
		return decoded
	}
	asked := func(method, body string) any {
		t.Helper()
		return call(method, "/flow", body, "application/json", http.StatusOK)["component"]
	}
	refused := func(method, path, body string, want int) object {
		t.Helper()
		problem := call(method, path, body, "application/problem+json", want)
		require.EqualValues(t, want, problem["status"])
		return problem
	}

	require.Equal(t, "identification", asked("GET", ""))
	require.Len(t, cookies, 1)
	flow := flowIn(cookies)
	require.NotNil(t, flow)
	assert.True(t, flow.Secure && flow.HttpOnly)

	skipped := refused("POST", "/flow", `{"password":"correct horse battery"}`, http.StatusUnprocessableEntity)
	assert.Equal(t, object{"component": "identification"}, skipped["asked"], "no stage can be skipped")
	require.Equal(t, "password", asked("POST", `{"user":"ada"}`))
	refused("POST", "/flow", `{"password":"wrong"}`, http.StatusUnprocessableEntity)
	require.Equal(t, "stay_signed_in", asked("POST", `{"password":"correct horse battery"}`))
	flow = flowIn(cookies)
	refused("GET", "/me", "", http.StatusUnauthorized)
	require.Equal(t, "done", asked("POST", `{"stay_signed_in":true}`))
	assert.Equal(t, "ada", call("GET", "/me", "", "application/json", http.StatusOK)["user"])

	// The last answer again, from a client that has kept the flow's cookie.
	address, err := http.NewRequest("GET", server.URL, nil)
	require.NoError(t, err)
	jar.SetCookies(address.URL, []*http.Cookie{flow})
	refused("POST", "/flow", `{"stay_signed_in":true}`, http.StatusGone)
	assert.Len(t, stage.Events.Of(loginstage.ActionLogin), 1)
}

// flowIn returns the cookie of the flow, or nil.
func flowIn(cookies []*http.Cookie) *http.Cookie {
	for _, cookie := range cookies {
		if cookie.Name == "__Host-flow" {
			return cookie
		}
	}
	return nil
}
