package loginstage_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// hesse is a world in which 5.6.7.8 is known and 1.2.3.4 is not.
var hesse = bindingtest.Locator{
	ASNs: map[netip.Prefix]binding.ASN{
		netip.MustParsePrefix("5.4.0.0/14"): {Number: 6805, Organization: "Telefonica Germany"},
	},
	Geos: map[netip.Prefix]binding.Geo{
		netip.MustParsePrefix("5.4.0.0/14"): {
			Continent: binding.Continent{Code: "EU", GeoNameID: 6255148}, Country: binding.Country{ISOCode: "DE", GeoNameID: 2921044},
			Coordinates: &binding.Coordinates{Latitude: 51.2993, Longitude: 9.491},
		},
	},
}

// encoded returns v as JSON, as a map.
func encoded(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(text, &m))
	return m
}

// The whole event of a session that is used from elsewhere, key by key.
func TestEventOfABrokenBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{NetworkBinding: binding.NetworkASN, Locator: hesse})
		browser.MoveTo(netip.MustParseAddr("1.2.3.4"))
		browser.UserAgent = "Mozilla/5.0 (X11)"
		signIn(t, browser, "ada")
		id := sessions(t, stage, "ada")[0].ID
		time.Sleep(time.Second)
		browser.MoveTo(netip.MustParseAddr("5.6.7.8"))
		browser.Get("/if/admin/")

		event := stage.Events.Last()
		require.NotEmpty(t, event.ID)
		text, err := json.Marshal(event)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"id": "`+event.ID+`",
			"version": 1,
			"time": "2000-01-01T00:00:01Z",
			"action": "logout",
			"cause": "binding_broken",
			"user": "ada",
			"session": "`+id.String()+`",
			"stage": "user-login",
			"client_ip": "5.6.7.8",
			"actor": "",
			"context": {
				"asn": {"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"},
				"geo": {"lat":51.2993,"city":"","long":9.491,"country":"DE","continent":"EU"},
				"binding": {"reason":"network.missing","new_value":{"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"},"previous_value":{}},
				"ip": {"previous":"1.2.3.4","new":"5.6.7.8"},
				"http_request": {"args":{},"path":"/if/admin/","method":"GET","user_agent":"Mozilla/5.0 (X11)"},
				"logout_reason": "Session binding broken"
			}
		}`, string(text))
	})
}

// What is not known of the new address is left out, and nothing else is.
func TestEventOfABrokenBindingToNowhere(t *testing.T) {
	stage, browser := open(t, loginstage.Config{NetworkBinding: binding.NetworkASN, Locator: hesse})
	browser.MoveTo(netip.MustParseAddr("5.6.7.8"))
	signIn(t, browser, "ada")
	browser.MoveTo(netip.MustParseAddr("1.2.3.4"))
	browser.Get("/if/admin/?next=%2Fa")
	text, err := json.Marshal(stage.Events.Last().Context)
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"binding": {"reason":"network.missing","new_value":{},"previous_value":{"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"}},
		"ip": {"previous":"5.6.7.8","new":"1.2.3.4"},
		"http_request": {"args":{"next":"********"},"path":"/if/admin/","method":"GET","user_agent":"Mozilla/5.0 (test)"},
		"logout_reason": "Session binding broken"
	}`, string(text))
}

func TestPreviousAndNewByReason(t *testing.T) {
	network := func(n binding.Network) loginstage.Config { return loginstage.Config{NetworkBinding: n} }
	geoIP := func(g binding.GeoIP) loginstage.Config { return loginstage.Config{GeoIPBinding: g} }
	const (
		spree  = `{"asn":64496,"as_org":"Spree Net","network":"192.0.2.0/27"}`
		berlin = `{"lat":52.5196,"city":"Berlin","long":13.4069,"country":"DE","continent":"EU"}`
	)
	for _, test := range []struct {
		reason        binding.Reason
		config        loginstage.Config
		from, to      netip.Addr
		previous, new string
	}{
		{"network.missing", network(binding.NetworkASN), bindingtest.Berlin, bindingtest.PlaceOnly, spree, `{}`},
		{"network.missing", network(binding.NetworkASN), bindingtest.PlaceOnly, bindingtest.Berlin, `{}`, spree},
		{"network.missing", network(binding.NetworkASN), bindingtest.Unlocated, bindingtest.UnlocatedIPv6, `{}`, `{}`},
		{"network.asn", network(binding.NetworkASN), bindingtest.Berlin, bindingtest.BerlinMobile, `64496`, `64497`},
		{"network.asn_network", network(binding.NetworkASNNetwork), bindingtest.Berlin, bindingtest.BerlinOtherPrefix, `"192.0.2.0/27"`, `"192.0.2.64/27"`},
		{"network.asn_network", network(binding.NetworkASNNetwork), bindingtest.Berlin, bindingtest.BerlinIPv6, `"192.0.2.0/27"`, `"2001:db8:1::/48"`},
		{"network.ip", network(binding.NetworkASNNetworkIP), bindingtest.Berlin, bindingtest.BerlinNeighbour, `"192.0.2.1"`, `"192.0.2.2"`},
		{"geoip.missing", geoIP(binding.GeoIPContinent), bindingtest.Berlin, bindingtest.NetworkOnly, berlin, `{}`},
		{"geoip.missing", geoIP(binding.GeoIPContinent), bindingtest.NetworkOnly, bindingtest.Berlin, `{}`, berlin},
		{"geoip.continent", geoIP(binding.GeoIPCity), bindingtest.Berlin, bindingtest.Tokyo,
			`{"code":"EU","geoname_id":6255148,"names":{"en":"Europe","de":"Europa"}}`, `{"code":"AS","geoname_id":6255147,"names":{"en":"Asia","de":"Asien"}}`},
		{"geoip.country", geoIP(binding.GeoIPCity), bindingtest.Berlin, bindingtest.Paris,
			`{"iso_code":"DE","geoname_id":2921044,"names":{"en":"Germany","de":"Deutschland"}}`, `{"iso_code":"FR","geoname_id":3017382,"names":{"en":"France","de":"Frankreich"}}`},
		{"geoip.city", geoIP(binding.GeoIPCity), bindingtest.Berlin, bindingtest.Munich,
			`{"geoname_id":2950159,"names":{"en":"Berlin","de":"Berlin"}}`, `{"geoname_id":2867714,"names":{"en":"Munich","de":"München"}}`},
		{"geoip.city", geoIP(binding.GeoIPCity), bindingtest.Berlin, bindingtest.Countryside,
			`{"geoname_id":2950159,"names":{"en":"Berlin","de":"Berlin"}}`, `{}`},
	} {
		t.Run(string(test.reason)+" "+test.from.String()+" "+test.to.String(), func(t *testing.T) {
			stage, browser := open(t, test.config)
			browser.MoveTo(test.from)
			signIn(t, browser, "ada")
			browser.MoveTo(test.to)
			assert.Equal(t, http.StatusUnauthorized, browser.Get("/whoami").StatusCode)
			text, err := json.Marshal(stage.Events.Last().Context.Binding)
			require.NoError(t, err)
			assert.JSONEq(t, `{"reason":"`+string(test.reason)+`","previous_value":`+test.previous+`,"new_value":`+test.new+`}`, string(text))
		})
	}
}

// The network is compared before the place.
func TestTheNetworkIsComparedFirst(t *testing.T) {
	stage, browser := open(t, loginstage.Config{NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPContinent})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Tokyo)
	browser.Get("/whoami")
	assert.Equal(t, binding.NetworkASNChanged, stage.Events.Last().Context.Binding.Reason)
}

func TestEventOfASignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{Name: "staff"})
		signIn(t, browser, "ada")
		event := stage.Events.Last()
		text, err := json.Marshal(event)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"id": "`+event.ID+`", "version": 1, "time": "2000-01-01T00:00:00Z", "action": "login", "cause": "signed_in",
			"user": "ada", "session": "`+sessions(t, stage, "ada")[0].ID.String()+`", "stage": "staff", "client_ip": "192.0.2.1", "actor": "ada",
			"context": {
				"asn": {"asn":64496,"as_org":"Spree Net","network":"192.0.2.0/27"},
				"geo": {"lat":52.5196,"city":"Berlin","long":13.4069,"country":"DE","continent":"EU"},
				"http_request": {"args":{"user":"********"},"path":"/begin","method":"POST","user_agent":"Mozilla/5.0 (test)"}
			}
		}`, string(text))
	})
}

func TestEventOfADenial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{})
		browser.PostForm("/begin?user=ada&inactive=1", nil)
		event := stage.Events.Last()
		text, err := json.Marshal(event)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"id": "`+event.ID+`", "version": 1, "time": "2000-01-01T00:00:00Z", "action": "login_denied", "cause": "inactive_user",
			"user": "ada", "session": "", "stage": "user-login", "client_ip": "192.0.2.1", "actor": "ada",
			"context": {"http_request": {"args":{"inactive":"********","user":"********"},"path":"/begin","method":"POST","user_agent":"Mozilla/5.0 (test)"}}
		}`, string(text))
	})
}

// Every way in which a session ends is told with its cause, who did it, and in
// words.
func TestEventOfEveryEnding(t *testing.T) {
	revoke := func(t *testing.T, stage *loginstagetest.Stage, _ *loginstagetest.Browser) {
		require.NoError(t, stage.Revoke(t.Context(), "ada", sessions(t, stage, "ada")[0].ID, "admin"))
	}
	elsewhere := func(t *testing.T, stage *loginstagetest.Stage, _ *loginstagetest.Browser) {
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	}
	for _, test := range []struct {
		cause  session.Cause
		actor  string
		words  string
		config loginstage.Config
		end    func(t *testing.T, stage *loginstagetest.Stage, browser *loginstagetest.Browser)
		byHost bool // not by a request
	}{
		{cause: session.CauseSignedOut, actor: "ada", words: "Signed out",
			end: func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) { b.PostForm("/logout", nil) }},
		{cause: session.CauseExpired, words: "Session expired", config: loginstage.Config{SessionDuration: 2e9}, byHost: true,
			end: func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
				b.SetCookie(&http.Cookie{Name: cookie, Value: b.Cookie(cookie), Path: "/", Secure: true})
				time.Sleep(2 * time.Second)
				b.Get("/whoami")
			}},
		{cause: session.CauseIdle, words: "Session idle for too long", config: loginstage.Config{IdleTimeout: 2e9}, byHost: true,
			end: func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
				time.Sleep(2 * time.Second)
				b.Get("/whoami")
			}},
		{cause: session.CauseBroken, words: "Session binding broken", config: loginstage.Config{GeoIPBinding: binding.GeoIPCountry},
			end: func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
				b.MoveTo(bindingtest.Paris)
				b.Get("/whoami")
			}},
		{cause: session.CauseReplaced, actor: "ada", words: "Signed in again in the same browser",
			end: func(t *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) { signIn(t, b, "ada") }},
		{cause: session.CauseReplaced, actor: "bob", words: "Signed in again in the same browser",
			end: func(t *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) { signIn(t, b, "bob") }},
		{cause: session.CauseTerminated, actor: "ada", words: "Signed in elsewhere", config: loginstage.Config{TerminateOtherSessions: true}, end: elsewhere},
		{cause: session.CauseMaxSessions, actor: "ada", words: "Too many sessions", config: loginstage.Config{MaxSessions: 1}, end: elsewhere},
		{cause: session.CauseRevoked, actor: "admin", words: "Session revoked", end: revoke, byHost: true},
	} {
		t.Run(string(test.cause)+" by "+test.actor, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage, browser := open(t, test.config)
				signIn(t, browser, "ada")
				id := sessions(t, stage, "ada")[0].ID
				time.Sleep(time.Second)
				test.end(t, stage, browser)

				ended := stage.Events.Of(loginstage.ActionLogout)
				require.Len(t, ended, 1)
				event := ended[0]
				assert.Equal(t, test.cause, event.Cause)
				assert.Equal(t, test.actor, event.Actor)
				assert.Equal(t, test.words, event.Context.LogoutReason)
				assert.Equal(t, "ada", event.User)
				assert.Equal(t, id, event.Session)
				assert.Equal(t, 1, event.Version)
				assert.Equal(t, time.Now().UTC(), event.Time)
				assert.Equal(t, !test.byHost, event.ClientIP.IsValid())
				assert.Equal(t, !test.byHost, event.Context.HTTPRequest != nil)
				assert.Equal(t, test.cause == session.CauseBroken, event.Context.Binding != nil)
				assert.Nil(t, event.Context.KnownDevice, "devices are not remembered")

				ids := map[string]bool{}
				for _, e := range stage.Events.Events() {
					assert.Len(t, e.ID, 22)
					assert.NotContains(t, ids, e.ID)
					ids[e.ID] = true
				}
			})
		})
	}
}

func TestEventKeysOfNothing(t *testing.T) {
	m := encoded(t, loginstage.Event{})
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	assert.ElementsMatch(t, []string{"id", "version", "time", "action", "cause", "user", "session", "stage", "client_ip", "actor", "context"}, keys)
	assert.Equal(t, map[string]any{}, m["context"])
	assert.Equal(t, "", m["session"])
	assert.Equal(t, "", m["client_ip"])
}
