package main

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"

	"github.com/mooring-go/mooring/loginstage"
)

// newNotes returns the application: each user has notes, which nobody else sees.
// Check reports whether the password is the user's.
func newNotes(login *loginstage.UserLogin, check func(user, password string) bool) http.Handler {
	n := &notes{login: login, check: check, byUser: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", n.showSignIn)
	mux.HandleFunc("POST /login", n.signIn)
	mux.HandleFunc("POST /login/answer", n.answer)
	mux.Handle("GET /{$}", login.Require(http.HandlerFunc(n.show)))
	mux.Handle("POST /{$}", login.Require(http.HandlerFunc(n.add)))
	return login.Guard(http.MaxBytesHandler(mux, 16<<10))
}

type notes struct {
	login *loginstage.UserLogin
	check func(user, password string) bool

	mu     sync.Mutex
	byUser map[string][]string
}

func (n *notes) showSignIn(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "<!doctype html>") // without it net/http takes a form for plain text
	if ending, ok := n.login.LastEnding(r); ok {
		fmt.Fprintf(w, "<p>Your last session has ended: %s %s</p>", ending.Cause, ending.Reason)
	}
	fmt.Fprintf(w, `<form method="post"><input name="user" aria-label="Name"><input name="password" type="password" aria-label="Password">`+
		`<input type="hidden" name="next" value="%s"><button>Sign in</button></form>`, html.EscapeString(loginstage.Next(r)))
}

func (n *notes) signIn(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	if !n.check(user, r.PostFormValue("password")) {
		http.Error(w, "The name or the password is wrong.", http.StatusUnprocessableEntity)
		return
	}
	challenge, err := n.login.Begin(w, r, loginstage.User{ID: user, Method: "password"})
	switch {
	case err != nil:
		http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
	case challenge != nil:
		fmt.Fprint(w, `<!doctype html><form method="post" action="/login/answer"><button name="stay" value="yes">Stay signed in</button>`+
			`<button name="stay" value="no">No</button></form>`)
	default:
		http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
	}
}

func (n *notes) answer(w http.ResponseWriter, r *http.Request) {
	if err := n.login.Finish(w, r, loginstage.Answer{StaySignedIn: r.PostFormValue("stay") == "yes"}); err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (n *notes) show(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(w, "<!doctype html><p>The notes of %s:</p><ul>", html.EscapeString(current.User))
	for _, note := range n.byUser[current.User] {
		fmt.Fprintf(w, "<li>%s</li>", html.EscapeString(note))
	}
	fmt.Fprint(w, `</ul><form method="post"><input name="note" aria-label="Note"><button>Add</button></form>`)
}

func (n *notes) add(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	if note := strings.TrimSpace(r.PostFormValue("note")); note != "" {
		n.mu.Lock()
		n.byUser[current.User] = append(n.byUser[current.User], note)
		n.mu.Unlock()
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
