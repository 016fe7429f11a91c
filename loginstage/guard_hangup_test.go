package loginstage_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A store that gives up as soon as its caller does, as those over a network do,
// and a client that hangs up while its session is being ended.
type impatientStore struct {
	session.Store
	hangUp context.CancelFunc
}

func (s impatientStore) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s.hangUp()
	if err := ctx.Err(); err != nil {
		return session.Session{}, err
	}
	return s.Store.End(ctx, id, ending)
}

// Hanging up keeps no session alive that is to end.
func TestAClientThatHangsUp(t *testing.T) {
	for _, test := range []struct {
		name, path string
		from       netip.Addr
		config     loginstage.Config
		cause      session.Cause
	}{
		{"elsewhere", "/whoami", bindingtest.Tokyo, loginstage.Config{}, session.CauseBroken},
		{"signing out", "/logout", bindingtest.Berlin, loginstage.Config{}, session.CauseSignedOut},
		{"answering elsewhere", "/finish", bindingtest.Tokyo, asking, session.CauseBroken},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			test.config.GeoIPBinding = binding.GeoIPCountry
			test.config.Store = impatientStore{memstore.New(), hangUp}
			stage, browser := open(t, test.config)
			browser.PostForm("/begin?user=ada", nil)
			browser.MoveTo(test.from)
			browser.Do(httptest.NewRequestWithContext(ctx, "POST", test.path, nil))
			require.Error(t, ctx.Err())
			assert.Equal(t, test.cause, stage.Events.Last().Cause)

			browser.MoveTo(bindingtest.Berlin)
			assert.Equal(t, "nobody", whoami(browser))
			assert.Empty(t, sessions(t, stage, "ada"))
		})
	}
}
