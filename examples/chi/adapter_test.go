package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// The kit's rules hold for chi, which needs no adapter.
func TestChi(t *testing.T) {
	log.SetOutput(io.Discard) // of panics that are asked for
	loginstagetest.RunAdapter(t, loginstagetest.Adapter{
		Handler: func(_ *testing.T, host loginstagetest.AdapterHost) http.Handler { return application(host) },
		Deny: func(w http.ResponseWriter, _ *http.Request, denied *loginstage.AccessError) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, string(denied.Denial))
		},
	})
}

func application(host loginstagetest.AdapterHost) http.Handler {
	login := host.Login
	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	guarded, required := router.With(login.Guard), router.With(login.Require)
	current := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, loginstagetest.AdapterUser(loginstage.Current(r.Context())))
	}

	guarded.Post("/begin", func(w http.ResponseWriter, r *http.Request) {
		challenge, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user")})
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.WriteHeader(loginstagetest.AdapterStatus(challenge, err))
	})
	guarded.Post("/finish", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Finish(w, r, loginstage.Answer{StaySignedIn: true})))
	})
	guarded.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Logout(w, r)))
	})
	router.With(login.AllowRestricted).Post("/confirm", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(loginstagetest.AdapterStatus(nil, login.Confirm(w, r, loginstage.User{ID: r.FormValue("user")})))
	})
	guarded.Get("/current", current)
	router.Get("/bare", current)
	required.Get("/private", current)
	required.Options("/private", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", loginstagetest.AdapterUser(loginstage.Current(r.Context())))
		w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Cookie"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "a body that is not sent")
	})
	router.With(login.AllowRestricted).Get("/restricted", current)
	router.With(login.RequireFresh(time.Hour)).Get("/fresh", current)
	router.With(login.RequireACR(loginstage.ACRAAL2)).Get("/strong", current)
	router.With(login.Require, login.AllowRestricted).Get("/order", current)
	router.With(login.Guard, login.Guard, login.Require, login.Require).Get("/twice", current)
	required.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, parameter(r, "id")) })
	required.Get("/stream", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		host.Wait()
		_, _ = io.WriteString(w, "second\n")
	})
	required.Get("/live", func(w http.ResponseWriter, r *http.Request) {
		live := login.Live(r)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "open\n")
		_ = http.NewResponseController(w).Flush()
		<-live.Done()
		fmt.Fprintln(w, loginstagetest.AdapterEnding(live))
	})
	guarded.Get("/late", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "late\n")
		_ = http.NewResponseController(w).Flush()
		_, err := login.Begin(w, r, loginstage.User{ID: "ada"})
		fmt.Fprint(w, err)
	})
	guarded.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("asked for") })
	guarded.Get("/error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "asked for", http.StatusTeapot) })
	required.Post("/upload", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 10); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer r.MultipartForm.RemoveAll() // chi passes a copy of the request on, whose files the server does not see
		fmt.Fprint(w, r.MultipartForm.File["file"][0].Size)
	})
	required.Get("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		defer conn.Close()
		upgrade(buffered.Writer)
	})
	return router
}

// parameter returns a parameter of the route, unescaped: chi leaves it as the client wrote it.
func parameter(r *http.Request, name string) string {
	value, err := url.PathUnescape(chi.URLParam(r, name))
	if err != nil {
		return err.Error()
	}
	return value
}

func upgrade(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kit\r\n\r\nhijacked\n")
	_ = w.Flush()
}
