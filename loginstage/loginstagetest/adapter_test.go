package loginstagetest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/mooring-go/mooring/loginstage"
)

// The kit's rules hold for net/http, which needs no adapter.
func TestNetHTTP(t *testing.T) {
	RunAdapter(t, Adapter{
		Handler: func(_ *testing.T, host AdapterHost) http.Handler { return netHTTP(host) },
		Deny:    teapot,
	})
}

// teapot is the host's own denial.
func teapot(w http.ResponseWriter, _ *http.Request, denied *loginstage.AccessError) {
	w.WriteHeader(http.StatusTeapot)
	_, _ = io.WriteString(w, string(denied.Denial))
}

// parts are what a host of net/http is made of.
type parts struct {
	host                  AdapterHost
	guard, require, allow func(http.Handler) http.Handler
	fresh, strong         func(http.Handler) http.Handler
	routes                map[string]http.HandlerFunc // by the pattern
	around                func(http.Handler) http.Handler
}

func netHTTP(host AdapterHost) http.Handler { return partsOf(host).handler() }

func partsOf(host AdapterHost) *parts {
	login := host.Login
	current := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, AdapterUser(loginstage.Current(r.Context())))
	}
	p := &parts{host: host, guard: login.Guard, require: login.Require, allow: login.AllowRestricted, around: recovering}
	p.fresh, p.strong = login.RequireFresh(time.Hour), login.RequireACR(loginstage.ACRAAL2)
	p.routes = map[string]http.HandlerFunc{
		"POST /begin": func(w http.ResponseWriter, r *http.Request) {
			challenge, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user")})
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.WriteHeader(AdapterStatus(challenge, err))
		},
		"POST /finish": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(AdapterStatus(nil, login.Finish(w, r, loginstage.Answer{StaySignedIn: true})))
		},
		"POST /logout": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(AdapterStatus(nil, login.Logout(w, r)))
		},
		"POST /confirm": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(AdapterStatus(nil, login.Confirm(w, r, loginstage.User{ID: r.FormValue("user")})))
		},
		"GET /current": current, "GET /bare": current, "GET /private": current, "GET /restricted": current,
		"GET /order": current, "GET /fresh": current, "GET /strong": current, "GET /twice": current,
		"OPTIONS /private": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", AdapterUser(loginstage.Current(r.Context())))
			w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Cookie"))
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "a body that is not sent")
		},
		"GET /items/{id}": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("id")) },
		"GET /stream": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "first\n")
			_ = http.NewResponseController(w).Flush()
			host.Wait()
			_, _ = io.WriteString(w, "second\n")
		},
		"GET /live": func(w http.ResponseWriter, r *http.Request) {
			live := login.Live(r)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "open\n")
			_ = http.NewResponseController(w).Flush()
			<-live.Done()
			fmt.Fprintln(w, AdapterEnding(live))
		},
		"GET /late": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "late\n")
			_ = http.NewResponseController(w).Flush()
			_, err := login.Begin(w, r, loginstage.User{ID: "ada"})
			fmt.Fprint(w, err)
		},
		"GET /panic": func(http.ResponseWriter, *http.Request) { panic("asked for") },
		"GET /error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "asked for", http.StatusTeapot) },
		"POST /upload": func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1 << 10); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			fmt.Fprint(w, r.MultipartForm.File["file"][0].Size)
		},
		"GET /hijack": func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotImplemented)
				return
			}
			defer conn.Close()
			upgrade(buffered.Writer)
		},
	}
	return p
}

// handler returns the host.
func (p *parts) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, route := range p.routes {
		var handler http.Handler = route
		switch pattern {
		case "GET /bare":
		case "POST /confirm", "GET /restricted":
			handler = p.allow(handler)
		case "GET /fresh":
			handler = p.fresh(handler)
		case "GET /strong":
			handler = p.strong(handler)
		case "GET /order":
			handler = p.require(p.allow(handler))
		case "GET /twice":
			handler = p.guard(p.guard(p.require(p.require(handler))))
		case "GET /private", "OPTIONS /private", "GET /items/{id}", "GET /stream", "GET /live", "POST /upload", "GET /hijack":
			handler = p.require(handler)
		default:
			handler = p.guard(handler)
		}
		mux.Handle(pattern, handler)
	}
	return p.around(mux)
}

// recovering answers panics.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func upgrade(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kit\r\n\r\nhijacked\n")
	_ = w.Flush()
}
