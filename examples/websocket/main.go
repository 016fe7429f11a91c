// Websocket is a small application with a WebSocket that closes when its session ends:
// in another tab, by an operator, or at a limit. It runs from the root of the
// repository:
//
//	go run ./examples/websocket
//
// Browsers have the session's token in a cookie, which the handshake brings; the origin
// of the page is checked, since pages of other sites send that cookie too. A client with
// a bearer token sends it in the header Authorization, if it can. One that cannot, since
// the WebSocket of a browser sets no header, gets a ticket first:
//
//	const answer = await fetch("/clock/ticket", {method: "POST", headers: {Authorization: "Bearer " + token}});
//	const socket = new WebSocket("/clock", ["clock", "ticket." + (await answer.text())]);
//
// What is in which file:
//
//	main.go     the application
//	clock.go    the WebSocket
//	tickets.go  tickets, for handshakes without a header
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func main() {
	addr := flag.String("addr", "localhost:8084", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	store := memstore.New()
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"), LoginURL: "/login",
		Store: store, Carrier: session.CookieOrBearer{},
	})
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32) // processes that serve the same clients share one
	_, _ = rand.Read(key)   // it never fails
	tickets, err := newTickets(key, login, store)
	if err != nil {
		log.Fatal(err)
	}
	secret := rand.Text()
	server := &http.Server{
		Addr: *addr, Handler: newHandler(login, tickets, secret, time.Second),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	go func() { // without it no WebSocket stays open
		if err := login.Watch(ctx); ctx.Err() == nil {
			log.Fatal(err)
		}
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	log.Printf("listening on http://%s, ada's password is %q", *addr, secret)
	log.Print(server.ListenAndServe())
}

// newHandler returns the application, with a user "ada" who has the password. Its
// WebSocket sends the time at each interval.
func newHandler(login *loginstage.UserLogin, tickets *tickets, password string, interval time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", login.Require(page(homePage)))
	mux.Handle("GET /login", page(loginPage))
	socket := clock(login, interval)
	mux.Handle("GET /clock", tickets.redeem("/clock", socket, login.Require(socket)))
	mux.Handle("POST /clock/ticket", login.Require(tickets.issue("/clock")))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.FormValue("password")), []byte(password)) != 1 {
			http.Error(w, "wrong password", http.StatusForbidden)
			return
		}
		if _, err := login.Begin(w, r, loginstage.User{ID: "ada", Method: "password"}); err != nil {
			log.Print(err)
			http.Error(w, "signing in failed", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Logout(w, r); err != nil {
			log.Print(err)
			http.Error(w, "signing out failed", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(login.Guard(mux))
}

func page(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(text))
	})
}

const loginPage = `<!doctype html><title>Sign in</title>
<form method="post" action="/login"><input type="password" name="password" autofocus> <button>Sign in as ada</button></form>`

const homePage = `<!doctype html><title>Clock</title>
<p id="now">…</p><form method="post" action="/logout"><button>Sign out</button></form>
<script>
  const now = document.getElementById("now"), socket = new WebSocket("/clock");
  socket.onmessage = (e) => { now.textContent = e.data; };
  socket.onclose = (e) => { if (e.code === 1008) location.assign("/login"); else now.textContent = "connection lost"; };
</script>`
