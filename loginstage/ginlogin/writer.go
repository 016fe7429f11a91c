package ginlogin

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// outerWriter is what the guard writes to: gin's writer, which knows the context of
// its request.
type outerWriter struct {
	gin.ResponseWriter
	c *gin.Context
}

// Unwrap is for [http.ResponseController].
func (w *outerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack takes the connection over, or returns [http.ErrNotSupported] where the
// server's writer cannot, as over HTTP/2: gin's writer would panic.
func (w *outerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if _, ok := innermost(w.ResponseWriter).(http.Hijacker); !ok {
		return nil, nil, http.ErrNotSupported
	}
	return w.ResponseWriter.Hijack()
}

// innermost returns the writer inside all that w unwraps to.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for range maxWriters {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	return w
}

// maxWriters is how many writers around each other are looked at.
const maxWriters = 64

// guardedWriter is what the handlers behind a guard write to. gin writes a header with
// the body, or at the end; guardedWriter gives the guard its say at that moment.
type guardedWriter struct {
	gin.ResponseWriter                     // outside the guard: what gin knows of the response
	guard              http.ResponseWriter // the guard's, which writes to an outerWriter
}

// Unwrap is for [http.ResponseController].
func (w *guardedWriter) Unwrap() http.ResponseWriter { return w.guard }

// WriteHeaderNow writes the header, once.
func (w *guardedWriter) WriteHeaderNow() {
	if !w.Written() {
		w.guard.WriteHeader(w.Status())
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *guardedWriter) Write(p []byte) (int, error) {
	w.WriteHeaderNow()
	return w.guard.Write(p)
}

// WriteString is for [io.WriteString].
func (w *guardedWriter) WriteString(s string) (int, error) {
	w.WriteHeaderNow()
	return io.WriteString(w.guard, s)
}

// Flush sends what was written so far.
func (w *guardedWriter) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.guard).Flush() // as http.Flusher has it
}

// Hijack takes the connection over, or returns [http.ErrNotSupported].
func (w *guardedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.guard).Hijack()
}
