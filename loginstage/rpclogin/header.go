package rpclogin

import "net/http"

// A HeaderWriter is a writer of net/http that takes the header of an answer alone, for the
// steps of a [loginstage.UserLogin] that set a token. nil is none: make one with
// HeaderWriter{}, or of a header that is there. It is not safe for concurrent use.
type HeaderWriter http.Header

// Header returns the header.
func (w HeaderWriter) Header() http.Header { return http.Header(w) }

// WriteHeader does nothing: the status is the framework's.
func (w HeaderWriter) WriteHeader(int) {}

// Write returns [http.ErrBodyNotAllowed].
func (w HeaderWriter) Write([]byte) (int, error) { return 0, http.ErrBodyNotAllowed }
