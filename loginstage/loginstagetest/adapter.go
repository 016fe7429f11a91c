package loginstagetest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// An Adapter is a host for [RunAdapter], written with a web framework and the
// middleware that adapts a [loginstage.UserLogin] to it. Its handlers are written as a
// host would write them, and say what came of a step by [AdapterStatus] and who is
// signed in by [AdapterUser]. It has these routes:
//
//	POST /begin?user=U     Guard            Begin for U; then Cache-Control: public; AdapterStatus
//	POST /finish           Guard            Finish with an answer that stays signed in; AdapterStatus
//	POST /logout           Guard            Logout; AdapterStatus
//	POST /confirm?user=U   AllowRestricted  Confirm for U; AdapterStatus
//	GET  /current          Guard            200 and AdapterUser of Current
//	GET  /bare             none             200 and AdapterUser of Current
//	GET  /private          Require          200 and AdapterUser of Current
//	OPTIONS /private       Require          202 and any text, Access-Control-Allow-Origin: AdapterUser of
//	                                        Current, Access-Control-Allow-Headers: the request's Cookie
//	GET  /restricted       AllowRestricted  200 and AdapterUser of Current
//	GET  /fresh            RequireFresh(time.Hour): 200 and AdapterUser of Current
//	GET  /strong           RequireACR(loginstage.ACRAAL2): 200 and AdapterUser of Current
//	GET  /order            Require, AllowRestricted inside: 200 and AdapterUser of Current
//	GET  /twice            Guard, Guard, Require, Require: 200 and AdapterUser of Current
//	GET  /items/ID         Require          200 and ID, unescaped, as the router has it
//	GET  /stream           Require          200, "first\n", flushed; AdapterHost.Wait; "second\n"
//	GET  /live             Require          200, text/event-stream, "open\n", flushed, until Live ends; then
//	                                        AdapterEnding and "\n"
//	GET  /late             Guard            200, "late\n", flushed; Begin for "ada"; the error's text
//	GET  /panic            Guard            panics; the framework's recovery answers 500
//	GET  /error            Guard            an error in the framework's way, for 418
//	POST /upload           Require          200 and the size of the form's file "file"
//	GET  /hijack           Require          101, Upgrade: kit, and "hijacked\n" on the connection
//
// Where the protocol knows no hijacking, /hijack answers 501 and the text of the error.
type Adapter struct {
	// Handler returns the host. RunAdapter serves it over HTTP/1.1 and HTTP/2.
	Handler func(t *testing.T, host AdapterHost) http.Handler

	// Serve, where Handler is nil, serves the host on a listener, which does TLS, until
	// the test ends. It is for frameworks that are no http.Handler, over HTTP/1.1.
	Serve func(t *testing.T, host AdapterHost, listener net.Listener)

	// Deny is a [loginstage.Config.Deny] of the adapter's, which answers in the
	// framework's way 418 and the text of the denial. nil: the adapter has none.
	Deny func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError)

	// Buffers says that the framework sends the header after the handler has returned,
	// so that a handler is never late. /late is not asked for.
	Buffers bool
}

// AdapterHost is what the host of an [Adapter] is made of.
type AdapterHost struct {
	Login *loginstage.UserLogin

	proceed <-chan struct{}
}

// Wait returns once the client has seen what the handler has flushed, or after half
// a minute.
func (h AdapterHost) Wait() {
	select {
	case <-h.proceed:
	case <-time.After(adapterPatience):
	}
}

// AdapterStatus returns the status by which a host of an [Adapter] says what came of
// Begin, Finish, Confirm or Logout.
func AdapterStatus(challenge *loginstage.Challenge, err error) int {
	if challenge != nil {
		return http.StatusAccepted
	}
	if err == nil {
		return http.StatusNoContent
	}
	if _, ok := errors.AsType[*loginstage.DeniedError](err); ok {
		return http.StatusForbidden
	}
	if _, ok := errors.AsType[*loginstage.MovedError](err); ok {
		return http.StatusMisdirectedRequest
	}
	if errors.Is(err, loginstage.ErrNoChallenge) {
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

// AdapterUser returns how a host of an [Adapter] names who is signed in: what
// [loginstage.Current] returns.
func AdapterUser(s session.Session, signedIn bool) string {
	if !signedIn {
		return "nobody"
	}
	return s.User
}

// AdapterEnding returns how a host of an [Adapter] says why a context of
// [loginstage.UserLogin.Live] has ended: the cause of its session's ending.
func AdapterEnding(live context.Context) string {
	why, ok := errors.AsType[*loginstage.LiveError](live.Err())
	if !ok {
		return "the session has not ended"
	}
	if why.Ending == "" {
		return why.Error()
	}
	return string(why.Ending)
}

// RunAdapter checks that an adapter of a web framework hands on what the guard decides
// and what the framework has, over real listeners. Each rule is a subtest, and one that
// fails says what the rule is.
func RunAdapter(t *testing.T, adapter Adapter) {
	protocols := []string{"HTTP/1.1", "HTTP/2.0"}
	if adapter.Handler == nil {
		protocols = protocols[:1]
	}
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) { runRules(t, adapterRules, adapter, protocol) })
	}
}

// runRules checks the rules over the protocol.
func runRules(t *testing.T, rules []adapterRule, adapter Adapter, protocol string) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Log("The rule: " + rule.text)
				}
			}()
			rule.check(&adapterFixture{T: t, adapter: adapter, protocol: protocol})
		})
	}
}

// adapterPatience is how long a rule waits for what has to happen.
var adapterPatience = 30 * time.Second

// An adapterRule is one sentence of what an adapter keeps.
type adapterRule struct {
	name  string
	text  string
	check func(f *adapterFixture)
}

// adapterFixture is the host of one rule.
type adapterFixture struct {
	*testing.T
	adapter  Adapter
	protocol string

	stage   *Stage
	store   *Store
	url     string
	server  *http.Client // which trusts the server, without cookies
	proceed chan struct{}
}

// serve serves the host with a stage that config describes, until the test ends.
func (f *adapterFixture) serve(config loginstage.Config) {
	f.Helper()
	f.store, f.proceed = NewStore(nil), make(chan struct{}, 1)
	config.Store, config.ClientIP = f.store, behindLoopback
	f.stage = New(f, config)
	host := AdapterHost{Login: f.stage.UserLogin, proceed: f.proceed}
	server := newTLSServer(f, f.protocol)
	f.Cleanup(f.watch()) // before the server is closed, which waits for its streams
	if f.adapter.Handler != nil {
		server.Config.Handler = f.adapter.Handler(f.T, host)
		server.StartTLS()
		f.url, f.server = server.URL, server.Client()
		return
	}
	server.StartTLS() // for its certificate and its client
	listener := listenTLS(f, server.TLS.Certificates)
	f.url, f.server = "https://"+listener.Addr().String(), server.Client()
	f.adapter.Serve(f.T, host, listener)
	f.Cleanup(f.server.CloseIdleConnections) // before the host shuts down, and waits for them
	f.ready()
}

// watch has the stage end live contexts, until stop is called.
func (f *adapterFixture) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.Context()))
	done := make(chan error, 1)
	go func() { done <- f.stage.Watch(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			f.Errorf("loginstagetest: watching the store: %v", err)
		}
	}
}

// ready waits until the host answers.
func (f *adapterFixture) ready() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), adapterPatience)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/bare", nil)
		if err != nil {
			f.Fatal(err)
		}
		if response, err := f.server.Do(r); err == nil {
			_ = response.Body.Close()
			return
		} else if ctx.Err() != nil {
			f.Fatalf("loginstagetest: the host does not answer: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
}
