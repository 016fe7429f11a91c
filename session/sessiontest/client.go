package sessiontest

import (
	"net/http"
	"slices"
	"time"
)

// A Client is who a carrier gives the token to. It is used by one goroutine at
// a time.
type Client interface {
	// Send adds to the request what the client holds.
	Send(r *http.Request)

	// Receive takes what the response gives to the client, or takes from it.
	Receive(response *http.Response)
}

// NewBrowser returns a Client that holds cookies. It sends all of them, on every
// request, the way it got them.
func NewBrowser() Client { return new(browser) }

type browser struct{ cookies []*http.Cookie }

func (b *browser) Send(r *http.Request) {
	for _, c := range b.cookies {
		addCookie(r, c.Name, c.Value)
	}
}

func (b *browser) Receive(response *http.Response) {
	for _, set := range response.Cookies() {
		// Another path or domain is another cookie (RFC 6265, section 5.3).
		b.cookies = slices.DeleteFunc(b.cookies, func(c *http.Cookie) bool {
			return c.Name == set.Name && c.Path == set.Path && c.Domain == set.Domain
		})
		expired := set.MaxAge == 0 && !set.Expires.IsZero() && set.Expires.Before(time.Now())
		if set.MaxAge >= 0 && !expired {
			b.cookies = append(b.cookies, set)
		}
	}
}

// addCookie adds the cookie as it is. net/http would leave out what it finds
// malformed.
func addCookie(r *http.Request, name, value string) {
	pair := name + "=" + value
	if before := r.Header.Get("Cookie"); before != "" {
		pair = before + "; " + pair
	}
	r.Header.Set("Cookie", pair)
}
