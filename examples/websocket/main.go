// Websocket is a small application with a WebSocket that closes when its session ends:
// in another tab, by an operator, or at a limit. It runs from the root of the
// repository:
//
//	go run ./examples/websocket
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
)

func main() {
	addr := flag.String("addr", "localhost:8084", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	login, err := loginstage.New(loginstage.Config{SessionDuration: duration.MustParse("hours=12"), LoginURL: "/login"})
	if err != nil {
		log.Fatal(err)
	}
	secret := rand.Text()
	server := &http.Server{
		Addr: *addr, Handler: newHandler(login, secret, time.Second),
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
func newHandler(login *loginstage.UserLogin, password string, interval time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", login.Require(page(homePage)))
	mux.Handle("GET /login", page(loginPage))
	mux.Handle("GET /clock", login.Require(clock(login, interval)))
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
