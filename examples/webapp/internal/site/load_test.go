package site

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/loginstage"
)

// What benchmarks/cmd/load runs: the program, but for what it would not show.
// There are accounts for everybody whom it plays, their passwords are hashed at
// the lowest cost, which a sign-in is else all about, and GET /usage answers with
// the processor time that was taken so far, in microseconds.
const (
	loadAccounts = 1000 // visitor-0 and guest-0, and so on
	loadPassword = "password under load"
)

// runUnderLoad is run, with no guard where guard is "off".
func runUnderLoad(guard string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, kinds, os.Args[1:], os.Stdout, func(a *app) http.Handler { return underLoad(a, guard) })
}

// underLoad returns the handler of the application, with the accounts that it then has.
func underLoad(a *app, guard string) http.Handler {
	hash, err := bcrypt.GenerateFromPassword([]byte(loadPassword), passwordCost)
	if err != nil {
		panic(err) // it is the same password each time
	}
	for i := range loadAccounts {
		for _, id := range []string{fmt.Sprintf("visitor-%d", i), fmt.Sprintf("guest-%d", i)} {
			a.accounts.add(account{ID: id, Name: "Name of " + id, hash: hash})
		}
	}
	a.mail = nil // everybody's first sign-in is on a new device
	handler := a.handler()
	if guard == "off" {
		handler = unguarded(a.login, handler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /usage", usage)
	mux.Handle("/", handler)
	return mux
}

// unguarded returns next without what its guard does: the session of a cookie is
// looked for when the cookie is first sent, and believed from then on.
func unguarded(login *loginstage.UserLogin, next http.Handler) http.Handler {
	var known sync.Map // of contexts in which the guard finds that it has done its work
	learn := login.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := loginstage.Current(r.Context()); ok {
			known.Store(r.Header.Get("Cookie"), r.Context())
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := r.Header.Get("Cookie")
		if _, ok := known.Load(cookie); !ok && cookie != "" {
			learn.ServeHTTP(httptest.NewRecorder(), r)
		}
		if of, ok := known.Load(cookie); ok {
			r = r.WithContext(believed{r.Context(), of.(context.Context)})
		}
		next.ServeHTTP(w, r)
	})
}

// believed is a request's context, with the session of another one's.
type believed struct {
	context.Context
	of context.Context
}

func (b believed) Value(key any) any {
	if value := b.Context.Value(key); value != nil {
		return value
	}
	return b.of.Value(key)
}

func usage(w http.ResponseWriter, _ *http.Request) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, (used.Utime.Nano()+used.Stime.Nano())/1000)
}

// A session that has ended is shown where there is no guard, and only there.
func TestUnguardedIsWithoutTheGuard(t *testing.T) {
	for guard, want := range map[string]int{"on": http.StatusUnauthorized, "off": http.StatusOK} {
		t.Run(guard, func(t *testing.T) {
			app := openApp(t, "-stay-signed-in-offset=seconds=0")
			server := httptest.NewTLSServer(underLoad(app, guard))
			t.Cleanup(server.Close)

			v := newVisitor(t, server)
			require.Contains(t, v.post("/login", "user", "visitor-7", "password", loadPassword).html, "Name of visitor-7")
			n, err := app.login.RevokeUser(t.Context(), "visitor-7", "visitor-7")
			require.NoError(t, err)
			require.Equal(t, 1, n)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			require.NoError(t, err)
			response, err := v.client.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, want, response.StatusCode)
			assert.Regexp(t, `^\d+$`, v.get("/usage").html)
		})
	}
}
