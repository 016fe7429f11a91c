package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
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

func ExampleParseID() {
	id, err := session.ParseID("Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB")
	fmt.Println(id, err)
	_, err = session.ParseID("../../etc/passwd")
	fmt.Println(err)
	// Output:
	// Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB <nil>
	// session: not a session ID: 16 bytes, want 45 characters of base64url
}
