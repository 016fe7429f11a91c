package fiberlogin

import (
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v3"
)

// writer is a writer of net/http that writes to the response of a Fiber context. Its
// header is a copy, which load fetches and store brings back.
type writer struct {
	c      fiber.Ctx
	header http.Header
	loaded http.Header // the header as load found it
	sent   http.Header // of the request
	err    error       // what the middleware is to return
}

func newWriter(c fiber.Ctx) *writer {
	w := &writer{c: c, header: http.Header{}}
	w.load()
	return w
}

// Header returns the copy of the response's header.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sets the status. fasthttp sends no informational answers.
func (w *writer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.c.Response().SetStatusCode(status)
	}
}

// Write adds to the body.
func (w *writer) Write(p []byte) (int, error) {
	w.c.Response().AppendBody(p)
	return len(p), nil
}

// load makes the copy equal to the response's header.
func (w *writer) load() {
	clear(w.header)
	for name, value := range w.c.Response().Header.All() {
		w.header.Add(string(name), string(value))
	}
	w.loaded = w.header.Clone()
}

// store makes the response's header equal to the copy, where that was changed.
func (w *writer) store() {
	header := &w.c.Response().Header
	for name := range w.loaded {
		if _, kept := w.header[name]; !kept {
			header.Del(name)
		}
	}
	for name, values := range w.header {
		if slices.Equal(values, w.loaded[name]) {
			continue
		}
		header.Del(name)
		for _, value := range values {
			header.Add(name, value)
		}
	}
	w.loaded = w.header.Clone()
}

// writerOf returns the writer that w wraps, or nil.
func writerOf(w http.ResponseWriter) *writer {
	for range 64 {
		switch inner := w.(type) {
		case *writer:
			return inner
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return nil
		}
	}
	return nil
}
