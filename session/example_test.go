package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A token goes to the browser in a cookie and comes back with each request. The
// server keeps its ID.
func ExampleCookie() {
	var cookie session.Cookie
	token := session.NewToken("ada")

	w := httptest.NewRecorder()
	if err := cookie.Write(w, nil, token, 12*time.Hour); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.ReplaceAll(w.Header().Get("Set-Cookie"), token.Secret(), "…"))

	r := httptest.NewRequest(http.MethodGet, "https://app.example.test/", nil)
	r.Header.Set("Cookie", "__Host-mooring="+token.Secret())
	read, err := cookie.Read(r)
	fmt.Println(read.ID() == token.ID(), err)
	fmt.Println(read)
	// Output:
	// __Host-mooring=…; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax
	// true <nil>
	// [session token]
}

// A manager signs a user in, finds the session of a token, and revokes it, without
// HTTP.
func ExampleManager() {
	ctx := context.Background()
	manager, err := session.NewManager(session.Config{Store: memstore.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _, err := manager.Issue(ctx, session.Session{
		User: "ada", Expires: manager.Now(ctx).Add(12 * time.Hour), Idle: time.Hour,
	}, session.Replace{Others: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := manager.Authenticate(ctx, token)
	fmt.Println(s.User, err)

	n, err := manager.EndUser(ctx, "ada", session.ID{}, session.Ending{Cause: session.CauseRevoked, Actor: "operator"})
	fmt.Println(n, err)
	_, err = manager.Authenticate(ctx, token)
	var ended *session.EndedError
	fmt.Println(errors.As(err, &ended) && ended.Ending.Cause == session.CauseRevoked)
	// Output:
	// ada <nil>
	// 1 <nil>
	// true
}

func ExampleParseID() {
	id, err := session.ParseID("Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB")
	fmt.Println(id, err)
	_, err = session.ParseID("../../etc/passwd")
	fmt.Println(err)
	// Output:
	// Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB <nil>
	// session: not a session ID: 16 bytes, want 45 characters of base64url
}
