package gorillacarrier_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

func TestValidateReportsEveryMistake(t *testing.T) {
	with := func(change func(*sessions.Options)) sessions.Store {
		store := sessions.NewCookieStore(hashKey)
		change(store.Options)
		return store
	}
	good, elsewhere := sessions.NewCookieStore(hashKey), newDatabase()
	elsewhere.options.Path = "/app"
	for what, test := range map[string]struct {
		store   sessions.Store
		options gorillacarrier.Options
		want    []string // nil: nothing is wrong
	}{
		"gorilla's defaults":    {store: good},
		"without TLS":           {store: good, options: gorillacarrier.Options{InsecureHTTP: true}},
		"embedded elsewhere":    {store: good, options: gorillacarrier.Options{SameSite: http.SameSiteNoneMode}},
		"a name and a domain":   {store: with(func(o *sessions.Options) { o.Domain = "example.com" }), options: gorillacarrier.Options{Name: "app"}},
		"no path":               {store: with(func(o *sessions.Options) { o.Path = "" })},
		"no store":              {want: []string{"store is nil"}},
		"a nil CookieStore":     {store: (*sessions.CookieStore)(nil), want: []string{"store is nil"}},
		"a nil FilesystemStore": {store: (*sessions.FilesystemStore)(nil), want: []string{"store is nil"}},
		"a nil third party's":   {store: (*database)(nil), want: []string{"store is nil"}},
		"a name and a path": {store: with(func(o *sessions.Options) { o.Path = "a" }), options: gorillacarrier.Options{Name: "a b"}, want: []string{
			`gorillacarrier: the store's options: session: cookie Name`, "\ngorillacarrier: the store's options: session: cookie Path"}},
		"no keys":                     {store: sessions.NewCookieStore(), want: []string{"no codecs"}},
		"an empty key":                {store: sessions.NewFilesystemStore(t.TempDir(), []byte{}), want: []string{"codec 0", "hash key is not set"}},
		"a block key of no AES size":  {store: sessions.NewCookieStore(hashKey, nil, hashKey, []byte("short")), want: []string{"codec 1"}},
		"no options":                  {store: &sessions.CookieStore{Codecs: good.Codecs}, want: []string{"has no Options"}},
		"a name that is no name":      {store: good, options: gorillacarrier.Options{Name: "a b"}, want: []string{`Name "a b": want`}},
		"a domain with __Host-":       {store: with(func(o *sessions.Options) { o.Domain = "example.com" }), want: []string{"Domain"}},
		"a path with __Host-":         {store: with(func(o *sessions.Options) { o.Path = "/app" }), want: []string{"Path"}},
		"a prefix without TLS":        {store: good, options: gorillacarrier.Options{Name: "__Secure-app", InsecureHTTP: true}, want: []string{"InsecureHTTP"}},
		"SameSite=None without TLS":   {store: good, options: gorillacarrier.Options{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}, want: []string{"SameSite None"}},
		"ages below zero, and a path": {store: with(func(o *sessions.Options) { o.Path = "/app" }), options: gorillacarrier.Options{BrowserSession: -1, CodecMaxAge: -1}, want: []string{"BrowserSession", "CodecMaxAge", "Path"}},
		"a third party's path":        {store: elsewhere, want: []string{"Path"}},
	} {
		t.Run(what, func(t *testing.T) {
			carrier := gorillacarrier.New(test.store, test.options)
			err := carrier.Validate()
			assert.NotPanics(t, func() { _ = carrier.ValidateLifetime(session.MaxCookieAge) })
			if test.want == nil {
				require.NoError(t, err)
			}
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestCookieFollowsTheStoresOptionsWithinWhatIsImposed(t *testing.T) {
	store := sessions.NewFilesystemStore(t.TempDir(), hashKey)
	store.Options = &sessions.Options{Domain: "example.com", SameSite: http.SameSiteStrictMode, Partitioned: true}
	b := browser{}
	b.write(t, gorillacarrier.New(store, gorillacarrier.Options{Name: "app"}), session.NewToken("ada"), time.Hour)
	cookie := b["app"]
	assert.Equal(t, "example.com", cookie.Domain)
	assert.Equal(t, "/", cookie.Path, "and not the directory of the sign-in page")
	assert.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	assert.True(t, cookie.Partitioned && cookie.Secure && cookie.HttpOnly)

	insecure := gorillacarrier.New(store, gorillacarrier.Options{InsecureHTTP: true, SameSite: http.SameSiteLaxMode})
	b.write(t, insecure, session.NewToken("ada"), time.Hour)
	require.Contains(t, b, "mooring")
	assert.False(t, b["mooring"].Secure)
	assert.Equal(t, http.SameSiteLaxMode, b["mooring"].SameSite)
	assert.False(t, store.Options.HttpOnly, "the store's own options, and so its other sessions, are left alone")
}
