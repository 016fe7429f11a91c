package gorillacarrier_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

const day = 24 * time.Hour

func TestTokenIsReadForAsLongAsItWasWrittenFor(t *testing.T) {
	for what, open := range map[string]func(t *testing.T) (sessions.Store, *sessions.Options){
		"CookieStore": func(*testing.T) (sessions.Store, *sessions.Options) {
			store := sessions.NewCookieStore(hashKey, nil, blockKey, nil)
			return store, store.Options
		},
		"FilesystemStore": func(t *testing.T) (sessions.Store, *sessions.Options) {
			store := sessions.NewFilesystemStore(t.TempDir(), hashKey)
			return store, store.Options
		},
	} {
		t.Run(what, func(t *testing.T) {
			store, options := open(t)
			synctest.Test(t, func(t *testing.T) {
				c := gorillacarrier.New(store, gorillacarrier.Options{})
				before := *options
				require.NoError(t, c.ValidateLifetime(60*day))
				assert.Equal(t, before, *options, "the store's options are left alone")
				b, token := browser{}, session.NewToken("ada")
				time.Sleep(900 * time.Millisecond) // cookies know whole seconds only
				b.write(t, c, token, 60*day)
				time.Sleep(59 * day)
				assert.Equal(t, token, b.read(t, c), "on day 59")
				time.Sleep(day - time.Nanosecond)
				assert.Equal(t, token, b.read(t, c), "to the last instant")
				time.Sleep(day)
				assert.True(t, b.read(t, c).IsZero(), "on day 61")
			})
		})
	}
}

// TestCodecsAreRaisedAndNeverLowered looks at how long a value of the
// application's, which has no age of its own, can be read.
func TestCodecsAreRaisedAndNeverLowered(t *testing.T) {
	for what, test := range map[string]struct {
		codec   time.Duration // that the application set; 0: without limit
		options gorillacarrier.Options
		longest time.Duration
		want    time.Duration // how long it is read then; 0: without limit
	}{
		"shorter than the lifetime":            {codec: day, longest: 60 * day, want: 60 * day},
		"shorter than a browser session":       {codec: day, longest: time.Hour, want: 30 * day},
		"and that is set":                      {codec: day, longest: time.Hour, options: gorillacarrier.Options{BrowserSession: 2 * day}, want: 2 * day},
		"longer than the lifetime":             {codec: 90 * day, longest: 60 * day, want: 90 * day},
		"without limit":                        {codec: 0, longest: 60 * day, want: 0},
		"stated, so not to be interfered with": {codec: 90 * day, longest: 60 * day, options: gorillacarrier.Options{CodecMaxAge: 80 * day}, want: 90 * day},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := sessions.NewCookieStore(hashKey)
				store.MaxAge(int(test.codec / time.Second))
				require.NoError(t, gorillacarrier.New(store, test.options).ValidateLifetime(test.longest))

				codec := store.Codecs[0]
				value, err := codec.Encode("other", "tea")
				require.NoError(t, err)
				var got string
				if test.want == 0 {
					time.Sleep(1000 * day)
					require.NoError(t, codec.Decode("other", value, &got))
					return
				}
				time.Sleep(test.want)
				require.NoError(t, codec.Decode("other", value, &got))
				time.Sleep(time.Second)
				require.Error(t, codec.Decode("other", value, &got))
			})
		})
	}
}

func TestLifetimesThatCannotBeKept(t *testing.T) {
	own, other := sessions.NewCookieStore(hashKey), newDatabase()
	unlike := sessions.NewCookieStore()
	unlike.Codecs = append(unlike.Codecs, plain{})
	for what, test := range map[string]struct {
		store   sessions.Store
		options gorillacarrier.Options
		longest time.Duration
		refused bool
	}{
		"browsers' limit":                {store: own, longest: session.MaxCookieAge},
		"past browsers' limit":           {store: own, longest: session.MaxCookieAge + 1, refused: true},
		"past it, stated":                {store: other, longest: session.MaxCookieAge + 1, options: gorillacarrier.Options{CodecMaxAge: 999 * day}, refused: true},
		"third party, 30 days":           {store: other, longest: 30 * day},
		"third party, more":              {store: other, longest: 30*day + 1, refused: true},
		"third party, browser session":   {store: other, options: gorillacarrier.Options{BrowserSession: 31 * day}, refused: true},
		"third party, stated":            {store: other, longest: 60 * day, options: gorillacarrier.Options{CodecMaxAge: 60 * day}},
		"third party, stated less":       {store: other, longest: 7*day + 1, options: gorillacarrier.Options{CodecMaxAge: 7 * day}, refused: true},
		"third party, stated low enough": {store: other, longest: 12 * time.Hour, options: gorillacarrier.Options{CodecMaxAge: 7 * day}},
		"own store, stated less":         {store: own, longest: 8 * day, options: gorillacarrier.Options{CodecMaxAge: 7 * day}, refused: true},
		"codec of its own, 30 days":      {store: unlike, longest: 30 * day},
		"codec of its own, more":         {store: unlike, longest: 31 * day, refused: true},
	} {
		t.Run(what, func(t *testing.T) {
			err := gorillacarrier.New(test.store, test.options).ValidateLifetime(test.longest)
			if test.refused {
				require.ErrorIs(t, err, session.ErrLifetime)
			} else {
				require.NoError(t, err)
			}
		})
	}
	require.ErrorIs(t, gorillacarrier.New(own, gorillacarrier.Options{}).
		Write(nil, nil, session.NewToken("ada"), session.MaxCookieAge+1), session.ErrLifetime)
}

// plain is a codec that is not gorilla's.
type plain struct{}

func (plain) Encode(string, any) (string, error) { return "", nil }
func (plain) Decode(string, string, any) error   { return nil }

// Codecs that requests read are not raised: settings that ask for more are refused, and
// what the carrier was asked for before it still keeps.
func TestCodecsInUseAreNotRaised(t *testing.T) {
	carrier := gorillacarrier.New(sessions.NewCookieStore(hashKey), gorillacarrier.Options{})
	require.NoError(t, carrier.ValidateLifetime(60*24*time.Hour))
	_, err := carrier.Read(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	require.NoError(t, carrier.ValidateLifetime(60*24*time.Hour))
	err = carrier.ValidateLifetime(61 * 24 * time.Hour)
	require.ErrorIs(t, err, session.ErrLifetime)
	assert.ErrorContains(t, err, "CodecMaxAge")

	stated := gorillacarrier.New(sessions.NewCookieStore(hashKey), gorillacarrier.Options{CodecMaxAge: session.MaxCookieAge})
	_, err = stated.Read(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	assert.NoError(t, stated.ValidateLifetime(session.MaxCookieAge))
}
