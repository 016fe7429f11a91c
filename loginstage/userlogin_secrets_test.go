package loginstage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// dump is a store that writes down all that it is given, as a store that keeps
// records does.
type dump struct {
	*loginstagetest.Store
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *dump) write(all ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range all {
		switch v := v.(type) {
		case session.Session:
			record, err := session.EncodeRecord(v)
			fmt.Fprintf(&d.text, "%s %v\n", record, err)
		case session.Ending:
			record, err := session.EncodeEnding(v)
			fmt.Fprintf(&d.text, "%s %s %v\n", record, v.Detail, err)
		}
		fmt.Fprintf(&d.text, "%+v %#v\n", v, v)
	}
}

func (d *dump) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	d.write(s, replace.Ending, replace)
	return d.Store.Start(ctx, s, replace)
}

func (d *dump) Get(ctx context.Context, id session.ID) (session.Session, error) {
	d.write(id)
	return d.Store.Get(ctx, id)
}

func (d *dump) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	d.write(id, seen)
	return d.Store.Touch(ctx, id, seen)
}

func (d *dump) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	d.write(id, ending)
	return d.Store.End(ctx, id, ending)
}

func (d *dump) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	d.write(user, keep, ending)
	return d.Store.EndUser(ctx, user, keep, ending, kinds...)
}

// A token is in its cookie and nowhere else: not in the store, an event, the
// log, an error or the body of an answer. Neither is half of one.
func TestNoTokenAnywhere(t *testing.T) {
	var log bytes.Buffer
	store := &dump{Store: loginstagetest.NewStore(nil)}
	config := asking
	config.Store, config.GeoIPBinding, config.RememberDevice = store, binding.GeoIPCountry, remembering.RememberDevice
	config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	stage, browser := open(t, config)

	tokens := map[string]bool{}
	var answers strings.Builder
	note := func(response loginstagetest.Response) {
		for _, c := range response.Cookies() {
			if c.Value != "" {
				tokens[c.Value] = true
			}
		}
		header := response.Header.Clone()
		header.Del("Set-Cookie")
		fmt.Fprintln(&answers, response.Text, header)
	}
	note(browser.PostForm("/begin?user=ada", nil))
	note(browser.PostForm("/finish", url.Values{"stay": {"1"}}))
	token := browser.Cookie(cookie)
	note(browser.Get("/whoami?token=" + token))
	browser.MoveTo(bindingtest.Munich)
	note(browser.Get("/whoami"))
	note(browser.PostForm("/begin?user=bob&session="+token, nil))
	note(browser.PostForm("/finish", nil))
	browser.MoveTo(bindingtest.Paris)
	note(browser.Get("/private/?password=" + browser.Cookie(cookie)))
	note(browser.Get("/login"))
	note(browser.PostForm("/begin?user=ada", nil))
	note(browser.PostForm("/finish", nil))
	note(browser.PostForm("/logout", nil))
	store.Fail(errors.New("out of order"))
	browser.SetCookie(&http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true})
	note(browser.Get("/whoami"))
	note(browser.PostForm("/finish", nil))
	note(browser.PostForm("/logout", nil))
	store.Repair()

	events, err := json.Marshal(stage.Events.Events())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(tokens), 6)
	for place, text := range map[string]string{
		"the store": store.text.String(), "an event": string(events) + fmt.Sprintf("%+v", stage.Events.Events()), "the log": log.String(), "an answer": answers.String(),
	} {
		require.NotEmpty(t, text)
		for token := range tokens {
			assert.NotContains(t, text, token, place)
			assert.NotContains(t, text, token[:21], place)
			assert.NotContains(t, text, token[21:42], place)
		}
	}
	assert.NotEmpty(t, stage.Events.Of(loginstage.ActionLogout))
}
