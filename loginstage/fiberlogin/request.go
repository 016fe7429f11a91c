package fiberlogin

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// request returns the request of c as net/http has it. Nothing in it points into
// fasthttp's buffers but the body, which is read from there.
func request(c fiber.Ctx) (*http.Request, error) {
	ctx := c.RequestCtx()
	target := string(ctx.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("%w: the target of the request, %.80q, is no path", fiber.ErrBadRequest, target)
	}
	r := &http.Request{
		Method: string(ctx.Method()), URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Host: string(ctx.Host()), RemoteAddr: ctx.RemoteAddr().String(), TLS: ctx.TLSConnectionState(),
		Body: &body{c: c}, ContentLength: int64(ctx.Request.Header.ContentLength()),
		Pattern: strings.Clone(c.FullPath()),
	}
	if r.ContentLength < 0 {
		r.ContentLength = -1 // chunked, or fasthttp's -2: until the connection closes
	}
	for key, value := range ctx.Request.Header.All() {
		if name := string(key); !strings.EqualFold(name, fiber.HeaderHost) { // net/http has it in Host alone
			r.Header.Add(name, string(value))
		}
	}
	for _, name := range c.Route().Params {
		r.SetPathValue(name, strings.Clone(c.Params(name)))
	}
	return r.WithContext(c.Context()), nil
}

// body is the body of a Fiber request, which is looked for once somebody reads it.
type body struct {
	c    fiber.Ctx
	from io.Reader // nil: nobody has read yet
}

func (b *body) Read(p []byte) (int, error) {
	if b.from == nil {
		if b.c.RequestCtx() == nil {
			return 0, ErrOver
		}
		if stream := b.c.Request().BodyStream(); stream != nil {
			b.from = stream
		} else {
			b.from = bytes.NewReader(b.c.Request().Body())
		}
	}
	return b.from.Read(p)
}

// Close does nothing: the body is Fiber's.
func (b *body) Close() error { return nil }
