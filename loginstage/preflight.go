package loginstage

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// isPreflight reports whether r is a well-formed CORS preflight (Fetch standard,
// section 3.3.5): OPTIONS with one origin and one method to be asked for.
func isPreflight(r *http.Request) bool {
	origins, methods := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	return r.Method == http.MethodOptions && len(origins) == 1 && isOrigin(origins[0]) && len(methods) == 1 && isMethod(methods[0])
}

// isOrigin reports whether s is an origin as browsers write it: "null", or a
// scheme and a host.
func isOrigin(s string) bool {
	if s == "null" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && u.Scheme+"://"+u.Host == s
}

func isMethod(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c) })
}

// servePreflight passes r on without what says who sent it, and sends of the
// answer its status and header.
func (l *UserLogin) servePreflight(w http.ResponseWriter, r *http.Request, next http.Handler) {
	stripped := r.Clone((&guarded{login: l, finding: nobody(session.ErrNotFound)}).within(r.Context()))
	for _, name := range []string{"Cookie", "Authorization", "Proxy-Authorization", "Content-Type", "Content-Length"} {
		stripped.Header.Del(name)
	}
	stripped.Body, stripped.ContentLength, stripped.TransferEncoding, stripped.Trailer = http.NoBody, 0, nil, nil
	stripped.Form, stripped.PostForm, stripped.MultipartForm = nil, nil, nil
	response := &response{ResponseWriter: w, login: l}
	defer response.finish()
	next.ServeHTTP(&bodiless{w: response}, stripped)
	if r.Pattern == "" {
		r.Pattern = stripped.Pattern
	}
}

// bodiless is a writer that drops the body of an answer. It has no Unwrap, so that
// nobody writes one past it.
type bodiless struct {
	w     http.ResponseWriter
	began bool
}

// Written reports whether the header is out, for Begin and the others that need it.
func (w *bodiless) Written() bool { return w.began }

func (w *bodiless) Header() http.Header { return w.w.Header() }

func (w *bodiless) WriteHeader(status int) {
	if !w.began {
		w.began = status >= 200
		for _, name := range []string{"Content-Length", "Content-Encoding", "Transfer-Encoding", "Trailer"} {
			w.w.Header().Del(name)
		}
	}
	w.w.WriteHeader(status)
}

func (w *bodiless) Write(p []byte) (int, error) {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
	return len(p), nil
}
