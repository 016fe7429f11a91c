package sessiontest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// brokenCarrier is a carrier with some of its methods replaced.
type brokenCarrier struct {
	session.Carrier
	onRead     func(r *http.Request) (session.Token, error)
	onWrite    func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error
	onClear    func(w http.ResponseWriter, r *http.Request) error
	onLifetime func(longest time.Duration) error
	invalid    error
}

func (b *brokenCarrier) Read(r *http.Request) (session.Token, error) {
	if b.onRead != nil {
		return b.onRead(r)
	}
	return b.Carrier.Read(r)
}

func (b *brokenCarrier) Write(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
	if b.onWrite != nil {
		return b.onWrite(w, r, t, maxAge)
	}
	return b.Carrier.Write(w, r, t, maxAge)
}

func (b *brokenCarrier) Clear(w http.ResponseWriter, r *http.Request) error {
	if b.onClear != nil {
		return b.onClear(w, r)
	}
	return b.Carrier.Clear(w, r)
}

func (b *brokenCarrier) ValidateLifetime(longest time.Duration) error {
	if b.onLifetime != nil {
		return b.onLifetime(longest)
	}
	return session.Cookie{}.ValidateLifetime(longest)
}

func (b *brokenCarrier) Validate() error { return b.invalid }

// writing changes a Write after the fact.
func writing(change func(header http.Header, t session.Token)) func(*brokenCarrier) {
	return func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			err := b.Carrier.Write(w, r, t, maxAge)
			change(w.Header(), t)
			return err
		}
	}
}

// keeping writes with another maxAge.
func keeping(other func(maxAge time.Duration) time.Duration) func(*brokenCarrier) {
	return func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			return b.Carrier.Write(w, r, t, other(maxAge))
		}
	}
}

// reading reads a token from the values of the cookie in its own way.
func reading(choose func(values []string) string) func(*brokenCarrier) {
	return func(b *brokenCarrier) {
		b.onRead = func(r *http.Request) (session.Token, error) {
			var values []string
			for pair := range strings.SplitSeq(strings.Join(r.Header["Cookie"], "; "), "; ") {
				if value, ok := strings.CutPrefix(pair, session.DefaultCookieName+"="); ok {
					values = append(values, value)
				}
			}
			if len(values) == 0 {
				return session.Token{}, nil
			}
			token, _ := session.ParseToken(choose(values))
			return token, nil
		}
	}
}

var brokenCarriers = []breakage[brokenCarrier]{
	{"nothing is an error", []string{"nothing is no token"}, func(b *brokenCarrier) {
		b.onRead = func(r *http.Request) (session.Token, error) {
			token, err := b.Carrier.Read(r)
			if token.IsZero() {
				err = http.ErrNoCookie
			}
			return token, err
		}
	}},
	{"Write does nothing", []string{"a token that is written is read"}, func(b *brokenCarrier) {
		b.onWrite = func(http.ResponseWriter, *http.Request, session.Token, time.Duration) error { return nil }
	}},
	{"paths differ by lifetime", []string{"a token that is written replaces the one before it"}, func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			if maxAge == 0 {
				return session.Cookie{Name: session.DefaultCookieName, Path: "/app"}.Write(w, r, t, maxAge)
			}
			return b.Carrier.Write(w, r, t, maxAge)
		}
	}},
	{"Clear is of another path", []string{"a token that is cleared is gone", "a cookie is cleared as it was set"}, func(b *brokenCarrier) {
		b.onClear = session.Cookie{Path: "/app"}.Clear
	}},
	{"Clear is of another SameSite", []string{"a cookie is cleared as it was set"}, func(b *brokenCarrier) {
		b.onClear = session.Cookie{SameSite: http.SameSiteStrictMode}.Clear
	}},
	{"the first call counts", []string{"of several calls on one response the last counts"}, func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			if w.Header().Get("Set-Cookie") != "" {
				return nil
			}
			return b.Carrier.Write(w, r, t, maxAge)
		}
	}},
	{"calls add up", []string{"a cookie is set once"}, func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			before := w.Header().Values("Set-Cookie")
			err := b.Carrier.Write(w, r, t, maxAge)
			w.Header()["Set-Cookie"] = append(before[:len(before):len(before)], w.Header().Values("Set-Cookie")...)
			return err
		}
	}},
	{"caching stays as it was", []string{"a response that writes or clears is not cached"}, func(b *brokenCarrier) {
		b.onClear = func(w http.ResponseWriter, r *http.Request) error {
			before := w.Header().Get("Cache-Control")
			err := b.Carrier.Clear(w, r)
			w.Header().Set("Cache-Control", cmp.Or(before, "no-store"))
			return err
		}
	}},
	{"the carrier remembers", []string{"clients do not share a token"}, func(b *brokenCarrier) {
		var last session.Token
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			last = t
			return b.Carrier.Write(w, r, t, maxAge)
		}
		b.onRead = func(*http.Request) (session.Token, error) { return last, nil }
	}},
	{"an error says the token", []string{"an error has no token in it"}, func(b *brokenCarrier) {
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			if err := b.Carrier.Write(w, r, t, maxAge); err != nil {
				return fmt.Errorf("writing %s: %w", t.Secret(), err)
			}
			return nil
		}
	}},
	{"any lifetime will do", []string{"a lifetime that cannot be kept is refused"}, func(b *brokenCarrier) {
		b.onLifetime = func(time.Duration) error { return nil }
	}},
	{"it is made for one lifetime", []string{"a carrier in use can be asked for another lifetime"}, func(b *brokenCarrier) {
		used := false
		b.onLifetime = func(longest time.Duration) error {
			if used && longest > 0 && longest <= session.MaxCookieAge {
				return errors.New("it is in use")
			}
			used = true
			return session.Cookie{}.ValidateLifetime(longest)
		}
	}},
	{"it is not valid", []string{"a carrier that works is valid"}, func(b *brokenCarrier) {
		b.invalid = errors.New("mistake")
	}},
	{"Write has one token at a time", []string{"a carrier is safe for concurrent use"}, func(b *brokenCarrier) {
		var current atomic.Pointer[session.Token]
		b.onWrite = func(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
			current.Store(&t)
			yield()
			return b.Carrier.Write(w, r, *current.Load(), maxAge)
		}
	}},

	{"seconds are rounded down", []string{"a cookie is kept for the lifetime"},
		keeping(func(maxAge time.Duration) time.Duration { return maxAge.Truncate(time.Second) })},
	{"a browser session is a day", []string{"a browser session's cookie has no lifetime"},
		keeping(func(maxAge time.Duration) time.Duration { return cmp.Or(maxAge, 24*time.Hour) })},
	{"a lifetime is cut short", []string{"a cookie past what browsers keep is refused"},
		keeping(func(maxAge time.Duration) time.Duration { return min(maxAge, session.MaxCookieAge) })},
	{"scripts read it", []string{"a cookie is out of scripts' reach"},
		writing(func(header http.Header, _ session.Token) {
			header.Set("Set-Cookie", strings.ReplaceAll(header.Get("Set-Cookie"), "; HttpOnly", ""))
		})},
	{"values are cut to length", []string{"a malformed cookie is no token"},
		reading(func(values []string) string { return values[0][:min(45, len(values[0]))] })},
	{"what is malformed is an error", []string{"a malformed cookie is no token"}, func(b *brokenCarrier) {
		b.onRead = func(r *http.Request) (session.Token, error) {
			c, err := r.Cookie(session.DefaultCookieName)
			if err != nil {
				return session.Token{}, nil
			}
			return session.ParseToken(c.Value)
		}
	}},
	{"one quote is stripped", []string{"a quoted cookie is no other token"},
		reading(func(values []string) string { return strings.Trim(values[0], `"`) })},
	{"the first of two cookies counts", []string{"two cookies of the name are no token"},
		reading(func(values []string) string { return values[0] })},
	{"the last of two cookies counts", []string{"two cookies of the name are no token"},
		reading(func(values []string) string { return values[len(values)-1] })},
	{"other cookies are dropped", []string{"the host's other cookies are left alone"},
		writing(func(header http.Header, t session.Token) {
			header["Set-Cookie"] = header["Set-Cookie"][len(header["Set-Cookie"])-1:]
		})},
}
