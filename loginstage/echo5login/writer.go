package echo5login

import (
	"bufio"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
)

// outerWriter is what the guard writes to: echo's response, which knows the context of
// its request, and keeps the error that the middleware is to return.
type outerWriter struct {
	http.ResponseWriter
	c   *echo.Context
	err error
}

// Unwrap is for [http.ResponseController].
func (w *outerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what was written so far.
func (w *outerWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as http.Flusher has it
}

// Hijack takes the connection over, or returns [http.ErrNotSupported].
func (w *outerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
