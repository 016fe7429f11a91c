package connectlogin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/connectlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// text is what all methods of the test take and return.
type text = wrapperspb.StringValue

// protocol is how a client speaks to the server.
type protocol struct {
	http2   bool
	options []connect.ClientOption
}

var protocols = map[string]protocol{
	"Connect over HTTP/1.1":  {false, nil},
	"Connect over HTTP/2":    {true, nil},
	"Connect with GET":       {true, []connect.ClientOption{connect.WithHTTPGet()}},
	"gRPC over HTTP/2":       {true, []connect.ClientOption{connect.WithGRPC()}},
	"gRPC-Web over HTTP/1.1": {false, []connect.ClientOption{connect.WithGRPCWeb()}},
}

// rig is a server over TLS on a real listener, and what it is made of.
type rig struct {
	*testing.T
	protocol
	stage  *loginstagetest.Stage
	store  *loginstagetest.Store
	server *httptest.Server

	name      string      // of the protocol, where a test needs it
	collected chan string // what "Collect" has heard
}

// A mounting is a way to have the stage before the handlers.
type mounting struct {
	interceptor bool // and otherwise guards of net/http
	guards      bool // of net/http too
	spoil       func(*connectlogin.Guard)
}

func open(t *testing.T, p protocol, config loginstage.Config, m mounting) *rig {
	t.Helper()
	r := &rig{T: t, protocol: p, store: loginstagetest.NewStore(nil), collected: make(chan string, 16)}
	config.Store, config.GeoIPBinding = r.store, binding.GeoIPCountry
	config.ClientIP = clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("127.0.0.0/8"))
	if config.Deny == nil {
		config.Deny = connectlogin.Deny()
	}
	r.stage = loginstagetest.New(t, config)
	watch(t, r.stage.UserLogin)
	r.server = httptest.NewUnstartedServer(r.handler(m))
	r.server.EnableHTTP2 = p.http2
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	return r
}

// handler returns the service: what the client says is "who is next".
func (r *rig) handler(m mounting) http.Handler {
	login := r.stage.UserLogin
	guard := connectlogin.Guard{
		Login:      login,
		Public:     []string{"/shop.Shop/SignIn", "/shop.Shop/Answer", "/shop.Shop/Who", "/shop.Shop/Public"},
		Restricted: []string{"/shop.Shop/Confirm", "/shop.Shop/SignOut", "/shop.Shop/Complete"},
	}
	if m.spoil != nil {
		m.spoil(&guard)
	}
	options := []connect.HandlerOption{connect.WithIdempotency(connect.IdempotencyNoSideEffects)}
	mux := http.NewServeMux()
	mount := func(path string, handler http.Handler) {
		if !m.interceptor || m.guards {
			switch path {
			case "/shop.Shop/Confirm", "/shop.Shop/SignOut", "/shop.Shop/Complete":
				handler = login.AllowRestricted(handler)
			case "/shop.Shop/SignIn", "/shop.Shop/Answer", "/shop.Shop/Who", "/shop.Shop/Public":
				handler = login.Guard(handler)
			default:
				handler = login.Require(handler)
			}
		}
		mux.Handle(path, handler)
	}
	if m.interceptor {
		options = append(options, connect.WithInterceptors(guard))
	}
	unary := func(name string, do func(context.Context, string) (string, error)) {
		path := "/shop.Shop/" + name
		mount(path, connect.NewUnaryHandler(path, func(ctx context.Context, in *connect.Request[text]) (*connect.Response[text], error) {
			out, err := do(ctx, in.Msg.Value)
			if err != nil {
				return nil, err
			}
			return connect.NewResponse(wrapperspb.String(out)), nil
		}, options...))
	}
	current := func(ctx context.Context, _ string) (string, error) {
		return loginstagetest.AdapterUser(loginstage.Current(ctx)), nil
	}
	unary("SignIn", func(ctx context.Context, user string) (string, error) {
		challenge, err := connectlogin.Begin(ctx, login, newcomer(user))
		if challenge != nil {
			return challenge.Component, nil
		}
		return "", err
	})
	unary("Answer", func(ctx context.Context, _ string) (string, error) {
		return "", connectlogin.Finish(ctx, login, loginstage.Answer{StaySignedIn: true})
	})
	unary("Confirm", func(ctx context.Context, user string) (string, error) {
		return "", connectlogin.Confirm(ctx, login, loginstage.User{ID: user})
	})
	unary("SignOut", func(ctx context.Context, _ string) (string, error) { return "", connectlogin.Logout(ctx, login) })
	unary("Complete", func(ctx context.Context, action string) (string, error) {
		return "", connectlogin.Complete(ctx, login, action)
	})
	unary("Reauthenticate", func(ctx context.Context, user string) (string, error) {
		s, err := connectlogin.Reauthenticate(ctx, login, loginstage.User{ID: user, ACR: loginstage.ACRAAL2})
		return s.User, err
	})
	unary("Fresh", func(ctx context.Context, age string) (string, error) {
		within, err := time.ParseDuration(age)
		if err != nil {
			return "", err
		}
		return "", connectlogin.RequireFresh(ctx, login, within)
	})
	unary("Strong", func(ctx context.Context, acr string) (string, error) {
		return "", connectlogin.RequireACR(ctx, login, strings.Fields(acr)...)
	})
	unary("Who", current)
	unary("Private", current)
	mount("/shop.Shop/Watch", connect.NewServerStreamHandler("/shop.Shop/Watch", func(ctx context.Context, in *connect.Request[text], out *connect.ServerStream[text]) error {
		for _, said := range []string{"one", "two"} {
			if err := out.Send(wrapperspb.String(said + " " + loginstagetest.AdapterUser(loginstage.Current(ctx)))); err != nil {
				return err
			}
		}
		_, err := connectlogin.Begin(ctx, login, loginstage.User{ID: "eve"})
		if !errors.Is(err, connectlogin.ErrNotUnary) {
			return errors.New("a stream signed somebody in")
		}
		return nil
	}, options...))
	for name, stream := range map[string]func(context.Context, *connect.BidiStream[text, text]) error{
		"Echo": echo, "Waiting": waiting, "Busy": busy, "Public": waiting,
	} {
		mount("/shop.Shop/"+name, connect.NewBidiStreamHandler("/shop.Shop/"+name, stream, options...))
	}
	mount("/shop.Shop/Ticks", connect.NewServerStreamHandler("/shop.Shop/Ticks", ticks, options...))
	mount("/shop.Shop/Collect", connect.NewClientStreamHandler("/shop.Shop/Collect", r.collect, options...))
	return mux
}

// client is a caller with cookies, or with a token.
type client struct {
	*rig
	http   http.Client
	ip     netip.Addr
	bearer string
}

func (r *rig) client() *client {
	jar, err := cookiejar.New(nil)
	require.NoError(r, err)
	return &client{rig: r, http: http.Client{Transport: r.server.Client().Transport, Jar: jar}, ip: bindingtest.Berlin}
}

func (r *rig) signedIn(user string) *client {
	r.Helper()
	c := r.client()
	_, err := c.call("SignIn", user)
	require.NoError(r, err)
	return c
}

func (c *client) request(in string) *connect.Request[text] {
	request := connect.NewRequest(wrapperspb.String(in))
	if c.ip.IsValid() {
		request.Header().Set("X-Forwarded-For", c.ip.String())
	}
	if c.bearer != "" {
		request.Header().Set("Authorization", "Bearer "+c.bearer)
	}
	return request
}

func (c *client) remote(method string) *connect.Client[text, text] {
	options := append([]connect.ClientOption{connect.WithIdempotency(connect.IdempotencyNoSideEffects)}, c.options...)
	return connect.NewClient[text, text](&c.http, c.server.URL+"/shop.Shop/"+method, options...)
}

// call calls a unary method, and keeps the token of the answer.
func (c *client) call(method, in string) (string, error) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	response, err := c.remote(method).CallUnary(ctx, c.request(in))
	if err != nil {
		return "", err
	}
	header := response.Header()
	if token := header.Get(session.DefaultTokenHeader); token != "" {
		c.bearer = token
	}
	if header.Get("Set-Cookie") != "" || header.Get(session.DefaultTokenHeader) != "" {
		assert.Equal(c, []string{"no-store"}, header["Cache-Control"])
	}
	return response.Msg.Value, nil
}

func (c *client) is(want, method string) {
	c.Helper()
	got, err := c.call(method, "")
	require.NoError(c, err)
	require.Equal(c, want, got, method)
}

// denied checks that err is that of a denial, and returns what it says besides.
func denied(t *testing.T, code connect.Code, reason string, err error) map[string]string {
	t.Helper()
	var failed *connect.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, code, failed.Code(), "%v", err)
	require.NotEmpty(t, failed.Details(), "%v", err)
	detail, err := failed.Details()[0].Value()
	require.NoError(t, err)
	info, ok := detail.(*errdetails.ErrorInfo)
	require.True(t, ok)
	assert.Equal(t, reason, info.Reason)
	assert.Equal(t, connectlogin.ErrorDomain, info.Domain)
	return info.Metadata
}

// each runs the test in every protocol, with guards of net/http and with the
// interceptor.
func each(t *testing.T, config loginstage.Config, test func(t *testing.T, r *rig)) {
	for name, p := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Run("guard", func(t *testing.T) { test(t, open(t, p, config, mounting{})) })
			t.Run("interceptor", func(t *testing.T) { test(t, open(t, p, config, mounting{interceptor: true})) })
		})
	}
}

func TestSignInAndSignOut(t *testing.T) {
	for _, carrier := range []session.Carrier{session.Cookie{}, session.Bearer{}} {
		each(t, loginstage.Config{Carrier: carrier}, func(t *testing.T, r *rig) {
			c := r.client()
			c.is("nobody", "Who")
			_, err := c.call("Private", "")
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)

			_, err = c.call("SignIn", "ada")
			require.NoError(t, err)
			c.is("ada", "Who")
			c.is("ada", "Private")
			login := r.stage.Events.Last()
			assert.Equal(t, loginstage.ActionLogin, login.Action)
			assert.Equal(t, bindingtest.Berlin, login.ClientIP)
			assert.Equal(t, "/shop.Shop/SignIn", login.Context.HTTPRequest.Path)
			assert.Contains(t, login.Context.HTTPRequest.UserAgent, "connect")

			_, err = c.call("SignOut", "")
			require.NoError(t, err)
			_, err = c.call("Private", "")
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
			_, err = c.call("SignIn", "")
			assert.Error(t, err)
		})
	}
}

func TestPrompt(t *testing.T) {
	each(t, loginstage.Config{StaySignedInOffset: duration.Duration(time.Hour)}, func(t *testing.T, r *rig) {
		c := r.client()
		asked, err := c.call("SignIn", "ada")
		require.NoError(t, err)
		assert.Equal(t, loginstage.ComponentStaySignedIn, asked)
		c.is("nobody", "Who")
		_, err = c.call("Answer", "")
		require.NoError(t, err)
		c.is("ada", "Private")
	})
}

func TestBrokenBinding(t *testing.T) {
	each(t, loginstage.Config{}, func(t *testing.T, r *rig) {
		c := r.signedIn("ada")
		c.ip = bindingtest.Paris
		_, err := c.call("Who", "") // public, and all the same
		denied(t, connect.CodeUnauthenticated, "BROKEN", err)
		assert.Equal(t, binding.GeoIPCountryChanged, r.stage.Events.Last().Context.Binding.Reason)
		c.ip = bindingtest.Berlin
		c.is("nobody", "Who")
	})
}

func TestStepUp(t *testing.T) {
	each(t, loginstage.Config{Actions: binding.Always(binding.StepUp)}, func(t *testing.T, r *rig) {
		c := r.signedIn("ada")
		c.ip = bindingtest.Paris
		_, err := c.call("Private", "")
		denied(t, connect.CodePermissionDenied, "STEP_UP", err)
		c.is("nobody", "Who")
		_, err = c.call("Confirm", "eve")
		require.Error(t, err)
		_, err = c.call("Private", "")
		denied(t, connect.CodePermissionDenied, "STEP_UP", err)
		_, err = c.call("Confirm", "ada")
		require.NoError(t, err)
		c.is("ada", "Private")
	})
}

// newcomer returns the user, who has something to do first where the ID says so.
func newcomer(id string) loginstage.User {
	user := loginstage.User{ID: id}
	if strings.HasPrefix(id, "new-") {
		user.Required = []string{"terms"}
	}
	return user
}

// A session with required actions is anonymous to public procedures, and admitted to
// those for restricted sessions, as it is by the guard of net/http.
func TestRequiredActions(t *testing.T) {
	each(t, loginstage.Config{}, func(t *testing.T, r *rig) {
		c := r.signedIn("new-ada")
		_, err := c.call("Private", "")
		assert.Equal(t, map[string]string{"required": `["terms"]`}, denied(t, connect.CodePermissionDenied, "REQUIRED", err))
		c.is("nobody", "Who")
		_, err = c.call("Complete", "another")
		require.Error(t, err)
		_, err = c.call("Complete", "terms")
		require.NoError(t, err)
		c.is("new-ada", "Private")
		_, err = c.call("SignOut", "")
		require.NoError(t, err)
	})
}

func TestWhereNobodyKnows(t *testing.T) {
	each(t, loginstage.Config{}, func(t *testing.T, r *rig) {
		c := r.signedIn("ada")
		r.store.Fail(errors.New("the store is down"))
		for _, method := range []string{"Private", "Who"} {
			_, err := c.call(method, "")
			denied(t, connect.CodeUnavailable, "UNAVAILABLE", err)
			assert.NotContains(t, err.Error(), "the store is down")
		}
		r.store.Repair()
		c.ip = netip.Addr{}
		_, err := c.call("Private", "")
		denied(t, connect.CodeUnavailable, "UNAVAILABLE", err)
		c.ip = bindingtest.Berlin
		c.is("ada", "Private")
	})
}

func TestStreams(t *testing.T) {
	each(t, loginstage.Config{}, func(t *testing.T, r *rig) {
		stream, err := r.signedIn("ada").watch()
		require.NoError(t, err)
		for _, said := range []string{"one ada", "two ada"} {
			require.True(t, stream.Receive(), "%v", stream.Err())
			assert.Equal(t, said, stream.Msg().Value)
		}
		assert.False(t, stream.Receive())
		require.NoError(t, stream.Err())
		stream, err = r.client().watch()
		if err == nil {
			assert.False(t, stream.Receive())
			err = stream.Err()
		}
		denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
	})
}

func (c *client) watch() (*connect.ServerStreamForClient[text], error) {
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	c.Cleanup(cancel)
	return c.remote("Watch").CallServerStream(ctx, c.request(""))
}

// What a GET is answered depends on who asks: no cache may give it to another.
func TestGetIsPrivate(t *testing.T) {
	for _, m := range []mounting{{}, {interceptor: true}} {
		r := open(t, protocols["Connect with GET"], loginstage.Config{}, m)
		c := r.signedIn("ada")
		response, err := c.remote("Private").CallUnary(t.Context(), c.request(""))
		require.NoError(t, err)
		assert.Equal(t, []string{"private, no-cache"}, response.Header()["Cache-Control"])
		assert.Contains(t, strings.Join(response.Header()["Vary"], ", "), "Cookie")

		_, err = r.client().remote("Private").CallUnary(t.Context(), c.request(""))
		var failed *connect.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []string{"no-store"}, failed.Meta()["Cache-Control"])
	}
}

func TestMethodsThatNobodyNamed(t *testing.T) {
	for name, list := range map[string][]string{
		"none": nil, "empty": {""}, "all": {"/"}, "a prefix": {"/shop.Shop"}, "another service": {"/shop.Sho/"}, "another method": {"/shop.Shop/Whos"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, protocol{}, loginstage.Config{}, mounting{interceptor: true, spoil: func(g *connectlogin.Guard) { g.Public = list }})
			_, err := r.client().call("Who", "")
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
		})
	}
	r := open(t, protocol{}, loginstage.Config{}, mounting{interceptor: true, spoil: func(g *connectlogin.Guard) { g.Public = []string{"/shop.Shop/"} }})
	r.client().is("nobody", "Private")
}

// What a method asks for besides a session is told to the client.
func TestRequireFreshAndACR(t *testing.T) {
	each(t, loginstage.Config{}, func(t *testing.T, r *rig) {
		c := r.signedIn("ada")
		_, err := c.call("Fresh", "1h")
		require.NoError(t, err)
		_, err = c.call("Fresh", "1ns")
		assert.Equal(t, map[string]string{"max_age": "0"}, denied(t, connect.CodeUnauthenticated, "STALE", err))
		_, err = c.call("Fresh", "0s")
		denied(t, connect.CodeUnauthenticated, "STALE", err)
		_, err = c.call("Strong", loginstage.ACRAAL2)
		assert.Equal(t, map[string]string{"acr_values": loginstage.ACRAAL2}, denied(t, connect.CodeUnauthenticated, "ACR", err))
		_, err = c.call("Strong", "")
		denied(t, connect.CodeUnauthenticated, "ACR", err)
		who, err := c.call("Reauthenticate", "ada")
		require.NoError(t, err)
		assert.Equal(t, "ada", who)
		_, err = c.call("Strong", loginstage.ACRAAL2)
		require.NoError(t, err)
	})
}

func TestGuardWithoutLogin(t *testing.T) {
	r := open(t, protocol{}, loginstage.Config{}, mounting{interceptor: true, spoil: func(g *connectlogin.Guard) { g.Login = nil }})
	_, err := r.client().call("Who", "")
	assert.Equal(t, connect.CodeInternal, connect.CodeOf(err))
}

// The host's own denial is what the client gets; one that returns nil denies all the
// same.
func TestGuardsOwnDeny(t *testing.T) {
	own := connect.NewError(connect.CodePermissionDenied, errors.New("no"))
	for _, want := range []error{own, nil} {
		r := open(t, protocol{}, loginstage.Config{}, mounting{interceptor: true, spoil: func(g *connectlogin.Guard) {
			g.Deny = func(context.Context, *loginstage.AccessError) error { return want }
		}})
		_, err := r.client().call("Private", "")
		if want == nil {
			denied(t, connect.CodeUnauthenticated, "SIGN_IN", err)
		} else {
			assert.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err))
		}
	}
}

// A host of pages and of Connect has one Deny.
func TestDenyOfPages(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: connectlogin.Deny(), LoginURL: "/login"})
	response := loginstagetest.NewBrowser(t, stage.Require(http.NotFoundHandler())).Get("/account")
	assert.Equal(t, http.StatusSeeOther, response.StatusCode)
	assert.Equal(t, "/login?next=%2Faccount", response.Header.Get("Location"))
}

func TestDoOutsideOfAMethod(t *testing.T) {
	err := connectlogin.Do(t.Context(), func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "called")
		return err
	})
	assert.ErrorIs(t, err, connectlogin.ErrNotUnary)
}
