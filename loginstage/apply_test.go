package loginstage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// changed returns the settings of the stage, after change.
func changed(stage *loginstagetest.Stage, change func(*loginstage.Settings)) loginstage.Settings {
	s := stage.Settings()
	change(&s)
	return s
}

// apply applies a change, which has no mistake.
func apply(t *testing.T, stage *loginstagetest.Stage, change func(*loginstage.Settings)) {
	t.Helper()
	require.NoError(t, stage.Apply(t.Context(), changed(stage, change), "operator"))
}

func TestApplyHoldsFromTheNextRequest(t *testing.T) {
	stage, browser := open(t, loginstage.Config{LoginURL: "/login", MaxSessions: 1})
	assert.Equal(t, "/login?next=%2Fprivate%2Fx", browser.Get("/private/x").Header.Get("Location"))
	apply(t, stage, func(s *loginstage.Settings) { s.LoginURL, s.SessionDuration = "/door", duration.MustParse("hours=2") })
	assert.Equal(t, "/door?next=%2Fprivate%2Fx", browser.Get("/private/x").Header.Get("Location"))
	signIn(t, browser, "ada")
	assert.Equal(t, 2*time.Hour, sessions(t, stage, "ada")[0].MaxAge)
	assert.Equal(t, "/door", stage.Settings().LoginURL)
	assert.Equal(t, 1, stage.Settings().MaxSessions, "and the others stay")
}

func TestApplyIsTold(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Name: "door", SessionDuration: duration.MustParse("hours=12")})
	before := time.Now()
	require.NoError(t, stage.Apply(t.Context(), changed(stage, func(s *loginstage.Settings) {
		s.SessionDuration, s.TellExpiry, s.MaxSessions, s.AlsoAdmit = duration.MustParse("hours=1"), true, 3, []string{"staff", "a, b"}
		s.Tolerance.Exempt = new(binding.Prefixes)
		assert.NoError(t, s.Tolerance.Exempt.UnmarshalText([]byte("192.0.2.0/24")))
		s.NetworkBinding, s.EventArgs = binding.NetworkASN, []string{strings.Repeat("a", 64), "b"}
	}), "grace\u202e"+strings.Repeat("x", 400)))
	events := stage.Events.Events()
	require.Len(t, events, 1)
	event := events[0]
	assert.Equal(t, loginstage.ActionSettings, event.Action)
	assert.Equal(t, loginstage.CauseApplied, event.Cause)
	assert.Equal(t, "door", event.Stage)
	assert.Empty(t, event.User)
	assert.True(t, strings.HasPrefix(event.Actor, "gracexxx") && len(event.Actor) <= 255, event.Actor)
	assert.WithinRange(t, event.Time, before.Add(-time.Second), time.Now().Add(time.Second))
	assert.NotEmpty(t, event.ID)
	text, err := json.Marshal(event.Context)
	require.NoError(t, err)
	assert.JSONEq(t, `{"settings": [
		{"key": "also_admit", "previous_value": "", "new_value": "\"staff\" \"a, b\""},
		{"key": "session_duration", "previous_value": "hours=12", "new_value": "hours=1"},
		{"key": "network_binding", "previous_value": "no_binding", "new_value": "bind_asn"},
		{"key": "tolerance.exempt", "previous_value": "", "new_value": "192.0.2.0/24"},
		{"key": "max_sessions", "previous_value": "0", "new_value": "3"},
		{"key": "event_args", "previous_value": "", "new_value": "\"`+strings.Repeat("a", 64)+`\" \"b\""},
		{"key": "tell_expiry", "previous_value": "false", "new_value": "true"}
	]}`, string(text))
}

// What an event shows of a list is bounded, and a long list that changes at its end is
// a change all the same.
func TestApplyTellsOfLongListsInBrief(t *testing.T) {
	long := func(last string) *binding.Prefixes {
		var texts []string
		for i := range 200 {
			texts = append(texts, fmt.Sprintf("192.0.2.%d/32", i))
		}
		list := new(binding.Prefixes)
		require.NoError(t, list.UnmarshalText([]byte(strings.Join(append(texts, last), ","))))
		return list
	}
	stage := loginstagetest.New(t, loginstage.Config{Tolerance: binding.Tolerance{Exempt: long("203.0.113.1/32")}})
	apply(t, stage, func(s *loginstage.Settings) { s.Tolerance.Exempt = long("203.0.113.2/32") })
	changes := stage.Events.Of(loginstage.ActionSettings)[0].Context.Settings
	require.Len(t, changes, 1)
	for _, text := range []string{changes[0].Previous, changes[0].New} {
		assert.LessOrEqual(t, len(text), 1024)
		assert.True(t, strings.HasSuffix(text, "…"))
	}
}

func TestApplyingTheSameIsNoChange(t *testing.T) {
	list := new(binding.Prefixes)
	require.NoError(t, list.UnmarshalText([]byte("192.0.2.0/24")))
	config := loginstage.Config{LoginURL: "/login", Tolerance: binding.Tolerance{Exempt: list}, NetworkBinding: binding.NetworkASN}
	stage, browser := open(t, config)
	apply(t, stage, func(s *loginstage.Settings) {
		s.AlsoAdmit, s.Tolerance.SameIP = []string{}, binding.PrefixLengths{IPv4: 32, IPv6: 128}
	})
	assert.Empty(t, stage.Events.Events())

	// The host's own list is still the one that counts, so that the host can change it.
	apply(t, stage, func(s *loginstage.Settings) { s.LoginURL = "/door" })
	signIn(t, browser, "ada")
	require.NoError(t, list.UnmarshalText([]byte(bindingtest.NewYork.String()+"/32")))
	browser.MoveTo(bindingtest.NewYork)
	assert.Equal(t, "ada", whoami(browser))
}

// A session keeps the binding, the actions and the limits of its sign-in.
func TestSessionsKeepWhatTheyWereMadeWith(t *testing.T) {
	stage, browser := open(t, loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"), IdleTimeout: duration.MustParse("hours=1"), NetworkBinding: binding.NetworkASN,
		Actions: binding.Always(binding.Report),
	})
	signIn(t, browser, "ada")
	before := sessions(t, stage, "ada")[0]
	apply(t, stage, func(s *loginstage.Settings) {
		s.SessionDuration, s.IdleTimeout, s.NetworkBinding = duration.MustParse("minutes=1"), duration.MustParse("seconds=10"), binding.NetworkOff
		s.GeoIPBinding, s.Actions = binding.GeoIPCity, binding.Actions{}
	})
	later := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, later, "eve")
	browser.MoveTo(bindingtest.NewYork)
	assert.Equal(t, "ada", whoami(browser), "it is reported, as it was to be")
	assert.Len(t, stage.Events.Of(loginstage.ActionReport), 1)
	after := sessions(t, stage, "ada")[0]
	assert.Equal(t, before.Policy, after.Policy)
	assert.Equal(t, before.Expires, after.Expires)
	assert.Equal(t, before.Idle, after.Idle)
	later.MoveTo(bindingtest.NewYork)
	assert.NotEqual(t, "eve", whoami(later))
	assert.Equal(t, []session.Cause{session.CauseBroken}, causes(stage, loginstage.ActionLogout))
}

// outliving is a store that is not in memory alone, as far as anybody knows.
type outliving struct{ session.Store }

// brief is a carrier that keeps no token for longer than a day.
type brief struct{ session.Cookie }

func (brief) ValidateLifetime(longest time.Duration) error {
	if longest > 24*time.Hour {
		return fmt.Errorf("%w: a day at the most", session.ErrLifetime)
	}
	return nil
}

// Apply finds every mistake first, and has changed nothing then.
func TestApplyFindsEveryMistake(t *testing.T) {
	for name, test := range map[string]struct {
		config loginstage.Config
		change func(*loginstage.Settings)
		want   []string // the fields
	}{
		"values": {
			change: func(s *loginstage.Settings) {
				s.SessionDuration, s.MaxSessions, s.LoginURL, s.StoreTimeout = 1, -1, "//evil.example", 1
			},
			want: []string{"LoginURL", "MaxSessions", "SessionDuration", "StoreTimeout"},
		},
		"beside each other": {
			config: loginstage.Config{Locator: bindingtest.Places()},
			change: func(s *loginstage.Settings) {
				s.Preset, s.NetworkBinding, s.DenyOverMaxSessions, s.ProveEvery = binding.PresetStrict, binding.NetworkASN, true, duration.MustParse("minutes=5")
			},
			want: []string{"DenyOverMaxSessions", "Preset", "ProveEvery"},
		},
		"a lifetime that the carrier has not": {
			config: loginstage.Config{Carrier: brief{}},
			change: func(s *loginstage.Settings) { s.SessionDuration = duration.MustParse("days=2") },
			want:   []string{"Carrier"},
		},
		"a binding without a locator": {
			change: func(s *loginstage.Settings) { s.NetworkBinding = binding.NetworkASN },
			want:   []string{"NetworkBinding"},
		},
		"device keys without secrets": {
			config: loginstage.Config{Store: outliving{memstore.New()}},
			change: func(s *loginstage.Settings) { s.DeviceKey = loginstage.DeviceKeyOffer },
			want:   []string{"DeviceSecrets"},
		},
		"device keys of clients without an origin": {
			config: loginstage.Config{Carrier: session.CookieOrBearer{}},
			change: func(s *loginstage.Settings) { s.DeviceKey = loginstage.DeviceKeyOffer },
			want:   []string{"Origin"},
		},
		"a store that keeps no journal": {
			config: loginstage.Config{Store: outliving{memstore.New()}},
			change: func(s *loginstage.Settings) { s.DurableEvents = true },
			want:   []string{"DurableEvents", "DurableEvents"},
		},
		"what a running stage keeps": {
			config: loginstage.Config{Name: "door", DeviceKeyPath: "/keys", Store: newJournal()},
			change: func(s *loginstage.Settings) { s.Name, s.DeviceKeyPath, s.DurableEvents = "", "", true },
			want:   []string{"DeviceKeyPath", "DurableEvents", "Name"},
		},
		"accounts that nobody is asked for": {
			change: func(s *loginstage.Settings) { s.AccountEvery = duration.MustParse("minutes=1") },
			want:   []string{"AccountEvery, AccountStale"},
		},
		"staleness that nobody knows of": {
			change: func(s *loginstage.Settings) { s.ReportWhenStale = true },
			want:   []string{"ReportWhenStale"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			events := &loginstagetest.Recorder{}
			test.config.Events = events
			login, err := loginstage.New(test.config)
			require.NoError(t, err)
			before := login.Settings()
			s := before
			s.TellExpiry = true // which is no mistake
			test.change(&s)
			err = login.Apply(t.Context(), s, "operator")
			require.Error(t, err)
			var fields []string
			for _, mistake := range err.(interface{ Unwrap() []error }).Unwrap() {
				in, ok := errors.AsType[*loginstage.ConfigError](mistake)
				require.True(t, ok, mistake)
				fields = append(fields, in.Field)
			}
			slices.Sort(fields)
			assert.Equal(t, test.want, fields, err)
			assert.Equal(t, before, login.Settings())
			require.NoError(t, login.Flush(t.Context()))
			assert.Empty(t, events.Events())
		})
	}
}

// The name that is the default is the same however it is written.
func TestTheDefaultNameIsNoOther(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	apply(t, stage, func(s *loginstage.Settings) {
		s.Name, s.DeviceKeyPath = loginstage.DefaultName, loginstage.DefaultDeviceKeyPath
	})
	assert.Equal(t, loginstage.DefaultName, stage.Settings().Name)
}

// A sink observes: one that refuses the event undoes nothing, and holds Apply up for no
// longer than a request.
func TestApplyWhereTheSinkRefuses(t *testing.T) {
	for name, sink := range map[string]func(context.Context, loginstage.Event) error{
		"an error": func(context.Context, loginstage.Event) error { return errors.New("no") },
		"a panic":  func(context.Context, loginstage.Event) error { panic("no") },
		"a hang":   func(ctx context.Context, _ loginstage.Event) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				login, err := loginstage.New(loginstage.Config{Events: sinkOf(sink)})
				require.NoError(t, err)
				began := time.Now()
				require.NoError(t, login.Apply(t.Context(), loginstage.Settings{LoginURL: "/door"}, "operator"))
				assert.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
				assert.Equal(t, "/door", login.Settings().LoginURL)
				require.NoError(t, login.Flush(t.Context()))
				synctest.Wait()
				assert.EqualValues(t, 1, login.LostEvents())
			})
		})
	}
}

// sinkOf is a sink that is a function.
type sinkOf func(context.Context, loginstage.Event) error

func (f sinkOf) Emit(ctx context.Context, e loginstage.Event) error { return f(ctx, e) }

// Of calls at once each changes what the one before it left, and the events say so.
func TestApplyAtOnce(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	atOnce(32, func(i int) error {
		return stage.Apply(t.Context(), changed(stage, func(s *loginstage.Settings) { s.MaxSessions = i + 1 }), fmt.Sprint("operator ", i))
	})
	last := "0"
	for _, event := range stage.Events.Of(loginstage.ActionSettings) {
		changes := event.Context.Settings
		require.Len(t, changes, 1)
		assert.Equal(t, last, changes[0].Previous)
		last = changes[0].New
		assert.Equal(t, fmt.Sprintf("operator %d", stageNumber(t, last)-1), event.Actor)
	}
	assert.Len(t, stage.Events.Events(), 32)
	assert.Equal(t, last, fmt.Sprint(stage.Settings().MaxSessions))
}

func stageNumber(t *testing.T, text string) (n int) {
	t.Helper()
	_, err := fmt.Sscan(text, &n)
	require.NoError(t, err)
	return n
}

// Requests that are being handled while settings change see one of the two, whole: no
// redirect and no session has a part of each.
func TestNoRequestSeesHalfOfTwoSettings(t *testing.T) {
	store := memstore.New()
	stage := loginstagetest.New(t, loginstage.Config{Store: store})
	settings := [2]loginstage.Settings{}
	for i := range settings {
		n := duration.Duration(i + 1)
		s := stage.Settings()
		s.LoginURL, s.PathPrefix = fmt.Sprintf("/%d/login", i), fmt.Sprintf("/%d", i)
		s.SessionDuration, s.IdleTimeout = n*duration.Duration(time.Hour), n*duration.Duration(time.Minute)
		s.NetworkBinding, s.GeoIPBinding = []binding.Network{binding.NetworkASN, binding.NetworkOff}[i], []binding.GeoIP{binding.GeoIPCountry, binding.GeoIPOff}[i]
		settings[i] = s
	}
	require.NoError(t, stage.Apply(t.Context(), settings[0], "first"))

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range 2 {
		running.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				assert.NoError(t, stage.Apply(t.Context(), settings[n%2], "operator"))
			}
		})
	}
	handler := app(stage.UserLogin)
	var seen [2]atomic.Int64
	var working sync.WaitGroup
	for user := range 4 {
		working.Go(func() {
			for n := range 300 {
				r := httptest.NewRequest(http.MethodGet, "/private/x", nil)
				r.RemoteAddr = bindingtest.Berlin.String() + ":4711"
				r.Header.Set("Sec-Fetch-Mode", "navigate")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				location := w.Header().Get("Location")
				if assert.Contains(t, []string{"/0/login?next=%2F0%2Fprivate%2Fx", "/1/login?next=%2F1%2Fprivate%2Fx"}, location) {
					seen[location[1]-'0'].Add(1)
				}

				w = httptest.NewRecorder()
				s, challenge, err := stage.SignIn(w, r, loginstage.User{ID: fmt.Sprint(user, "-", n)})
				if !assert.NoError(t, err) || !assert.Nil(t, challenge) {
					return
				}
				first := s.MaxAge == time.Hour
				assert.Equal(t, map[bool]time.Duration{true: time.Minute, false: 2 * time.Minute}[first], s.Idle)
				assert.Equal(t, first, s.Policy.Network == binding.NetworkASN)
				assert.Equal(t, first, s.Policy.GeoIP == binding.GeoIPCountry)
				guarded := r.Clone(t.Context())
				guarded.URL.Path, guarded.RequestURI = "/whoami", "/whoami"
				guarded.AddCookie(w.Result().Cookies()[0])
				w = httptest.NewRecorder()
				handler.ServeHTTP(w, guarded)
				assert.Equal(t, s.User, w.Body.String())
			}
		})
	}
	working.Wait()
	stop()
	running.Wait()
	assert.Positive(t, seen[0].Load())
	assert.Positive(t, seen[1].Load())
}

// What comes after the guard goes by the settings that the guard went by.
func TestARequestKeepsTheSettingsOfItsGuard(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{StepUpURL: "/before", SessionDuration: duration.MustParse("hours=1")})
	fresh := stage.RequireFresh(0)(http.NotFoundHandler())
	var change func(*loginstage.Settings)
	handler := stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apply(t, stage, change)
		if r.URL.Path == "/again" {
			_, err := stage.Reauthenticate(w, r, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
			return
		}
		fresh.ServeHTTP(w, r)
	}))
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/begin", app(stage.UserLogin))
	browser := loginstagetest.NewBrowser(t, mux)
	signIn(t, browser, "ada")

	change = func(s *loginstage.Settings) { s.StepUpURL = "/after" }
	assert.Contains(t, browser.Get("/private").Header.Get("Location"), "/before?")
	assert.Contains(t, browser.Get("/private").Header.Get("Location"), "/after?")

	change = func(s *loginstage.Settings) { s.SessionDuration = duration.MustParse("hours=2") }
	browser.Get("/again")
	assert.Equal(t, time.Hour, sessions(t, stage, "ada")[0].MaxAge)
	browser.Get("/again")
	assert.Equal(t, 2*time.Hour, sessions(t, stage, "ada")[0].MaxAge)

	// So does a guard inside of a guard, which goes by what that found.
	_, err := stage.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	change = func(s *loginstage.Settings) { s.LoginURL = "/door" }
	assert.Equal(t, http.StatusUnauthorized, browser.Get("/private").StatusCode)
	assert.Contains(t, browser.Get("/private").Header.Get("Location"), "/door?")
}

// A snapshot is one whatever is applied, also where one of its methods calls another.
func TestASnapshotDoesNotChange(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1")})
	snapshot := stage.Snapshot(t.Context())
	apply(t, stage, func(s *loginstage.Settings) { s.SessionDuration = duration.MustParse("hours=2") })
	for _, test := range []struct {
		login *loginstage.UserLogin
		want  time.Duration
	}{{snapshot, time.Hour}, {stage.UserLogin, 2 * time.Hour}} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		_, err := test.login.Begin(httptest.NewRecorder(), r, loginstage.User{ID: test.want.String()})
		require.NoError(t, err)
		assert.Equal(t, test.want, sessions(t, stage, test.want.String())[0].MaxAge)
	}
}

func TestAppliedSettingsAreACopy(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	names := []string{"staff"}
	apply(t, stage, func(s *loginstage.Settings) { s.AlsoAdmit, s.EventArgs = names, names })
	names[0] = "anybody"
	assert.Equal(t, []string{"staff"}, stage.Settings().AlsoAdmit)
	assert.Equal(t, []string{"staff"}, stage.Settings().EventArgs)
}

// Handlers that were made before go by the settings of now.
func TestHandlersGoByTheSettingsOfNow(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{DeviceKey: loginstage.DeviceKeyOff, LoginURL: "/before", StepUpURL: "/before"})
	mux := http.NewServeMux()
	mux.Handle("/require/", stage.Require(http.NotFoundHandler()))
	mux.Handle("/restricted/", stage.AllowRestricted(stage.Require(http.NotFoundHandler())))
	mux.Handle("/fresh/", stage.RequireFresh(time.Hour)(http.NotFoundHandler()))
	mux.Handle("/acr/", stage.RequireACR("high")(http.NotFoundHandler()))
	mux.Handle("/guard/", stage.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("/session", stage.Expiry())
	mux.Handle("/mooring/", stage.DeviceKeys())
	mux.Handle("/begin", app(stage.UserLogin))
	browser := loginstagetest.NewBrowser(t, mux)
	apply(t, stage, func(s *loginstage.Settings) {
		s.LoginURL, s.StepUpURL, s.TellExpiry, s.DeviceKey, s.ProveEvery, s.PathPrefix = "/after", "/after", true, loginstage.DeviceKeyOffer, duration.MustParse("minutes=7"), "/app"
	})
	for _, path := range []string{"/require/", "/restricted/", "/fresh/", "/acr/"} {
		assert.Contains(t, browser.Get(path).Header.Get("Location"), "/after?next=%2Fapp", path)
	}
	signedIn := signIn(t, browser, "ada")
	assert.Contains(t, signedIn.Header.Get("Secure-Session-Registration"), `path="/app/mooring/`)
	assert.Contains(t, browser.Get("/acr/").Header.Get("Location"), "/after?", "which is where one steps up")
	assert.NotEmpty(t, browser.Get("/guard/").Header.Get("Mooring-Session-Ends"))
	assert.Contains(t, browser.Get("/session").Text, `"signed_in":true`)
	assert.Contains(t, browser.Get("/mooring/page/state").Text, `"register"`)
}

// Which fields of an answer bring a token is a matter of the carrier, by all settings.
func TestApplyKeepsWhichAnswersBringTokens(t *testing.T) {
	for _, test := range []struct {
		name    string
		carrier session.Carrier
		field   string
		value   string
		want    string
	}{
		{"another's cookie", session.Cookie{}, "Set-Cookie", "theme=dark", "max-age=60"},
		{"the carrier's cookie", session.Cookie{}, "Set-Cookie", session.DefaultCookieName + "=x", "no-store"},
		{"a token in a header", session.Bearer{}, session.DefaultTokenHeader, "x", "no-store"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stage := loginstagetest.New(t, loginstage.Config{Carrier: test.carrier})
			browser := loginstagetest.NewBrowser(t, stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				w.Header().Set(test.field, test.value)
			})))
			for range 2 {
				assert.Contains(t, browser.Get("/").Header.Get("Cache-Control"), test.want)
				apply(t, stage, func(s *loginstage.Settings) { s.MaxSessions++ })
			}
		})
	}
}

// What the host said of accounts is known under the settings of now too.
func TestApplyKeepsTheAnswersAboutAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory
		h := newHost(t, loginstage.Config{Account: d.account, AccountEvery: duration.MustParse("hours=1")})
		h.signIn(loginstage.User{ID: "ada"})
		require.Equal(t, passes, h.status("/private"))
		asked := d.asked.Load()
		apply(t, h.stage, func(s *loginstage.Settings) { s.LoginURL = "/door" })
		require.Equal(t, passes, h.status("/private"))
		assert.Equal(t, asked, d.asked.Load())
		time.Sleep(time.Minute)
		apply(t, h.stage, func(s *loginstage.Settings) { s.AccountEvery = duration.MustParse("seconds=30") })
		require.Equal(t, passes, h.status("/private"))
		assert.Equal(t, asked+1, d.asked.Load(), "the answer is too old by now")
	})
}

// Run goes on while settings change, and by those of now.
func TestRunGoesByTheSettingsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{Store: newJournal(), DurableEvents: true, SessionDuration: duration.MustParse("hours=1"), EventArgs: []string{"a"}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- stage.Run(ctx) }()
		time.Sleep(time.Second)
		apply(t, stage, func(s *loginstage.Settings) {
			s.SessionDuration, s.StoreTimeout, s.KeepEndings = duration.MustParse("minutes=1"), duration.MustParse("seconds=1"), duration.MustParse("hours=3")
		})
		signIn(t, browser, "ada")
		time.Sleep(10 * time.Minute)
		events := stage.Events.Of(loginstage.ActionLogout)
		require.Len(t, events, 1)
		assert.Equal(t, session.CauseExpired, events[0].Cause)
		stop()
		require.NoError(t, <-done)
	})
}

// How long endings are kept is a matter of when they are written.
func TestApplyReachesTheManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{SessionDuration: duration.MustParse("days=1")})
		apply(t, stage, func(s *loginstage.Settings) { s.KeepEndings = duration.MustParse("minutes=1") })
		signIn(t, browser, "ada")
		_, err := stage.RevokeUser(t.Context(), "ada", "operator")
		require.NoError(t, err)
		assert.Equal(t, "revoked", browser.Get("/login").Text)
		time.Sleep(2 * time.Minute)
		_, err = stage.Sweep(t.Context())
		require.NoError(t, err)
		assert.Empty(t, browser.Get("/login").Text)
		assert.Equal(t, []session.Cause{session.CauseRevoked}, causes(stage, loginstage.ActionLogout), "by the manager of now")
	})
}
