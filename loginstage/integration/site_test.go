package integration

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/memstore"
)

// A site is an application over HTTPS, on an address of its own: browsers share
// cookies between ports.
type site struct {
	t      *testing.T
	url    string
	spki   string // of its certificate
	server *httptest.Server
	config loginstage.Config
	login  *loginstage.UserLogin
	events *loginstagetest.Recorder

	address atomic.Pointer[netip.Addr] // where all its visitors come from
	failing atomic.Int32               // how many proofs are answered with 503
	passes  atomic.Bool                // false: what a proof brings does not reach the browser
	current atomic.Pointer[http.Handler]
	mu      sync.Mutex
	served  []visit
}

// A visit is a request that was answered.
type visit struct {
	at     time.Time
	what   string // method and path
	status int
	skip   string // why the browser sent it without proving its key
}

var hosts atomic.Int32 // how many have been used

// openSite starts a site that asks for a proof where a session changes its country,
// and takes a key where there is one.
func openSite(t *testing.T, change ...func(*loginstage.Config)) *site {
	t.Helper()
	s := &site{t: t, events: &loginstagetest.Recorder{}}
	s.moveTo(bindingtest.Berlin)
	s.passes.Store(true)
	config := loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		GeoIPBinding:    binding.GeoIPCountry,
		Actions:         binding.Always(binding.Prove),
		DeviceKey:       loginstage.DeviceKeyOffer,
		ProveEvery:      duration.MustParse("minutes=5"),
		Locator:         bindingtest.Places(),
		ClientIP:        s,
		Events:          s.events,
		LoginURL:        "/login",
	}
	for _, c := range change {
		c(&config)
	}
	config.Store = memstore.New()
	s.config = config
	s.serve(bytes.Repeat([]byte{1}, devicekey.MinSecret))

	n := hosts.Add(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.%d:0", 1+n/250, 1+n%250))
	if err != nil && runtime.GOOS != "linux" {
		t.Skipf("this system has one loopback address: %v", err)
	}
	require.NoError(t, err)
	s.server = httptest.NewUnstartedServer(s.counting(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.current.Load()).ServeHTTP(w, r)
	})))
	s.server.Listener.Close()
	s.server.Listener = listener
	s.server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	s.url = s.server.URL
	spki := sha256.Sum256(s.server.Certificate().RawSubjectPublicKeyInfo)
	s.spki = base64.StdEncoding.EncodeToString(spki[:])
	return s
}

// serve has the site go on with these secrets, as after a restart.
func (s *site) serve(newestFirst ...[]byte) {
	s.t.Helper()
	var err error
	s.config.DeviceSecrets, err = devicekey.NewSecrets(newestFirst...)
	require.NoError(s.t, err)
	s.login, err = loginstage.New(s.config)
	require.NoError(s.t, err)
	handler := s.handler()
	s.current.Store(&handler)
}

// rotateSecrets has the site restart with another secret, beside the former.
func (s *site) rotateSecrets() {
	s.t.Helper()
	s.serve(bytes.Repeat([]byte{2}, devicekey.MinSecret), bytes.Repeat([]byte{1}, devicekey.MinSecret))
}

// ClientIP returns where a thief says to come from, and for anybody else where all
// visitors are.
func (s *site) ClientIP(r *http.Request) (netip.Addr, error) {
	if from := r.Header.Get("Test-From"); from != "" {
		return netip.ParseAddr(from)
	}
	return *s.address.Load(), nil
}

func (s *site) moveTo(address netip.Addr) { s.address.Store(&address) }

// policy is what strict hosts set.
const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'"

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, title, body string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		fmt.Fprintf(w, "<!doctype html><title>%s</title><link rel=icon href=\"data:,\">%s", title, body)
	}
	const script = `<script src="/mooring/device-key.js" defer></script>`
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		page(w, "sign in", script+`<form method="post"><button>Sign in</button></form>`)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.login.Begin(w, r, loginstage.User{ID: "ada", Name: "Ada"}); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := s.login.Logout(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	member := func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, s.login.Require(handler)) }
	member("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page(w, "home", script+`
			<form id="plain" method="post" action="/form"><input name="b" value="1"><input name="a" value="é &amp; 2"><input name="submit" value="x"><input name="a" value="3"></form>
			<form id="file" method="post" action="/form" enctype="multipart/form-data"><input name="b" value="1"><textarea name="long"></textarea></form>
			<form id="logout" method="post" action="/logout"></form>`)
	})
	member("GET /plain", func(w http.ResponseWriter, r *http.Request) { page(w, "plain", "") })
	member("GET /frame", func(w http.ResponseWriter, r *http.Request) { page(w, "frame", `<iframe src="/plain"></iframe>`) })
	member("POST /form", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		page(w, "form", fmt.Sprintf("<p>%v %d</p>", r.PostForm["a"], len(r.PostForm.Get("long"))))
	})
	member("/echo", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"method":%q,"length":%d}`, r.Method, n)
	})
	site := http.NewServeMux()
	keys := s.login.DeviceKeys()
	site.HandleFunc("/mooring/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && s.failing.Add(-1) >= 0 {
			http.Error(w, "failing", http.StatusServiceUnavailable)
			return
		}
		if r.URL.Path == "/mooring/page/prove" && !s.passes.Load() {
			w = &cookieless{w}
		}
		keys.ServeHTTP(w, r)
	})
	site.Handle("/", s.login.Guard(mux))
	site.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, r *http.Request) {
		page(w, "elsewhere", `<a id="link" href="`+r.FormValue("to")+`">go</a>`)
	})
	return site
}

// counting keeps what was asked for and answered.
func (s *site) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, noted := time.Now(), &noted{w, http.StatusOK}
		next.ServeHTTP(noted, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.served = append(s.served, visit{at, r.Method + " " + r.URL.Path, noted.status, r.Header.Get("Secure-Session-Skipped")})
	})
}

type noted struct {
	http.ResponseWriter
	status int
}

func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// cookieless takes cookies out of an answer, as a proxy might.
type cookieless struct{ http.ResponseWriter }

func (c *cookieless) Write(b []byte) (int, error) {
	c.Header().Del("Set-Cookie")
	return c.ResponseWriter.Write(b)
}

// visits returns what was asked for since the call before, and begins again.
func (s *site) visits() visits {
	s.mu.Lock()
	defer s.mu.Unlock()
	served := s.served
	s.served = nil
	slices.SortStableFunc(served, func(a, b visit) int { return a.at.Compare(b.at) })
	return served
}

type visits []visit

// count returns how many there were of a method and path, with the status.
func (v visits) count(what string, status int) int {
	n := 0
	for _, one := range v {
		if one.what == what && one.status == status {
			n++
		}
	}
	return n
}

func (v visits) String() string {
	var lines []string
	for _, one := range v {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %s", one.what, one.status, one.skip)))
	}
	return strings.Join(lines, "\n")
}

// session returns the one session of the user.
func (s *site) session() session.Session {
	s.t.Helper()
	all, err := s.login.Sessions(s.t.Context(), "ada")
	require.NoError(s.t, err)
	require.Len(s.t, all, 1)
	return all[0]
}

// told returns the events of the action: the stage waits for a sink a tenth of a second only.
func (s *site) told(action loginstage.Action) []loginstage.Event {
	s.t.Helper()
	require.NoError(s.t, s.login.Flush(s.t.Context()))
	return s.events.Of(action)
}

// newest returns the session of the user that was signed in last.
func (s *site) newest() session.Session {
	s.t.Helper()
	all, err := s.login.Sessions(s.t.Context(), "ada")
	require.NoError(s.t, err)
	require.NotEmpty(s.t, all)
	return slices.MaxFunc(all, func(a, b session.Session) int { return a.Created.Compare(b.Created) })
}

// client returns a client that follows no redirect and keeps no cookie.
func (s *site) client() *http.Client {
	client := *s.server.Client()
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com" // as the certificate says
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// asked returns how often what was asked for since visits.
func (s *site) asked(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return visits(s.served).count(what, http.StatusOK)
}
