package loginstagetest_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// The kit's rules hold for net/http, which needs no adapter.
func TestNetHTTP(t *testing.T) {
	loginstagetest.RunAdapter(t, loginstagetest.Adapter{
		Handler: func(_ *testing.T, host loginstagetest.AdapterHost) http.Handler { return netHTTP(host) },
		Deny: func(w http.ResponseWriter, _ *http.Request, denied *loginstage.AccessError) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, string(denied.Denial))
		},
	})
}

func netHTTP(host loginstagetest.AdapterHost) http.Handler {
	login := host.Login
	mux := http.NewServeMux()
	guard := func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, login.Guard(handler)) }
	protect := func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, login.Require(handler)) }
	current := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, loginstagetest.AdapterUser(loginstage.Current(r.Context())))
	}

	guard("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		challenge, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user")})
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.WriteHeader(loginstagetest.AdapterStatus(challenge, err))
	})
	guard("POST /finish", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Finish(w, r, loginstage.Answer{StaySignedIn: true})))
	})
	guard("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Logout(w, r)))
	})
	mux.Handle("POST /confirm", login.AllowRestricted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Confirm(w, r, loginstage.User{ID: r.FormValue("user")})))
	})))
	guard("GET /current", current)
	mux.HandleFunc("GET /bare", current)
	protect("GET /private", current)
	protect("OPTIONS /private", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", loginstagetest.AdapterUser(loginstage.Current(r.Context())))
		w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Cookie"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "a body that is not sent")
	})
	mux.Handle("GET /restricted", login.AllowRestricted(http.HandlerFunc(current)))
	mux.Handle("GET /order", login.Require(login.AllowRestricted(http.HandlerFunc(current))))
	mux.Handle("GET /twice", login.Guard(login.Guard(login.Require(login.Require(http.HandlerFunc(current))))))
	protect("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("id")) })
	protect("GET /stream", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		host.Wait()
		_, _ = io.WriteString(w, "second\n")
	})
	guard("GET /late", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "late\n")
		_ = http.NewResponseController(w).Flush()
		_, err := login.Begin(w, r, loginstage.User{ID: "ada"})
		fmt.Fprint(w, err)
	})
	guard("GET /panic", func(http.ResponseWriter, *http.Request) { panic("asked for") })
	guard("GET /error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "asked for", http.StatusTeapot) })
	protect("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 10); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, r.MultipartForm.File["file"][0].Size)
	})
	protect("GET /hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		defer conn.Close()
		upgrade(buffered.Writer)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

func upgrade(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kit\r\n\r\nhijacked\n")
	_ = w.Flush()
}
