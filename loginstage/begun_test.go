package loginstage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// tokenCalls are all calls that set or clear a token.
var tokenCalls = map[string]func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error{
	"Begin": func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		return err
	},
	"Finish": func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Finish(w, r, loginstage.Answer{})
	},
	"Logout": func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Logout(w, r)
	},
	"Confirm": func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Confirm(w, r, loginstage.User{ID: "ada"})
	},
}

// wrapping is a middleware's writer.
type wrapping struct{ http.ResponseWriter }

func (w wrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// written is a writer that says itself that it has written, as gin's does.
type written struct {
	http.ResponseWriter
	was bool
}

func (w written) Written() bool { return w.was }

// A token that the response can no longer carry is an error, and nothing is done.
func TestNothingIsDoneOnceTheResponseHasBegun(t *testing.T) {
	begins := map[string]func(w http.ResponseWriter) http.ResponseWriter{
		"WriteHeader": func(w http.ResponseWriter) http.ResponseWriter { w.WriteHeader(http.StatusOK); return w },
		"Write":       func(w http.ResponseWriter) http.ResponseWriter { _, _ = w.Write([]byte("a")); return w },
		"WriteString": func(w http.ResponseWriter) http.ResponseWriter { _, _ = io.WriteString(w, "a"); return w },
		"Flush":       func(w http.ResponseWriter) http.ResponseWriter { w.(http.Flusher).Flush(); return w },
		"a controller's Flush": func(w http.ResponseWriter) http.ResponseWriter {
			_ = http.NewResponseController(w).Flush()
			return w
		},
		"in a middleware": func(w http.ResponseWriter) http.ResponseWriter {
			w.WriteHeader(http.StatusOK)
			return wrapping{wrapping{w}}
		},
		"as the writer says": func(w http.ResponseWriter) http.ResponseWriter { return written{w, true} },
	}
	for call, do := range tokenCalls {
		for how, begin := range begins {
			for _, guarded := range []bool{true, false} {
				t.Run(call+" after "+how, func(t *testing.T) {
					config := asking
					if call == "Confirm" || call == "Logout" {
						config.StaySignedInOffset = 0
					}
					stage, browser := open(t, config)
					before := 0
					if browser.PostForm("/begin?user=ada", nil); config.StaySignedInOffset == 0 {
						before = 1
					}
					stage.Events.Reset()
					called := false
					handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						called = true
						require.ErrorIs(t, do(stage, begin(w), r), loginstage.ErrResponseBegun)
					}))
					if guarded {
						handler = stage.Guard(handler)
					}
					served(t, handler, func(t *testing.T, server *httptest.Server) {
						called = false
						r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, nil)
						require.NoError(t, err)
						for _, name := range []string{cookie, pendingCookie} {
							r.AddCookie(&http.Cookie{Name: name, Value: browser.Cookie(name)})
						}
						response, err := server.Client().Do(r)
						require.NoError(t, err)
						require.NoError(t, response.Body.Close())
						assert.True(t, called)
						assert.Empty(t, response.Cookies())
					})
					assert.Len(t, sessions(t, stage, "ada"), before)
					assert.Empty(t, stage.Events.Events())
				})
			}
		}
	}
}

func TestTheRecorderOfATestSaysThatItHasBegun(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	for _, begun := range []bool{false, true} {
		w := httptest.NewRecorder()
		if begun {
			w.WriteHeader(http.StatusOK)
		}
		_, err := stage.Begin(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
		assert.Equal(t, begun, err != nil, "%v", err)
	}
}

// A writer that wraps itself is looked at for no more than a while.
func TestAWriterThatWrapsItself(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{GeoIPBinding: binding.GeoIPOff})
	w := &circular{ResponseWriter: httptest.NewRecorder()}
	_, err := stage.Begin(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
	assert.NoError(t, err)
}

type circular struct{ http.ResponseWriter }

func (w *circular) Unwrap() http.ResponseWriter { return w }
