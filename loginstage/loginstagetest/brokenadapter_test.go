package loginstagetest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// brokenAdapter is what an adapter does wrong, and the rules that must find it.
type brokenAdapter struct {
	name  string
	rules []string
	apply func(*parts)
}

// edits returns what has requests changed before the guard sees them.
func edits(edit func(r *http.Request)) func(*parts) {
	return func(p *parts) {
		around := p.around
		p.around = func(next http.Handler) http.Handler {
			return around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				edit(r)
				next.ServeHTTP(w, r)
			}))
		}
	}
}

// plain is a writer that has nothing but what http.ResponseWriter asks for, as of an
// adapter that forgets Unwrap.
type plain struct{ w http.ResponseWriter }

func (p plain) Header() http.Header         { return p.w.Header() }
func (p plain) WriteHeader(status int)      { p.w.WriteHeader(status) }
func (p plain) Write(b []byte) (int, error) { return p.w.Write(b) }

// plainly has the handlers get a plain writer.
func plainly(p *parts) {
	around := p.around
	p.around = func(next http.Handler) http.Handler {
		return around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(plain{w}, r) }))
	}
}

// caching is a writer whose answers may be cached, whatever their header says.
type caching struct{ http.ResponseWriter }

func (c caching) WriteHeader(status int) {
	c.Header().Set("Cache-Control", "public, max-age=60")
	c.ResponseWriter.WriteHeader(status)
}

func (c caching) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// withoutContext is the guard of an adapter that does not hand the request's context on.
func withoutContext(guard func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := loginstage.Current(r.Context())
			next.ServeHTTP(w, r.WithContext(loginstage.NewContext(context.Background(), s)))
		}))
	}
}

// shared is what an adapter knows of the latest request of all.
type shared struct {
	mu   sync.Mutex
	text string
}

var brokenAdapters = []brokenAdapter{
	{"Require passes everybody on", []string{"anonymous requests", "broken binding"}, func(p *parts) {
		p.require = p.guard
	}},
	{"answers are cached", []string{"sign-in and sign-out", "mounted twice"}, func(p *parts) {
		around := p.around
		p.around = func(next http.Handler) http.Handler {
			return around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(caching{w}, r) }))
		}
	}},
	{"Begin does not get the cookies", []string{"every sign-in has a token of its own"}, func(p *parts) {
		begin := p.routes["POST /begin"]
		p.routes["POST /begin"] = func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Cookie")
			begin(w, r)
		}
	}},
	{"the first cookie line alone", []string{"more than one token"}, edits(func(r *http.Request) {
		if lines := r.Header["Cookie"]; len(lines) > 1 {
			r.Header["Cookie"] = lines[:1]
		}
	})},
	{"one cookie of a name", []string{"more than one token"}, edits(func(r *http.Request) {
		cookies, seen := r.Cookies(), map[string]bool{}
		r.Header.Del("Cookie")
		for _, c := range cookies {
			if !seen[c.Name] {
				r.AddCookie(c)
			}
			seen[c.Name] = true
		}
	})},
	{"a token from the query", []string{"tokens in other places"}, edits(func(r *http.Request) {
		if token := r.URL.Query().Get("access_token"); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})},
	{"one carrier before the other", []string{"tokens in other places"}, edits(func(r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			r.Header.Del("Authorization")
		}
	})},
	{"the first line of an address", []string{"an address in several lines"}, edits(func(r *http.Request) {
		if lines := r.Header["X-Forwarded-For"]; len(lines) > 1 {
			r.Header["X-Forwarded-For"] = lines[:1]
		}
	})},
	{"errors are passed over", []string{"users that are not signed in", "prompt"}, func(p *parts) {
		for _, pattern := range []string{"POST /begin", "POST /finish"} {
			route := p.routes[pattern]
			p.routes[pattern] = func(w http.ResponseWriter, r *http.Request) {
				inner := httptest.NewRecorder()
				route(inner, r)
				for name, values := range inner.Header() {
					w.Header()[name] = values
				}
				w.WriteHeader(http.StatusNoContent)
			}
		}
	}},
	{"the route is not handed on", []string{"broken binding"}, func(p *parts) {
		require := p.require
		p.require = func(next http.Handler) http.Handler {
			required := require(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Pattern = ""
				required.ServeHTTP(w, r)
			})
		}
	}},
	{"AllowRestricted is Guard", []string{"step-up"}, func(p *parts) { p.allow = p.guard }},
	{"Guard is AllowRestricted", []string{"step-up"}, func(p *parts) { p.guard = p.allow }},
	{"RequireFresh is Require", []string{"how lately and how well a user was proved"}, func(p *parts) { p.fresh = p.require }},
	{"RequireACR is Require", []string{"how lately and how well a user was proved"}, func(p *parts) { p.strong = p.require }},
	{"a guard around everything", []string{"the wrong order"}, func(p *parts) {
		around, guard := p.around, p.guard
		p.around = func(next http.Handler) http.Handler { return around(guard(next)) }
	}},
	{"the inner guard decides", []string{"the wrong order"}, func(p *parts) {
		require := p.require
		p.require = func(next http.Handler) http.Handler {
			required := require(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/order" { // as where a framework runs its middleware from the inside
					next.ServeHTTP(w, r)
					return
				}
				required.ServeHTTP(w, r)
			})
		}
	}},
	{"a guard without the context of another", []string{"mounted twice"}, func(p *parts) {
		p.guard, p.require = withoutContext(p.guard), withoutContext(p.require)
	}},
	{"a header is lost", []string{"proof"}, edits(func(r *http.Request) { r.Header.Del("DPoP") })},
	{"who is not known is anonymous", []string{"a store that fails"}, func(p *parts) {
		guard := p.guard
		p.guard = func(next http.Handler) http.Handler {
			guarded := guard(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					guarded.ServeHTTP(w, r)
					return
				}
				if _, err := p.host.Login.Check(httptest.NewRecorder(), r); err != nil && strings.Contains(err.Error(), errStore.Error()) {
					next.ServeHTTP(w, r)
					return
				}
				guarded.ServeHTTP(w, r)
			})
		}
	}},
	{"an address is guessed", []string{"an unknown address"}, edits(func(r *http.Request) {
		if r.Header.Get("X-Forwarded-For") == "" {
			r.Header.Set("X-Forwarded-For", bindingtest.Berlin.String())
		}
	})},
	{"parameters are not unescaped", []string{"route parameters"}, func(p *parts) {
		p.routes["GET /items/{id}"] = func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, path.Base(r.URL.EscapedPath()))
		}
	}},
	{"writers cannot flush", []string{"streaming", "live streams"}, plainly},
	{"writers cannot hijack", []string{"hijacking"}, plainly},
	{"streams do not end", []string{"live streams"}, func(p *parts) {
		p.routes["GET /live"] = func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "open\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}},
	{"all streams end", []string{"live streams"}, func(p *parts) {
		var first context.Context
		var mu sync.Mutex
		p.routes["GET /live"] = func(w http.ResponseWriter, r *http.Request) {
			live := p.host.Login.Live(r)
			mu.Lock()
			if first == nil {
				first = live //nolint:fatcontext // that is what is broken
			}
			live = first
			mu.Unlock()
			_, _ = io.WriteString(w, "open\n")
			_ = http.NewResponseController(w).Flush()
			<-live.Done()
			fmt.Fprintln(w, AdapterEnding(live))
		}
	}},
	{"Begin gets another writer", []string{"a response that has begun"}, func(p *parts) {
		p.routes["GET /late"] = func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "late\n")
			_, err := p.host.Login.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
			fmt.Fprint(w, err)
		}
	}},
	{"a recovery that takes the header away", []string{"panics"}, func(p *parts) {
		around := p.around
		p.around = func(next http.Handler) http.Handler {
			return around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recover() != nil {
						clear(w.Header())
						w.WriteHeader(http.StatusInternalServerError)
					}
				}()
				next.ServeHTTP(w, r)
			}))
		}
	}},
	{"errors that take the header away", []string{"errors"}, func(p *parts) {
		guard := p.guard
		p.guard = func(next http.Handler) http.Handler {
			guarded := guard(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/error" {
					http.Error(w, "asked for", http.StatusTeapot)
					return
				}
				guarded.ServeHTTP(w, r)
			})
		}
	}},
	{"a copy of the request has the files", []string{"uploads"}, func(p *parts) {
		upload := p.routes["POST /upload"]
		p.routes["POST /upload"] = func(w http.ResponseWriter, r *http.Request) { upload(w, r.Clone(r.Context())) }
	}},
	{"preflights are passed on as they are", []string{"preflights"}, func(p *parts) {
		require := p.require
		p.require = func(next http.Handler) http.Handler {
			required := require(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
					next.ServeHTTP(w, r)
					return
				}
				required.ServeHTTP(w, r)
			})
		}
	}},
	{"Deny is not asked", []string{"the host's own denials"}, func(p *parts) {
		p.around = func(next http.Handler) http.Handler {
			return recovering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				denied := httptest.NewRecorder()
				if _, err := p.host.Login.Check(denied, r); err != nil && r.URL.Path == "/private" {
					http.Error(w, "no", http.StatusForbidden)
					return
				}
				next.ServeHTTP(w, r)
			}))
		}
	}},
	{"one request's session is another's", []string{"requests side by side"}, func(p *parts) {
		var latest shared
		p.routes["GET /current"] = func(w http.ResponseWriter, r *http.Request) {
			latest.mu.Lock()
			latest.text = AdapterUser(loginstage.Current(r.Context()))
			latest.mu.Unlock()
			time.Sleep(time.Millisecond)
			latest.mu.Lock()
			defer latest.mu.Unlock()
			_, _ = io.WriteString(w, latest.text)
		}
	}},
}

// playBrokenAdapters makes this test binary run the kit on broken adapters, which must
// fail.
const playBrokenAdapters = "LOGINSTAGETEST_PLAY_BROKEN"

func TestBrokenAdapters(t *testing.T) {
	if os.Getenv(playBrokenAdapters) == "" {
		t.Skip("fails on purpose; TestEveryRuleFindsTheAdapterThatBreaksIt runs it")
	}
	adapterPatience = 500 * time.Millisecond
	for _, b := range brokenAdapters {
		t.Run(b.name, func(t *testing.T) {
			var rules []adapterRule
			for _, rule := range adapterRules {
				if slices.Contains(b.rules, rule.name) {
					rules = append(rules, rule)
				}
			}
			require.Len(t, rules, len(b.rules), "the rules of those names")
			runRules(t, rules, Adapter{Deny: teapot, Handler: func(_ *testing.T, host AdapterHost) http.Handler {
				p := partsOf(host)
				b.apply(p)
				return p.handler()
			}}, "HTTP/1.1")
		})
	}
}

// Each rule finds an adapter that is broken in a way that the rule is about.
func TestEveryRuleFindsTheAdapterThatBreaksIt(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenAdapters$", "-test.v")
	command.Env = append(os.Environ(), playBrokenAdapters+"=1")
	output, err := command.CombinedOutput()
	require.Error(t, err, "the kit found nothing wrong with broken adapters")
	found := map[string]bool{}
	for _, b := range brokenAdapters {
		for _, rule := range b.rules {
			found[rule] = true
			name := strings.ReplaceAll(b.name+"/"+rule, " ", "_")
			assert.Contains(t, string(output), "--- FAIL: TestBrokenAdapters/"+name+" ", "%s does not find: %s", rule, b.name)
		}
	}
	for _, rule := range adapterRules {
		assert.True(t, found[rule.name], "nothing broken shows that the rule finds it: %s", rule.name)
	}
	assert.Contains(t, string(output), "The rule: "+adapterRules[0].text, "a failure explains the rule")
}
