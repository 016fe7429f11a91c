package sessiontest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// carrierRules are the rules for any carrier.
var carrierRules = []rule[*carrierFixture]{
	{"nothing is no token",
		"Read returns the zero Token and no error for a request without one.",
		func(f *carrierFixture) { f.carries(session.Token{}) }},
	{"a token that is written is read",
		"Write gives the token to the client, and each request of the client comes with it, and leaves it there.",
		func(f *carrierFixture) {
			for _, maxAge := range []time.Duration{0, 1, time.Hour} {
				token := newToken()
				f.write(token, maxAge)
				f.carries(token)
				f.carries(token)
			}
		}},
	{"a token that is written replaces the one before it",
		"A client has one token. The one before is gone from the next request.",
		func(f *carrierFixture) {
			f.write(newToken(), time.Hour)
			token := newToken()
			f.write(token, 0)
			f.carries(token)
		}},
	{"a token that is cleared is gone",
		"Clear takes the token from the client, however often it is called.",
		func(f *carrierFixture) {
			for _, maxAge := range []time.Duration{0, time.Hour} {
				f.write(newToken(), maxAge)
				f.clear()
				f.carries(session.Token{})
			}
			f.clear()
			f.carries(session.Token{})
			token := newToken()
			f.write(token, 0)
			f.carries(token)
		}},
	{"of several calls on one response the last counts",
		"Of several Writes and Clears on one response the last one counts, whatever the client had.",
		func(f *carrierFixture) {
			first, second := newToken(), newToken()
			for range 2 { // the second time with a token in the request
				f.respond(func(w http.ResponseWriter, r *http.Request) {
					require.NoError(f, f.Clear(w, r))
					require.NoError(f, f.Write(w, r, first, time.Hour))
					require.NoError(f, f.Write(w, r, second, 0))
				})
				f.carries(second)
			}
			f.respond(func(w http.ResponseWriter, r *http.Request) {
				require.NoError(f, f.Write(w, r, first, time.Hour))
				require.NoError(f, f.Clear(w, r))
			})
			f.carries(session.Token{})
		}},
	{"a response that writes or clears is not cached",
		"Write and Clear set Cache-Control: no-store, whatever the handler had set before. A cache would give the token to others.",
		func(f *carrierFixture) {
			calls := map[string]func(w http.ResponseWriter, r *http.Request) error{
				"Write": func(w http.ResponseWriter, r *http.Request) error { return f.Write(w, r, newToken(), 0) },
				"Clear": f.Clear,
			}
			for name, call := range calls {
				for _, before := range []string{"", "public, max-age=600"} {
					response := f.respond(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Cache-Control", before)
						require.NoError(f, call(w, r))
					})
					assert.Equal(f, []string{"no-store"}, response.Header.Values("Cache-Control"), "%s after Cache-Control %q", name, before)
				}
			}
		}},
	{"clients do not share a token",
		"What one client was given, or lost, is nothing to another.",
		func(f *carrierFixture) {
			token := newToken()
			f.write(token, time.Hour)
			first := f.client
			f.client = f.newClient()
			f.carries(session.Token{})
			f.write(newToken(), time.Hour)
			f.clear()
			f.client = first
			f.carries(token)
		}},
	{"an error has no token in it",
		"A token is in the carrier and nowhere else, so not in an error either, which ends up in a log.",
		func(f *carrierFixture) {
			token := newToken()
			f.write(token, time.Hour)
			f.respond(func(w http.ResponseWriter, r *http.Request) {
				if err := f.Write(w, r, token, session.MaxCookieAge+1); err != nil {
					assert.NotContains(f, fmt.Sprintf("%v %+v %#v", err, err, err), token.Secret())
				}
			})
		}},
	{"a lifetime that cannot be kept is refused",
		"A LifetimeValidator says beforehand that it cannot keep a token for longer than clients do, with ErrLifetime.",
		func(f *carrierFixture) {
			v, ok := f.Carrier.(session.LifetimeValidator)
			if !ok {
				f.Skip("the carrier is no LifetimeValidator")
			}
			require.NoError(f, v.ValidateLifetime(0))
			require.ErrorIs(f, v.ValidateLifetime(session.MaxCookieAge+1), session.ErrLifetime)
		}},
	{"a carrier in use can be asked for another lifetime",
		"Settings change while requests are served: a LifetimeValidator answers with nil or ErrLifetime, without a data race, and tokens are carried on.",
		func(f *carrierFixture) {
			v, ok := f.Carrier.(session.LifetimeValidator)
			if !ok {
				f.Skip("the carrier is no LifetimeValidator")
			}
			token := newToken()
			f.write(token, time.Hour)
			var running sync.WaitGroup
			for range 2 {
				running.Go(func() {
					for range 50 {
						read, err := f.Read(f.request())
						assert.NoError(f, err)
						assert.Equal(f, token.ID(), read.ID())
					}
				})
			}
			running.Go(func() {
				for days := 1; days <= 400; days += 57 {
					if err := v.ValidateLifetime(time.Duration(days) * 24 * time.Hour); err != nil {
						assert.ErrorIs(f, err, session.ErrLifetime)
					}
				}
			})
			running.Wait()
			f.carries(token)
		}},
	{"a carrier that works is valid",
		"A Validator returns what is wrong with it, and nothing is.",
		func(f *carrierFixture) {
			v, ok := f.Carrier.(session.Validator)
			if !ok {
				f.Skip("the carrier is no Validator")
			}
			require.NoError(f, v.Validate())
		}},
	{"a carrier is safe for concurrent use",
		"One carrier serves all requests, many at a time, and gives each client its own token. The race detector sees the rest.",
		func(f *carrierFixture) {
			var clients sync.WaitGroup
			errs := make([]error, racers)
			for i := range racers {
				clients.Go(func() { errs[i] = f.visit(f.newClient(), 20) })
			}
			clients.Wait()
			require.NoError(f, errors.Join(errs...))
		}},
}

// visit lets a client sign in and out, the given number of times.
func (f *carrierFixture) visit(client Client, times int) error {
	own := carrierFixture{T: f.T, Carrier: f.Carrier, client: client}
	for range times {
		token := newToken()
		w := httptest.NewRecorder()
		if err := f.Write(w, own.request(), token, time.Hour); err != nil {
			return err
		}
		client.Receive(w.Result())
		if got, err := f.Read(own.request()); err != nil || got != token {
			return fmt.Errorf("read another token than was written, or none: %w", err)
		}
		w = httptest.NewRecorder()
		if err := f.Clear(w, own.request()); err != nil {
			return err
		}
		client.Receive(w.Result())
		if got, err := f.Read(own.request()); err != nil || !got.IsZero() {
			return fmt.Errorf("read a token after Clear, or failed: %w", err)
		}
	}
	return nil
}
