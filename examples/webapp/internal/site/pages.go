package site

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

//go:embed templates static
var files embed.FS

// templates are the pages, each with the layout around it.
var templates = func() map[string]*template.Template {
	pages := map[string]*template.Template{}
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"datetime": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }, // times.js has the reader's zone
		"plain":    plain,
	}).ParseFS(files, "templates/layout.html"))
	for _, name := range []string{"login.html", "stay.html", "confirm.html", "password.html", "sessions.html", "devices.html", "accounts.html", "notme.html", "theft.html", "unavailable.html"} {
		pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name))
	}
	return pages
}()

// plain returns a duration in the words of the one unit that suits it best.
func plain(d duration.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{7 * day, "week"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d.Std() / unit.length; n > 0 && d.Std()%unit.length == 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return strconv.Itoa(int(n)) + " " + unit.name + "s"
		}
	}
	return d.Std().String()
}

// page is what every page shows.
type page struct {
	Title string
	Path  string
	Name  string    // who is signed in; empty: nobody
	Demo  *demoForm // nil: not in demo mode

	KeyScript  string // binds the session to a device key; empty: sessions have none
	WarnBefore int    // how many seconds before its end the page says that the session ends; 0: there is none
}

func (a *app) newPage(r *http.Request, title string) page {
	p := page{Title: title, Path: r.URL.Path, KeyScript: a.keyScript}
	if current, ok := loginstage.Current(r.Context()); ok {
		p.Name, p.WarnBefore = current.Name, int(a.warnBefore.Seconds())
	}
	if a.demo != nil {
		p.Demo = a.demo.form(r)
	}
	return p
}

// done returns what the redirect to this page says has been done. It comes from the
// address, so it picks a sentence and never is one.
func done(r *http.Request) string {
	switch r.FormValue("done") {
	case "ended":
		return "The session was ended."
	case "gone":
		return "That session had ended already."
	case "others":
		if r.FormValue("n") == "0" {
			return "There was no other session."
		}
		return "All other sessions were ended."
	case "forgotten":
		return "The device is no longer remembered."
	case "all-forgotten":
		return "No device is remembered any more."
	case "password":
		return "Your password was changed, and all other sessions were ended."
	case "signed-out":
		return "The account was signed out."
	case "no-account":
		return "This browser is not signed in to that account any more."
	default:
		return ""
	}
}

// render writes a page, or nothing of it if it cannot be made.
func (a *app) render(w http.ResponseWriter, status int, name string, data any) {
	var html bytes.Buffer
	if err := templates[name].ExecuteTemplate(&html, "layout.html", data); err != nil {
		a.logger.Error("rendering", "page", name, "error", err)
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = html.WriteTo(w) // the browser may be gone
}

// unavailable says that nobody knows, and tells the log why.
func (a *app) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	a.logger.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
	a.renderUnavailable(w, r)
}

func (a *app) renderUnavailable(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	a.render(w, http.StatusServiceUnavailable, "unavailable.html", a.newPage(r, "Try again in a moment"))
}

// denied answers a request that the guard denies: people get a page where nobody
// knows whether they are signed in, and all else is answered as usual.
func (a *app) denied(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
	if denied.Denial == loginstage.DenialUnavailable && strings.Contains(r.Header.Get("Accept"), "text/html") {
		a.renderUnavailable(w, r) // the guard has told the log why
		return
	}
	denied.Respond(w, r)
}

// staticFiles serves the style sheet, the script and the icon.
func staticFiles() http.Handler {
	files := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r) // and not a list of what is there
			return
		}
		w.Header().Set("Cache-Control", "no-cache") // may be kept, and is asked for each time
		files.ServeHTTP(w, r)
	})
}

// secured sets the headers that keep browsers from helping an attacker.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store") // pages say who is signed in
		next.ServeHTTP(w, r)
	})
}
