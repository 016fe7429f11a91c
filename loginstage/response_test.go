package loginstage_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	gorilla "github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

// cacheable is what handlers do, and file servers, that makes an answer cacheable.
var cacheable = map[string]http.HandlerFunc{
	"a header": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		w.Header().Set("Expires", "Thu, 01 Jan 2099 00:00:00 GMT")
		w.Header().Set("CDN-Cache-Control", "max-age=600")
		w.Header().Set("Vercel-CDN-Cache-Control", "max-age=600")
		w.Header().Set("Surrogate-Control", "max-age=600")
		w.Header().Set("X-Accel-Expires", "600")
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusOK)
	},
	"a header and nothing written": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		w.Header().Set("ETag", `"1"`)
	},
	"a panic": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		panic("a bug")
	},
	"a header that is not canonical": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["cache-control"] = []string{"public, max-age=31536000"}
		w.Header()["ETag"] = []string{`"1"`}
		w.Header()["expires"] = []string{"Thu, 01 Jan 2099 00:00:00 GMT"}
		w.Header()["surrogate-control"] = []string{"max-age=600"}
		w.Header()["CDN-cache-control"] = []string{"max-age=600"}
		_, _ = w.Write([]byte("a"))
	},
	"Write": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		_, _ = w.Write([]byte("a"))
	},
	"WriteString": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		_, _ = io.WriteString(w, "a")
	},
	"Copy": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		_, _ = io.Copy(w, strings.NewReader("a"))
	},
	"Flush": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		_ = http.NewResponseController(w).Flush()
	},
	"ServeContent": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		http.ServeContent(w, r, "a.txt", time.Unix(1, 0), strings.NewReader("a"))
	},
	"a file server": http.FileServerFS(fstest.MapFS{"index.html": {Data: []byte("a"), ModTime: time.Unix(1, 0)}}).ServeHTTP,
	"a file that is not there": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		http.ServeFileFS(w, r, fstest.MapFS{}, "none")
	},
}

// Early hints are not yet the answer.
func TestEarlyHintsAreNotTheAnswer(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	handler := stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		w.WriteHeader(http.StatusOK)
	}))
	served(t, handler, func(t *testing.T, server *httptest.Server) {
		response, err := server.Client().Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Len(t, response.Cookies(), 1)
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.Equal(t, "Cookie", response.Header.Get("Vary"))
	})
}

// An answer that sets or clears a token is cached by nobody.
func TestAnAnswerWithATokenIsUncacheable(t *testing.T) {
	confirming := loginstage.Config{GeoIPBinding: binding.GeoIPCountry, Actions: binding.Always(binding.StepUp)}
	for what, test := range map[string]struct {
		config loginstage.Config
		do     func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error
	}{
		"Begin": {loginstage.Config{}, func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			return err
		}},
		"Begin, asking": {asking, func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			return err
		}},
		"Finish": {asking, func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			return stage.Finish(w, r, loginstage.Answer{})
		}},
		"Logout": {loginstage.Config{}, func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			return stage.Logout(w, r)
		}},
		"Confirm": {confirming, func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			return stage.Confirm(w, r, loginstage.User{ID: "ada"})
		}},
		"Begin, in gorilla": {loginstage.Config{Carrier: gorillacarrier.New(gorilla.NewCookieStore(make([]byte, 32)), gorillacarrier.Options{})},
			func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
				_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
				return err
			}},
	} {
		for how, handler := range cacheable {
			for _, hidden := range []bool{false, true} { // behind a middleware whose writer has no Unwrap
				t.Run(what+", "+how, func(t *testing.T) {
					stage := loginstagetest.New(t, test.config)
					done := false
					mux := http.NewServeMux()
					mux.Handle("/sign-in", stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
						assert.NoError(t, err)
					})))
					mux.Handle("/", stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if hidden {
							w = struct{ http.ResponseWriter }{w}
						}
						if assert.NoError(t, test.do(stage, w, r)) {
							done = true
							handler(w, r)
						}
					})))
					outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() { _ = recover() }()
						mux.ServeHTTP(w, r)
					})
					browser := loginstagetest.NewBrowser(t, outer)
					browser.Get("/sign-in")
					response := browser.Get("/")
					require.True(t, done)
					require.NotEmpty(t, response.Header["Set-Cookie"])
					assert.Equal(t, []string{"no-store"}, response.Header["Cache-Control"])
					for name := range response.Header {
						assert.Equal(t, http.CanonicalHeaderKey(name), name, "it is not looked for below")
					}
					for _, name := range []string{"Expires", "ETag", "Last-Modified", "CDN-Cache-Control", "Vercel-CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires"} {
						assert.Empty(t, response.Header.Get(name), name)
					}
					assert.Contains(t, strings.Join(response.Header["Vary"], ","), "Cookie")
				})
			}
		}
	}
}

// A token in a header is one too, whatever writer stands between Begin and the guard.
func TestAnAnswerWithATokenInAHeaderIsUncacheable(t *testing.T) {
	for _, carrier := range []session.Carrier{
		session.Bearer{}, &session.Bearer{Header: "x-token"}, session.CookieOrBearer{}, &session.CookieOrBearer{Bearer: session.Bearer{Header: "X-Token"}},
	} {
		for how, hide := range map[string]func(http.Handler) http.Handler{
			"nothing between": func(next http.Handler) http.Handler { return next },
			"TimeoutHandler":  func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") },
		} {
			stage := loginstagetest.New(t, loginstage.Config{Carrier: carrier})
			handler := stage.Guard(hide(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
				assert.NoError(t, err)
				w.Header().Set("Cache-Control", "public, max-age=31536000")
			})))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			assert.NotEmpty(t, w.Header().Get(session.DefaultTokenHeader)+w.Header().Get("X-Token"))
			assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"], "%T, %s", carrier, how)
		}
	}
}

// A page depends on who is signed in, and a shared cache does not keep that of a
// user, unless the handler says otherwise.
func TestPagesSayOnWhatTheyDepend(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	for _, test := range []struct {
		name         string
		set          http.Header
		vary         []string
		cacheControl string // of who is signed in
		anonymous    string // and of who is not
	}{
		{"as it is", nil, []string{"Cookie"}, "private, no-cache", ""},
		{"public", http.Header{"Cache-Control": {"public, max-age=60"}}, []string{"Cookie"}, "public, max-age=60", "public, max-age=60"},
		{"none, on purpose", http.Header{"Cache-Control": nil}, []string{"Cookie"}, "", ""},
		{"another Vary", http.Header{"Vary": {"Accept-Encoding"}}, []string{"Accept-Encoding", "Cookie"}, "private, no-cache", ""},
		{"among others", http.Header{"Vary": {"Accept-Encoding, cookie"}}, []string{"Accept-Encoding, cookie"}, "private, no-cache", ""},
		{"on everything", http.Header{"Vary": {"*"}}, []string{"*"}, "private, no-cache", ""},
	} {
		for _, writes := range []bool{true, false} {
			for _, header := range []string{cookies, ""} {
				t.Run(test.name, func(t *testing.T) {
					r := httptest.NewRequest("GET", "/", nil)
					r.Header.Set("Cookie", header)
					w := httptest.NewRecorder()
					stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						for name, values := range test.set {
							w.Header()[name] = values
						}
						if writes {
							w.WriteHeader(http.StatusOK)
						}
					})).ServeHTTP(w, r)
					want := test.cacheControl
					if header == "" {
						want = test.anonymous
					}
					assert.Equal(t, test.vary, w.Result().Header["Vary"])
					assert.Equal(t, want, w.Result().Header.Get("Cache-Control"))
				})
			}
		}
	}
}

func TestDenialsAreUncacheable(t *testing.T) {
	_, browser := open(t, loginstage.Config{LoginURL: "/login", GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Paris)
	for range 2 { // broken, and then anonymous
		response := browser.Get("/private/")
		assert.Equal(t, http.StatusSeeOther, response.StatusCode)
		assert.Equal(t, []string{"no-store"}, response.Header["Cache-Control"])
		assert.Equal(t, []string{"Cookie"}, response.Header["Vary"])
	}
}

type bare struct{ http.ResponseWriter }

type (
	flushing  struct{ bare }
	hijacking struct{ bare }
	pushing   struct{ bare }
)

func (flushing) Flush()                                        {}
func (hijacking) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }
func (pushing) Push(string, *http.PushOptions) error           { return nil }

// A handler finds the abilities of a writer, and no others.
func TestWritersCanWhatTheyCould(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	inner := bare{httptest.NewRecorder()}
	for _, w := range []http.ResponseWriter{
		inner, flushing{inner}, hijacking{inner}, pushing{inner},
		struct {
			bare
			http.Flusher
			http.Hijacker
		}{inner, flushing{}, hijacking{}},
		struct {
			bare
			http.Flusher
			http.Pusher
		}{inner, flushing{}, pushing{}},
		struct {
			bare
			http.Hijacker
			http.Pusher
		}{inner, hijacking{}, pushing{}},
		struct {
			bare
			http.Flusher
			http.Hijacker
			http.Pusher
		}{inner, flushing{}, hijacking{}, pushing{}},
		httptest.NewRecorder(),
	} {
		for _, header := range []string{cookies, ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", header)
			called := false
			stage.Guard(stage.Guard(http.HandlerFunc(func(guarded http.ResponseWriter, _ *http.Request) {
				called = true
				sameAbilities(t, w, guarded)
				if p, ok := guarded.(http.Pusher); ok {
					assert.NoError(t, p.Push("/a", nil))
				}
			}))).ServeHTTP(w, r)
			assert.True(t, called)
		}
	}
}

func sameAbilities(t *testing.T, want, got http.ResponseWriter) {
	_, wantFlush := want.(http.Flusher)
	_, flush := got.(http.Flusher)
	assert.Equal(t, wantFlush, flush, "%T: Flusher", want)
	_, wantHijack := want.(http.Hijacker)
	_, hijack := got.(http.Hijacker)
	assert.Equal(t, wantHijack, hijack, "%T: Hijacker", want)
	_, wantPush := want.(http.Pusher)
	_, push := got.(http.Pusher)
	assert.Equal(t, wantPush, push, "%T: Pusher", want)
}

func TestServersWritersCanWhatTheyCould(t *testing.T) {
	stage, _ := signedInTo(t, loginstage.Config{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stage.Guard(http.HandlerFunc(func(guarded http.ResponseWriter, _ *http.Request) {
			sameAbilities(t, w, guarded)
			guarded.WriteHeader(http.StatusAccepted)
		})).ServeHTTP(w, r)
	})
	served(t, handler, func(t *testing.T, server *httptest.Server) {
		response, err := server.Client().Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusAccepted, response.StatusCode)
	})
}

// A flush that a writer does not know is not the beginning of the response.
func TestAFlushThatIsNotSupportedBeginsNothing(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	w := httptest.NewRecorder()
	stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		require.NoError(t, err)
		w.Header().Set("Cache-Control", "public")
	})).ServeHTTP(bare{w}, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}

// With the guards of two stages around a handler, each sees that a token was set,
// whichever stage has set it.
func TestTheGuardsOfTwoStagesKnowOfATokenEach(t *testing.T) {
	users := loginstagetest.New(t, loginstage.Config{})
	staff := loginstagetest.New(t, loginstage.Config{Name: "staff", Carrier: session.Cookie{Name: "__Host-staff"}})
	for _, stage := range []*loginstagetest.Stage{users, staff} {
		w := httptest.NewRecorder()
		users.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			staff.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
				assert.NoError(t, err)
			})).ServeHTTP(w, r)
			w.Header().Set("Cache-Control", "public") // nobody has written yet
		})).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, []string{"Cookie"}, w.Header()["Vary"])
	}
}

// A handler that runs out of time may sign in while the answer is written that says
// so.
func TestASignInThatRunsOutOfTime(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	var late sync.WaitGroup
	late.Add(1)
	handler := stage.Guard(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer late.Done()
		<-r.Context().Done()
		_, err := stage.Begin(w, r.WithContext(context.WithoutCancel(r.Context())), loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	}), time.Millisecond, "late"))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookies)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	late.Wait()
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Empty(t, w.Result().Cookies())
}
