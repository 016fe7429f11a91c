package site

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
)

// Demo only: a theft of the visitor's own cookies. What the thief's browser asks for
// comes from this program, and is served as any other request.

// thiefsBrowser is what the thief's browser calls itself.
const thiefsBrowser = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"

// theftPage is what theft.html shows.
type theftPage struct {
	page
	From    string   // where the thief is
	Cookies []string // the names of what was copied
	Got     notice   // what the thief sees
	Goes    bool     // the visitor's session goes on
}

// steal copies the visitor's cookies into a thief's browser, and shows what that gets.
func (a *app) steal(site http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddr(r.PostFormValue("address"))
		if err != nil {
			http.Error(w, "That is not an IP address.", http.StatusUnprocessableEntity)
			return
		}
		from = binding.Normalize(from)
		cookies := make(map[string]string)
		for _, cookie := range r.Cookies() {
			if r.PostFormValue("when") != "before" || !strings.HasSuffix(cookie.Name, "_bound") {
				cookies[cookie.Name] = cookie.Value
			}
		}
		delete(cookies, a.demo.cookie.Name)
		p := theftPage{page: a.newPage(r, "What the thief gets"), From: a.placeOf(r, from), Cookies: slices.Sorted(maps.Keys(cookies))}
		cookies[a.demo.cookie.Name] = from.String()
		path, got, err := browse(site, r, cookies)
		if err != nil {
			a.unavailable(w, r, err)
			return
		}
		p.Got = stolenInWords(path, got.status)
		current, _ := loginstage.Current(r.Context())
		live, err := a.login.Sessions(r.Context(), current.User)
		if err != nil {
			a.unavailable(w, r, err)
			return
		}
		for _, s := range live {
			p.Goes = p.Goes || s.ID == current.ID
		}
		a.render(w, http.StatusOK, "theft.html", p)
	}
}

// placeOf returns where an address is.
func (a *app) placeOf(r *http.Request, ip netip.Addr) string {
	there, err := a.locator.Locate(r.Context(), ip)
	if err != nil {
		return ip.String()
	}
	return whereabouts(there, ip)
}

// browse has a browser that holds the cookies, and no key, open the page that needs a
// session, as another client of the server that r was sent to. It returns where it
// ends up.
func browse(site http.Handler, r *http.Request, cookies map[string]string) (path string, got *answer, err error) {
	// Not r's context: that says who is signed in.
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	path = "/"
	for range 5 {
		thief, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil {
			return "", nil, err
		}
		thief.Host, thief.TLS, thief.RemoteAddr, thief.RequestURI = r.Host, r.TLS, r.RemoteAddr, path
		thief.Header.Set("Accept", "text/html")
		thief.Header.Set("User-Agent", thiefsBrowser)
		for name, value := range cookies {
			thief.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		got = &answer{header: make(http.Header), status: http.StatusOK}
		site.ServeHTTP(got, thief)
		for _, set := range (&http.Response{Header: got.header}).Cookies() {
			cookies[set.Name] = set.Value
			if set.MaxAge < 0 {
				delete(cookies, set.Name)
			}
		}
		location := got.header.Get("Location")
		if location == "" {
			return thief.URL.Path, got, nil
		}
		path = location
	}
	return "", nil, errors.New("the thief's browser was sent round in circles")
}

// stolenInWords returns what the thief sees.
func stolenInWords(path string, status int) notice {
	switch {
	case status == http.StatusOK && path == "/":
		return notice{"Your page, as you see it. The thief is signed in as you.", true}
	case path == "/login":
		return notice{Text: "The page to sign in on."}
	case status == http.StatusUnauthorized:
		return notice{Text: "Nothing: the thief's browser is asked to prove your device key, and does not have it."}
	default:
		return notice{Text: fmt.Sprintf("An error: %s.", http.StatusText(status))}
	}
}

// An answer keeps what a handler answers, but for the body.
type answer struct {
	header http.Header
	status int
	wrote  bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, true
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.wrote = true
	return len(b), nil
}
