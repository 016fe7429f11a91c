package loginstage

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// response is the writer that a guard passes on. It has the last word on whether
// the answer may be cached, at the moment at which the header is written.
type response struct {
	http.ResponseWriter
	login    *UserLogin
	personal bool        // the request has a session
	began    bool        // the header is out, or the connection is the handler's
	carried  atomic.Bool // a token was set or cleared; by a handler that has run out of time, perhaps

	session atomic.Pointer[session.ID] // that a token was set for, likewise; nil: none

	vary, cacheControl [1]string // what the header's values are kept in
}

// writer returns w as a writer that is an [http.Flusher], an [http.Hijacker] and
// an [http.Pusher] exactly where the writer inside is.
func (w *response) writer() http.ResponseWriter {
	_, flushes := w.ResponseWriter.(http.Flusher)
	_, hijacks := w.ResponseWriter.(http.Hijacker)
	_, pushes := w.ResponseWriter.(http.Pusher)
	switch {
	case flushes && hijacks && pushes:
		return flushHijackPusher{flushHijacker{flusher{w}}}
	case flushes && hijacks:
		return flushHijacker{flusher{w}}
	case flushes && pushes:
		return flushPusher{flusher{w}}
	case hijacks && pushes:
		return hijackPusher{hijacker{w}}
	case flushes:
		return flusher{w}
	case hijacks:
		return hijacker{w}
	case pushes:
		return pusher{w}
	default:
		return w
	}
}

// Unwrap is for [http.ResponseController].
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guardResponse is how a response is found in a chain of writers.
func (w *response) guardResponse() *response { return w }

// WriteHeader completes the header and writes it.
func (w *response) WriteHeader(status int) {
	if status >= 200 || status < 100 || status == http.StatusSwitchingProtocols {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString is for [io.WriteString].
func (w *response) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom is for [io.Copy], which has a server send files without copying them.
func (w *response) ReadFrom(from io.Reader) (int64, error) {
	w.begin()
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(from)
	}
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, from)
}

// FlushError is for [http.ResponseController]. It finds a Flusher further inside too,
// which would otherwise write the header before it is complete.
func (w *response) FlushError() error {
	began := w.began
	w.begin()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		w.began = began
	}
	return err
}

// CloseNotify is deprecated, and gin's Stream panics without it. The channel of a
// writer that is no CloseNotifier never sends.
func (w *response) CloseNotify() <-chan bool {
	if notifier, ok := w.ResponseWriter.(http.CloseNotifier); ok { //nolint:staticcheck // as above
		return notifier.CloseNotify()
	}
	return make(chan bool)
}

func (w *response) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.began = w.began || err == nil
	return conn, buffered, err
}

func (w *response) push(target string, options *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, options)
	}
	return http.ErrNotSupported
}

type (
	flusher           struct{ *response }
	hijacker          struct{ *response }
	pusher            struct{ *response }
	flushHijacker     struct{ flusher }
	flushPusher       struct{ flusher }
	hijackPusher      struct{ hijacker }
	flushHijackPusher struct{ flushHijacker }
)

func (w flusher) Flush()                                                  { _ = w.FlushError() } // as http.Flusher has it
func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)           { return w.hijack() }
func (w flushHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w pusher) Push(target string, o *http.PushOptions) error            { return w.push(target, o) }
func (w flushPusher) Push(target string, o *http.PushOptions) error       { return w.push(target, o) }
func (w hijackPusher) Push(target string, o *http.PushOptions) error      { return w.push(target, o) }
func (w flushHijackPusher) Push(target string, o *http.PushOptions) error { return w.push(target, o) }

// begin completes the header, once, before it is written.
func (w *response) begin() {
	if !w.began {
		w.began = true
		w.complete()
	}
}

// finish completes the header of an answer that is still unwritten when the handler
// returns or panics: the server, or a handler outside, writes it.
func (w *response) finish() {
	if !w.began {
		w.complete()
	}
}

// complete sets what caches are to know of the answer.
func (w *response) complete() {
	header := w.ResponseWriter.Header()
	if !variesByCookie(header) {
		if len(header["Vary"]) == 0 {
			w.vary[0] = "Cookie"
			header["Vary"] = w.vary[:]
		} else {
			header.Add("Vary", "Cookie")
		}
	}
	if w.carried.Load() || w.login.tokens.in(header) {
		makeUncacheable(header)
	} else if w.personal {
		if _, said := header["Cache-Control"]; !said {
			w.cacheControl[0] = "private, no-cache"
			if w.login.config.NoStore {
				w.cacheControl[0] = "no-store"
			}
			header["Cache-Control"] = w.cacheControl[:]
		}
	}
}

// variesByCookie reports whether the header says that the answer depends on the
// request's cookies.
func variesByCookie(header http.Header) bool {
	lines := header["Vary"]
	if len(lines) == 1 && lines[0] == "Cookie" {
		return true
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return true
			}
		}
	}
	return false
}

// tokenFields are the fields of an answer's header that bring tokens.
type tokenFields struct {
	header string // for clients of an API; "": none
	cookie string // the carrier's; "": not known, so that it may be any
	prefix string // of the stage's own cookies
}

func newTokenFields(config Config) tokenFields {
	fields := tokenFields{header: tokenHeaderOf(config.Carrier), prefix: config.StageCookie.CookieName() + "_"}
	if cookie, ok := cookieOf(config.Carrier); ok {
		fields.cookie = cookie.CookieName()
	}
	return fields
}

// in reports whether the header has a token for a client of an API, or sets a cookie of
// the stage, or one that may be the carrier's.
func (f *tokenFields) in(header http.Header) bool {
	if f.header != "" && len(header[f.header]) > 0 {
		return true
	}
	lines := header["Set-Cookie"]
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		if f.cookie == "" || name == f.cookie || strings.HasPrefix(name, f.prefix) {
			return true
		}
	}
	return false
}

// makeUncacheable forbids all caches to keep the answer. It drops the fields that some
// caches heed before Cache-Control (the targeted fields of RFC 9213, whose names end
// alike, and older ones), and those by which a cache could compare the answer.
func makeUncacheable(header http.Header) {
	for name := range header {
		canonical := http.CanonicalHeaderKey(name) // a handler can write header["ETag"]
		switch canonical {
		case "Cache-Control", "Etag", "Last-Modified", "Expires", "Age", "Pragma",
			"Surrogate-Control", "Edge-Control", "X-Accel-Expires":
			delete(header, name)
		default:
			if strings.HasSuffix(canonical, "-Cache-Control") {
				delete(header, name)
			}
		}
	}
	header.Set("Cache-Control", "no-store")
}
