package loginstage_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// eventOf returns the event of a sign-in by r, where the host shows the values of
// args.
func eventOf(t testing.TB, r *http.Request, args ...string) loginstage.Event {
	t.Helper()
	stage := loginstagetest.New(t, loginstage.Config{EventArgs: args})
	_, err := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
	require.NoError(t, err)
	return stage.Events.Last()
}

// toldOf returns what that event says of the request.
func toldOf(t testing.TB, r *http.Request, args ...string) loginstage.Request {
	t.Helper()
	return *eventOf(t, r, args...).Context.HTTPRequest
}

func withQuery(raw string) *http.Request {
	r := httptest.NewRequest("GET", "/login", nil)
	r.URL.RawQuery = raw
	return r
}

func withPath(escaped string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	u, err := url.Parse(escaped)
	if err == nil {
		r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
	}
	return r
}

const hidden = loginstage.Redacted

// No value is shown that the host does not ask for, and no name that may be a value.
func TestArgumentsInEvents(t *testing.T) {
	for _, test := range []struct {
		query string
		args  map[string]string
	}{
		{"", map[string]string{}},
		{"password=hunter2", map[string]string{"password": hidden}},
		{"state=hunter2&magic_link=hunter2&mfa=1&verifier=x&invite=y", map[string]string{
			"state": hidden, "magic_link": hidden, "mfa": hidden, "verifier": hidden, "invite": hidden}},
		{"q=hunter2", map[string]string{"q": hidden}},
		{"S3CRET", map[string]string{}},
		{"secret", map[string]string{}},
		{"secret=", map[string]string{}},
		{"c2VjcmV0==", map[string]string{}},
		{"abcdefgh==", map[string]string{}},
		{"S3CRET=1", map[string]string{}},
		{"sEcReT=1", map[string]string{}},
		{"deadbeefdeadbeefdeadbeef=1", map[string]string{}},
		{"a=b;c=d", map[string]string{}},
		{"a=%zz&%zz=a&b=1", map[string]string{"b": hidden}},
		{"data=" + url.QueryEscape(`{"token":"hunter2"}`), map[string]string{"data": hidden}},

		{"page=3&page=4", map[string]string{"page": "4"}}, // the last one counts
		{"page=", map[string]string{"page": ""}},
		{"page=%00a%e2%80%aeb%1b[31m", map[string]string{"page": hidden}},
		{"page=%00a%e2%80%aeb%0a", map[string]string{"page": "ab"}},
		{"page=%ff%fea", map[string]string{"page": "a"}},
		{"Page=3", map[string]string{"Page": hidden}},
		{"next=/account/settings", map[string]string{"next": "/account/settings"}},
		{"next=/reset%3ftoken%3dhunter2", map[string]string{"next": "/reset?" + hidden}},
		{"next=/reset/hunter", map[string]string{"next": "/reset/" + hidden}},
		{"next=/cb%23access_token%3dhunter2", map[string]string{"next": "/cb?" + hidden}},
		{"next=/a%253ftoken%253dhunter2", map[string]string{"next": "/" + hidden}},
		{"next=https://ada:hunter2@example.com/a", map[string]string{"next": hidden}},
		{"next=//ada:hunter2@example.com/a", map[string]string{"next": hidden}},
		{"next=" + url.QueryEscape(`{"token":"hunter2"}`), map[string]string{"next": hidden}},
		{"next=token%3dhunter2", map[string]string{"next": hidden}},
	} {
		assert.Equal(t, test.args, toldOf(t, withQuery(test.query), "page", "next").Args, test.query)
	}
}

// A path shows where the user was, and not what may be a secret in it.
func TestPathsInEvents(t *testing.T) {
	for path, want := range map[string]string{
		"/":                               "/",
		"/if/admin/":                      "/if/admin/",
		"/account/settings":               "/account/settings",
		"/sign-in/stay_signed_in":         "/sign-in/stay_signed_in",
		"/api/v1/users/42":                "/api/v1/users/42",
		"/oauth2/authorize":               "/oauth2/authorize",
		"/.well-known/openid.json":        "/.well-known/openid.json",
		"/Home/Index.html":                "/Home/Index.html",
		"/a//b":                           "/a//b",
		"/verify/S3CRET":                  "/verify/" + hidden,
		"/verify/secret":                  "/verify/" + hidden,
		"/account/reset/MQ/secret/done":   "/account/reset/" + strings.TrimSuffix(strings.Repeat(hidden+"/", 3), "/"),
		"/magic-link/abc/":                "/magic-link/" + hidden + "/",
		"/invites/1234":                   "/invites/" + hidden,
		"/backup-codes/4711":              "/backup-codes/" + hidden,
		"/2fa/4711":                       "/2fa/" + hidden,
		"/links/abcdef":                   "/links/" + hidden,
		"/magiclink/abcdef":               "/magiclink/" + hidden,
		"/password/hunter":                "/password/" + hidden,
		"/resetPassword/hunter":           "/" + hidden + "/" + hidden,
		"/oneTimeCode/1234":               "/" + hidden + "/" + hidden,
		"/r%65set/hunter":                 "/" + hidden + "/" + hidden,
		"/u/hunter2":                      "/u/" + hidden,
		"/u/sEcReT":                       "/u/" + hidden,
		"/u/SECRET":                       "/u/" + hidden,
		"/u/123456":                       "/u/" + hidden,
		"/u/v123":                         "/u/" + hidden,
		"/u/a;jsessionid=x":               "/u/" + hidden,
		"/u/correct-horse-battery-staple": "/u/" + hidden,
		"/u/abcdefghijklmnopqrst":         "/u/" + hidden,
		"/u/abc%2Fdef":                    "/u/" + hidden,
		"/u/a%00b":                        "/u/" + hidden,
		"/u/ada@example.com":              "/u/" + hidden,
		"/to/http://ada:pw@example.com":   "/to/" + hidden + "//" + hidden,
	} {
		assert.Equal(t, want, toldOf(t, withPath(path)).Path, path)
	}
}

// What a handler's pattern spells out is known to be no secret, and what it leaves
// open may be one.
func TestPathsOfPatternsInEvents(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	begin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})
	mux := http.NewServeMux()
	for _, pattern := range []string{
		"/plain/", "GET /hello/{name}", "/OAuth2Callback/{$}", "example.com/x/{a}/settings", "/rest/{path...}", "/42x/reset/done",
	} {
		mux.Handle(pattern, begin)
	}
	mux.Handle("/app/", http.StripPrefix("/app", begin))
	for target, want := range map[string]string{
		"/plain/words":                           "/plain/words",
		"/hello/ada":                             "/hello/" + hidden,
		"/OAuth2Callback/":                       "/OAuth2Callback/",
		"http://example.com/x/settings/settings": "/x/" + hidden + "/" + hidden,
		"http://example.com/x/abc/settings":      "/x/" + hidden + "/settings",
		"/rest/a/b7c":                            "/rest/a/" + hidden,
		"/42x/reset/done":                        "/42x/reset/done",
		"/app/account/A1":                        "/account/" + hidden,
	} {
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
		assert.Equal(t, want, stage.Events.Last().Context.HTTPRequest.Path, target)
	}
}

// Other routers write the wildcards of their patterns in other ways.
func TestPathsOfOtherRoutersPatternsInEvents(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                              "/hello/ada/settings",
		"/hello/:name/settings":         "/hello/" + hidden + "/settings",
		"/hello/{name:[a-z]+}/settings": "/hello/" + hidden + "/settings",
		"GET /hello/{name}/settings":    "/hello/" + hidden + "/settings",
		"/hello/*name":                  "/hello/ada/settings",
		"/*":                            "/hello/ada/settings",
	} {
		r := httptest.NewRequest("GET", "/hello/ada/settings", nil)
		r.Pattern = pattern
		r.SetPathValue("name", "ada")
		assert.Equal(t, want, toldOf(t, r).Path, pattern)
	}
}

func TestMethodsAndUserAgentsInEvents(t *testing.T) {
	for method, want := range map[string]string{
		"GET": "GET", "QUERY": "QUERY", "VERSION-CONTROL": "VERSION-CONTROL", "S3CRET": hidden, "get": hidden, strings.Repeat("M", 17): hidden,
	} {
		r := withQuery("")
		r.Method = method
		assert.Equal(t, want, toldOf(t, r).Method)
	}
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0":                                                                       "",
		"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36": "",
		"facebookexternalhit/1.1":                                "",
		"app eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x": "app " + hidden + "." + hidden + ".x",
		"app/" + strings.Repeat("a", 32):                         "app/" + hidden,
		// A secret does not hide behind characters that are not shown.
		"app s3cretpart\tofatoken99":                "app " + hidden,
		"app s3cretpart\u200eofatoken99":            "app " + hidden,
		"app s3cretpart\xffofatoken99":              "app " + hidden,
		"a\x00b\x1b[31mc\u202ed\u2066e\u0085f\xffg": "ab[31mcdefg",
	} {
		r := withQuery("")
		r.Header.Set("User-Agent", agent)
		if want == "" {
			want = agent
		}
		assert.Equal(t, want, toldOf(t, r).UserAgent)
	}
}

// jsonLen returns how many bytes v takes in JSON.
func jsonLen(t testing.TB, v any) int {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return len(text)
}

func TestRequestIsBounded(t *testing.T) {
	var shown []string
	for i := range 40 {
		shown = append(shown, fmt.Sprintf("<%02d>", i))
	}
	query := url.Values{}
	for _, name := range shown {
		query.Set(name, strings.Repeat("ä", 1000))
	}
	for i := range 2000 {
		query.Set("a"+strings.Repeat("b", i%10)+strings.Repeat("c", i/200), strconv.Itoa(i))
	}
	r := withPath(strings.Repeat("/ab", 5000))
	r.URL.RawQuery = query.Encode()
	r.Header.Set("User-Agent", strings.Repeat("<é>", 5000))
	r.Method = strings.Repeat("M", 5000)
	told := toldOf(t, r, shown...)
	assert.LessOrEqual(t, jsonLen(t, told), 2048)
	assert.Positive(t, len(told.Args))
	assert.Contains(t, told.Args, "<00>", "what the host asks for comes first")
	assert.NotContains(t, told.Args, "a")
	assert.True(t, strings.HasPrefix(r.URL.Path, told.Path))
	assert.Greater(t, len(told.Path), 500)
	assert.NotEmpty(t, told.UserAgent)
	for range 10 {
		assert.Equal(t, told, toldOf(t, r, shown...), "the same each time")
	}

	var many strings.Builder
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			many.WriteString("&" + string(a) + string(b) + "=1")
		}
	}
	args := toldOf(t, withQuery(many.String())).Args
	assert.Len(t, args, 32)
	assert.Contains(t, args, "aa")
	assert.LessOrEqual(t, len(toldOf(t, withQuery("a="+strings.Repeat("ä", 1000)), "a").Args["a"]), 256)
}

// A sink may keep an event for long, and must not keep a megabyte of request line
// with it.
func TestAnEventKeepsNothingOfTheRequestAlive(t *testing.T) {
	path, query, agent := "/account/settings/"+strings.Repeat("a", 1<<10), "page=3&lang=de&"+strings.Repeat("b", 1<<10), "Mozilla "+strings.Repeat("c", 1<<10)
	method, form := "POST "[:4], "user=ada&"+strings.Repeat("d", 1<<10)
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path, r.URL.RawQuery, r.Method = path, query, method
	r.Header["User-Agent"] = []string{agent}
	user := form[len("user="):len("user=ada")]

	stage := loginstagetest.New(t, loginstage.Config{EventArgs: []string{"page"}})
	_, err := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: user})
	require.NoError(t, err)
	_, err = stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: user, Inactive: true})
	require.Error(t, err)
	_, err = stage.RevokeUser(t.Context(), user, user)
	require.NoError(t, err)
	require.Len(t, stage.Events.Events(), 3)
	for _, event := range stage.Events.Events() {
		texts := []string{event.User, event.Actor}
		if told := event.Context.HTTPRequest; told != nil {
			texts = append(texts, told.Path, told.UserAgent, told.Method)
			for name, value := range told.Args {
				texts = append(texts, name, value)
			}
		}
		for _, text := range texts {
			for _, whole := range []string{path, query, agent, method, form} {
				assert.False(t, sharesMemory(text, whole), "%s: %q", event.Action, text)
			}
		}
	}
}

// sharesMemory reports whether part is a slice of whole.
func sharesMemory(part, whole string) bool {
	at, begin := uintptr(unsafe.Pointer(unsafe.StringData(part))), uintptr(unsafe.Pointer(unsafe.StringData(whole)))
	return part != "" && at >= begin && at < begin+uintptr(len(whole))
}

func TestRequestHasNoHeaderAndNoBody(t *testing.T) {
	r := httptest.NewRequest("POST", "/login?q=1", strings.NewReader("password=hunter2"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer hunter2")
	r.Header.Set("Cookie", "a=hunter2")
	r.Header.Set("Referer", "https://x.example/?code=hunter2")
	require.NoError(t, r.ParseForm())
	told := toldOf(t, r, "q")
	assert.Equal(t, loginstage.Request{Args: map[string]string{"q": "1"}, Path: "/login", Method: "POST"}, told)
}

// wellBehaved checks what holds for every event, whatever the request.
func wellBehaved(t testing.TB, event loginstage.Event) string {
	t.Helper()
	text, err := json.Marshal(event)
	require.NoError(t, err)
	require.LessOrEqual(t, len(text), 4096)
	var read loginstage.Event
	require.NoError(t, json.Unmarshal(text, &read))
	told := read.Context.HTTPRequest
	require.Equal(t, event.Context.HTTPRequest, told)
	texts := []string{read.User, read.Actor, told.Path, told.Method, told.UserAgent}
	for name, value := range told.Args {
		texts = append(texts, name, value)
	}
	for _, s := range texts {
		require.True(t, utf8.ValidString(s))
		for _, r := range s {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r), "%q", s)
		}
	}
	return string(text)
}

// Wherever in a request a secret is, the event does not have it, and is bounded and
// can be stored and shown.
func FuzzRequestInEvents(f *testing.F) {
	const secret = "S3cr3t"
	const long = "q7Kd0pZx2mVb9LwT4yRn" // where a short one cannot be told apart
	for _, seed := range [][4]string{
		{"/verify/%s", "token=%s&a=b", "Mozilla/5.0 %s", "GET"},
		{"/a;%s=%s/b", "%s", "%s", "%s"},
		{"/%s/%s", "%s=1&next=%%2Fa%%3Ft%%3D%s", "a\x00%s", "POST"},
		{"/%%2F%s", `a={"b":"%s"}&next={"b":"%s"}`, "%s\u202e", "M%s"},
		{"http://ada:%s@example.com/", "next=https://ada:%s@example.com/%%3fx&next=/a%%23%s", strings.Repeat("<", 600), "-"},
		{strings.Repeat("/a<b", 900) + "%s", strings.Repeat("&<=<", 900) + "next=/a%%253f%s", strings.Repeat("é", 600) + "%s", "GET"},
		{"/\x00\x1b[1m\u202e", "next=%%00%%1b%%e2%%80%%ae&\xff=\xff", "\xff\xfe", "GET"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	plant := func(s, secret string) string { return strings.ReplaceAll(s, "%s", secret) }
	f.Fuzz(func(t *testing.T, path, query, agent, method string) {
		for _, s := range []string{path, query, agent, method} {
			if strings.Contains(s, secret) || strings.Contains(s, long) {
				t.Skip("it is there without being planted")
			}
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.URL.RawQuery, r.Method = plant(path, secret), plant(query, secret), plant(method, secret)
		r.Header["User-Agent"] = []string{plant(agent, " "+long+" ")}
		require.NotContains(t, strings.ReplaceAll(wellBehaved(t, eventOf(t, r)), long, secret), secret)

		// An argument that the host shows shows no address's query, fragment or user.
		r.URL.Path = "/"
		r.URL.RawQuery = "next=" + url.QueryEscape("/a?"+path+secret) + "&" + "page=" + url.QueryEscape("https://"+secret+"@x/"+path)
		require.NotContains(t, wellBehaved(t, eventOf(t, r, "next", "page")), secret)
	})
}

func TestEventArgsAreNames(t *testing.T) {
	for _, names := range [][]string{{""}, {"page", "a\x00b"}, {strings.Repeat("a", 65)}, {"\xff"}, {"a\u202eb"}} {
		_, err := loginstage.New(loginstage.Config{EventArgs: names})
		var mistake *loginstage.ConfigError
		require.ErrorAs(t, err, &mistake, "%q", names)
		assert.Equal(t, "EventArgs", mistake.Field)
	}
	var config loginstage.Config
	require.NoError(t, json.Unmarshal([]byte(`{"event_args":["page","größe"]}`), &config))
	stage := loginstagetest.New(t, config)
	config.EventArgs[0] = "token"
	_, err := stage.Begin(httptest.NewRecorder(), withQuery("page=3&token=x&gr%c3%b6%c3%9fe=4"), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"page": "3", "token": hidden, "größe": "4"}, stage.Events.Last().Context.HTTPRequest.Args)
}

// A user who is not signed in is anybody's text.
func TestADeniedUserIsBounded(t *testing.T) {
	for _, user := range []string{strings.Repeat("<", 1<<20), "ada\x00\u202e\x1b[2J", "\xff\xfe"} {
		stage := loginstagetest.New(t, loginstage.Config{})
		_, err := stage.Begin(httptest.NewRecorder(), withQuery("a=b"), loginstage.User{ID: user})
		require.Error(t, err)
		event := stage.Events.Last()
		require.Equal(t, loginstage.CauseNoUser, event.Cause)
		wellBehaved(t, event)
	}
}
