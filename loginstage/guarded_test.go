package loginstage_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// signedInTo returns a stage, and the Cookie header of a client that is signed in to it.
func signedInTo(t testing.TB, config loginstage.Config) (*loginstagetest.Stage, string) {
	t.Helper()
	stage := loginstagetest.New(t, config)
	w := httptest.NewRecorder()
	_, err := stage.Begin(w, httptest.NewRequest("POST", "https://app.example.com/", nil), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	c := w.Result().Cookies()[0]
	return stage, c.Name + "=" + c.Value
}

// served serves handler over HTTP/1.1 and over HTTP/2, both with TLS.
func served(t *testing.T, handler http.Handler, test func(t *testing.T, server *httptest.Server)) {
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			server := httptest.NewUnstartedServer(handler)
			server.EnableHTTP2 = version == 2
			server.StartTLS()
			defer server.Close()
			test(t, server)
		})
	}
}

func TestMiddlewareOutsideSeesWhatTheHandlersDid(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	for _, guard := range []struct {
		name string
		wrap func(http.Handler) http.Handler
	}{
		{"no guard", func(next http.Handler) http.Handler { return next }},
		{"Guard", stage.Guard},
		{"Require", stage.Require},
		{"AllowRestricted", stage.AllowRestricted},
		{"Guard and Require", func(next http.Handler) http.Handler { return stage.Guard(stage.Require(next)) }},
	} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, panics %t", guard.name, panics), func(t *testing.T) {
				mux := http.NewServeMux()
				mux.HandleFunc("POST /users/{user}/files/{path...}", func(_ http.ResponseWriter, r *http.Request) {
					assert.NoError(t, r.ParseMultipartForm(1<<20))
					r.Method, r.RemoteAddr, r.Host = "PUT", "192.0.2.9:1", "shop.example"
					r.URL = &url.URL{Path: "/rewritten"}
					if panics {
						panic(http.ErrAbortHandler)
					}
				})
				body, contentType := form(t, 10)
				r := httptest.NewRequest("POST", "/users/ada/files/a/b?q=1", body)
				r.Header.Set("Content-Type", contentType)
				r.Header.Set("Cookie", cookies)
				ctx := r.Context()
				func() {
					defer func() { assert.Equal(t, panics, recover() == http.ErrAbortHandler) }() //nolint:errorlint // a panic's value
					guard.wrap(mux).ServeHTTP(httptest.NewRecorder(), r)
				}()
				assert.Equal(t, "POST /users/{user}/files/{path...}", r.Pattern)
				assert.Equal(t, "ada", r.PathValue("user"))
				assert.Equal(t, "a/b", r.PathValue("path"))
				assert.Equal(t, "1", r.Form.Get("q"))
				assert.Equal(t, "v", r.PostForm.Get("field"))
				require.NotNil(t, r.MultipartForm)
				assert.Len(t, r.MultipartForm.File["file"], 1)
				assert.Equal(t, ctx, r.Context())
				assert.Equal(t, "PUT 192.0.2.9:1 shop.example /rewritten", r.Method+" "+r.RemoteAddr+" "+r.Host+" "+r.URL.Path)
			})
		}
	}
}

// What a handler wants to pass outwards by *r = *r.WithContext(…) comes out.
func TestAContextThatAHandlerPassesOutComesOut(t *testing.T) {
	type noteKey struct{}
	stage, cookies := signedInTo(t, loginstage.Config{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookies)
	stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		*r = *r.WithContext(context.WithValue(r.Context(), noteKey{}, "a note"))
	})).ServeHTTP(httptest.NewRecorder(), r)
	assert.Equal(t, "a note", r.Context().Value(noteKey{}))
}

// form returns a multipart form with a file of the size, in bytes.
func form(t *testing.T, size int) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	require.NoError(t, w.WriteField("field", "v"))
	file, err := w.CreateFormFile("file", "a.bin")
	require.NoError(t, err)
	_, err = file.Write(bytes.Repeat([]byte("x"), size))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return body, w.FormDataContentType()
}

func TestUploadsLeaveNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	stage, cookies := signedInTo(t, loginstage.Config{})
	files := func() []string {
		all, err := filepath.Glob(filepath.Join(dir, "multipart-*"))
		require.NoError(t, err)
		return all
	}
	for _, panics := range []bool{false, true} {
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, ok := loginstage.Current(r.Context())
			assert.True(t, ok)
			assert.NoError(t, r.ParseMultipartForm(1<<10))
			assert.NotEmpty(t, files(), "or the test shows nothing")
			if panics {
				panic(http.ErrAbortHandler)
			}
		})
		served(t, stage.Require(stage.Guard(handler)), func(t *testing.T, server *httptest.Server) {
			body, contentType := form(t, 1<<20)
			r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, body)
			require.NoError(t, err)
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Cookie", cookies)
			response, err := server.Client().Do(r)
			if !panics {
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
			}
			if panics { // net/http does not clean up after a panic
				for _, file := range files() {
					require.NoError(t, os.Remove(file))
				}
				return
			}
			assert.Eventually(t, func() bool { return len(files()) == 0 }, time.Minute, time.Millisecond)
		})
	}
}

func TestTrailersAreSeen(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	for _, announced := range []bool{true, false} {
		var seen http.Header
		handler := stage.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			assert.NoError(t, err)
			seen = r.Trailer
		}))
		server := httptest.NewServer(handler)
		defer server.Close()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		announcement := ""
		if announced {
			announcement = "Trailer: Checksum\r\n"
		}
		_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nCookie: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n3\r\nabc\r\n0\r\nChecksum: 42\r\n\r\n", cookies, announcement)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "42", seen.Get("Checksum"), "announced: %t", announced)
	}
}

func TestResponseControllersReachTheServer(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		assert.NoError(t, control.SetReadDeadline(time.Now().Add(time.Minute)))
		assert.NoError(t, control.SetWriteDeadline(time.Now().Add(time.Minute)))
		assert.NoError(t, control.EnableFullDuplex())
		assert.NotNil(t, w.(http.CloseNotifier).CloseNotify()) //nolint:staticcheck // gin's Stream asks for it
		w.WriteHeader(http.StatusAccepted)
		assert.NoError(t, control.Flush())
		_, err := io.WriteString(w, "flushed ")
		assert.NoError(t, err)
		_, err = io.Copy(w, strings.NewReader("copied"))
		assert.NoError(t, err)
	}))
	served(t, handler, func(t *testing.T, server *httptest.Server) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
		require.NoError(t, err)
		r.Header.Set("Cookie", cookies)
		response, err := server.Client().Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusAccepted, response.StatusCode)
		assert.Equal(t, "flushed copied", string(body))
		assert.Equal(t, "Cookie", response.Header.Get("Vary"))
		assert.Equal(t, "private, no-cache", response.Header.Get("Cache-Control"))
	})
}

func TestAHandlerCanHijack(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	for _, how := range []string{"Hijacker", "ResponseController"} {
		handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hijack := http.NewResponseController(w).Hijack
			if how == "Hijacker" {
				hijack = w.(http.Hijacker).Hijack
			}
			conn, _, err := hijack()
			if !assert.NoError(t, err) {
				return
			}
			defer conn.Close()
			if how == "Hijacker" {
				_, err = stage.Begin(w, r, loginstage.User{ID: "ada"})
				assert.ErrorIs(t, err, loginstage.ErrResponseBegun)
			}
			_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			assert.NoError(t, err)
		}))
		server := httptest.NewServer(handler)
		defer server.Close()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n", cookies)
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n\r\n", string(answer), how)
	}
}

// A panic reaches the server as it is.
func TestPanicsPass(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	for _, value := range []any{http.ErrAbortHandler, errors.New("a bug")} {
		for _, header := range []string{cookies, ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", header)
			assert.PanicsWithValue(t, value, func() {
				stage.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })).ServeHTTP(httptest.NewRecorder(), r)
			})
		}
	}
}

// copyContext finds the values of a context as Fiber's adaptor does, by the names of
// the fields of the standard library's types.
func copyContext(ctx any, into map[any]any) {
	v := reflect.ValueOf(ctx)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || !v.CanAddr() {
		return
	}
	var key any
	for i := range v.NumField() {
		field := v.Field(i)
		if !field.CanInterface() {
			field = reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
		}
		switch v.Type().Field(i).Name {
		case "Context":
			copyContext(field.Interface(), into)
		case "key":
			key = field.Interface()
		case "val":
			into[key] = field.Interface()
		}
	}
}

type copied map[any]any

func (copied) Deadline() (time.Time, bool) { return time.Time{}, false }
func (copied) Done() <-chan struct{}       { return nil }
func (copied) Err() error                  { return nil }
func (c copied) Value(key any) any         { return c[key] }

func TestAdaptorsThatCopyContextsKeepTheSession(t *testing.T) {
	type outerKey struct{}
	stage, cookies := signedInTo(t, loginstage.Config{})
	values := copied{}
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), outerKey{}, "outer"))
	r.Header.Set("Cookie", cookies)
	stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		copyContext(r.Context(), values)
	})).ServeHTTP(httptest.NewRecorder(), r)
	s, ok := loginstage.Current(values)
	assert.True(t, ok)
	assert.Equal(t, "ada", s.User)
	assert.Equal(t, "outer", values.Value(outerKey{}))
}

// A handler's test may not care who is signed in.
func TestNewContextOfAnEmptySession(t *testing.T) {
	for name, want := range map[string]session.Session{"zero": {}, "of a tenant": {Tenant: "acme"}} {
		t.Run(name, func(t *testing.T) {
			ctx := loginstage.NewContext(t.Context(), want)
			s, ok := loginstage.Current(ctx)
			assert.True(t, ok)
			assert.Equal(t, want, s)
			_, ok = loginstage.Restricted(ctx)
			assert.False(t, ok)
		})
	}
	restricted := session.Session{Required: []string{"enrol-mfa"}}
	s, ok := loginstage.Restricted(loginstage.NewContext(t.Context(), restricted))
	assert.True(t, ok)
	assert.Equal(t, restricted, s)
}

func TestNewContext(t *testing.T) {
	ctx := loginstage.NewContext(t.Context(), session.Session{User: "ada"})
	s, ok := loginstage.Current(ctx)
	assert.True(t, ok)
	assert.Equal(t, "ada", s.User)
	s, ok = loginstage.Current(loginstage.NewContext(t.Context(), session.Session{}))
	assert.True(t, ok, "the zero Session is one, too")
	assert.Zero(t, s)
	restricted := session.Session{User: "ada", Required: []string{"terms"}}
	s, ok = loginstage.Restricted(loginstage.NewContext(t.Context(), restricted))
	assert.True(t, ok)
	assert.Equal(t, restricted, s)

	stage := loginstagetest.New(t, loginstage.Config{})
	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code, "no guard takes it for its own")
}

// The connection of a TLS client is seen as it is.
func TestTheRestOfTheRequestIsTheClients(t *testing.T) {
	stage, cookies := signedInTo(t, loginstage.Config{})
	r := httptest.NewRequest("PUT", "https://app.example.com/a%2Fb?c=d", strings.NewReader("body"))
	r.Header.Set("Cookie", cookies)
	r.TLS = &tls.ConnectionState{ServerName: "app.example.com"}
	stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, guarded *http.Request) {
		want := r.WithContext(guarded.Context())
		assert.Equal(t, want, guarded)
	})).ServeHTTP(httptest.NewRecorder(), r)
}
