package gorillacarrier_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

// FuzzRead sends arbitrary Cookie headers: whatever comes is a token that was
// written or none, and never an error.
func FuzzRead(f *testing.F) {
	token, err := session.ParseToken(strings.Repeat("token", 9)) // the same in each of the fuzzer's processes
	require.NoError(f, err)
	var carriers []session.Carrier
	for _, store := range []sessions.Store{
		sessions.NewCookieStore(hashKey),
		sessions.NewFilesystemStore(f.TempDir(), hashKey),
		newDatabase(),
	} {
		c := gorillacarrier.New(store, gorillacarrier.Options{})
		w := httptest.NewRecorder()
		require.NoError(f, c.Write(w, browser{}.request(), token, time.Hour))
		value := w.Result().Cookies()[0].Value
		f.Add(name + "=" + value)
		f.Add(name + "=" + value + "; " + name + "=" + value)
		f.Add(name + "=\"" + value + "\"; theme=dark")
		f.Add(name + "=" + value[1:])
		carriers = append(carriers, c)
	}
	f.Add("")
	f.Add(name + "=" + token.Secret())
	f.Fuzz(func(t *testing.T, header string) {
		for _, c := range carriers {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Cookie", header)
			got, err := c.Read(r)
			require.NoError(t, err)
			if !got.IsZero() {
				require.Equal(t, token, got)
			}
		}
	})
}
