package grpclogin_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// text is what all methods of the test take and return.
type text = wrapperspb.StringValue

// host is a gRPC service whose methods are functions.
type host struct {
	unary   map[string]func(ctx context.Context, in string) (string, error)
	streams map[string]func(stream grpc.ServerStream) error
}

func (h host) description() *grpc.ServiceDesc {
	description := &grpc.ServiceDesc{ServiceName: "shop.Shop", HandlerType: (*any)(nil)}
	for name, method := range h.unary {
		description.Methods = append(description.Methods, grpc.MethodDesc{MethodName: name, Handler: func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			in := new(text)
			if err := decode(in); err != nil {
				return nil, err
			}
			handle := func(ctx context.Context, in any) (any, error) {
				out, err := method(ctx, in.(*text).Value)
				return wrapperspb.String(out), err
			}
			if interceptor == nil {
				return handle(ctx, in)
			}
			return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: server, FullMethod: "/shop.Shop/" + name}, handle)
		}})
	}
	for name, stream := range h.streams {
		description.Streams = append(description.Streams, grpc.StreamDesc{
			StreamName: name, ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return stream(s) },
		})
	}
	return description
}

// rig is a server over TLS on a real listener, and what it is made of.
type rig struct {
	*testing.T
	stage *loginstagetest.Stage
	store *loginstagetest.Store
	conn  *grpc.ClientConn
	flood func(grpc.ServerStream) error // the stream "Flood"
}

func open(t *testing.T, config loginstage.Config, spoil func(*grpclogin.Guard)) *rig {
	t.Helper()
	r := &rig{T: t, store: loginstagetest.NewStore(nil)}
	config.Store, config.GeoIPBinding = r.store, binding.GeoIPCountry
	config.ClientIP = clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("127.0.0.0/8"))
	if config.Carrier == nil {
		config.Carrier = session.Bearer{}
	}
	r.stage = loginstagetest.New(t, config)
	login := r.stage.UserLogin
	watch(t, login)
	current := func(ctx context.Context, _ string) (string, error) {
		return loginstagetest.AdapterUser(loginstage.Current(ctx)), nil
	}
	service := host{
		unary: map[string]func(context.Context, string) (string, error){
			"SignIn": func(ctx context.Context, user string) (string, error) {
				challenge, err := grpclogin.Begin(ctx, login, newcomer(user))
				if challenge != nil {
					return challenge.Component, nil
				}
				return "", err
			},
			"Answer": func(ctx context.Context, _ string) (string, error) {
				return "", grpclogin.Finish(ctx, login, loginstage.Answer{StaySignedIn: true})
			},
			"Confirm": func(ctx context.Context, user string) (string, error) {
				return "", grpclogin.Confirm(ctx, login, loginstage.User{ID: user})
			},
			"SignOut": func(ctx context.Context, _ string) (string, error) { return "", grpclogin.Logout(ctx, login) },
			"Complete": func(ctx context.Context, action string) (string, error) {
				return "", grpclogin.Complete(ctx, login, action)
			},
			"Reauthenticate": func(ctx context.Context, user string) (string, error) {
				s, err := grpclogin.Reauthenticate(ctx, login, loginstage.User{ID: user, ACR: loginstage.ACRAAL2})
				return s.User, err
			},
			"Fresh": func(ctx context.Context, age string) (string, error) {
				within, err := time.ParseDuration(age)
				if err != nil {
					return "", err
				}
				return "", grpclogin.RequireFresh(ctx, login, within)
			},
			"Strong": func(ctx context.Context, acr string) (string, error) {
				return "", grpclogin.RequireACR(ctx, login, strings.Fields(acr)...)
			},
			"Late": func(ctx context.Context, user string) (string, error) {
				if err := grpc.SendHeader(ctx, metadata.MD{}); err != nil {
					return "", err
				}
				_, err := grpclogin.Begin(ctx, login, loginstage.User{ID: user})
				return "", err
			},
			"Who": current, "Private": current,
		},
		streams: map[string]func(grpc.ServerStream) error{
			"Busy": busy, "Waiting": waiting, "Public": waiting,
			"Flood": func(stream grpc.ServerStream) error { return r.flood(stream) },
			"Watch": func(stream grpc.ServerStream) error {
				for {
					in := new(text)
					if err := stream.RecvMsg(in); errors.Is(err, io.EOF) {
						return nil
					} else if err != nil {
						return err
					}
					if err := stream.SendMsg(wrapperspb.String(in.Value + " " + loginstagetest.AdapterUser(loginstage.Current(stream.Context())))); err != nil {
						return err
					}
				}
			},
		},
	}
	guard := grpclogin.Guard{
		Login:      login,
		Public:     []string{"/shop.Shop/SignIn", "/shop.Shop/Answer", "/shop.Shop/Who", "/shop.Shop/Late", "/shop.Shop/Public"},
		Restricted: []string{"/shop.Shop/Confirm", "/shop.Shop/SignOut", "/shop.Shop/Complete"},
	}
	if spoil != nil {
		spoil(&guard)
	}
	certified := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(certified.Close)
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS13})),
		grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream),
	)
	server.RegisterService(service.description(), service)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		assert.NoError(t, <-stopped)
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(certified.Certificate())
	r.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13})))
	require.NoError(t, err)
	t.Cleanup(func() { r.conn.Close() })
	return r
}

// client is a caller with a token or a cookie.
type client struct {
	*rig
	ip     netip.Addr
	header metadata.MD
}

func (r *rig) client() *client { return &client{rig: r, ip: bindingtest.Berlin} }

func (r *rig) signedIn(user string) *client {
	r.Helper()
	c := r.client()
	_, err := c.call("SignIn", user)
	require.NoError(r, err)
	return c
}

func (c *client) context() context.Context {
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	c.Cleanup(cancel)
	md := c.header.Copy()
	if md == nil {
		md = metadata.MD{}
	}
	if c.ip.IsValid() {
		md.Set("x-forwarded-for", c.ip.String())
	}
	return metadata.NewOutgoingContext(ctx, md)
}

// call calls a method, and keeps the token of the answer.
func (c *client) call(method, in string) (string, error) {
	c.Helper()
	out, header := new(text), metadata.MD{}
	err := c.conn.Invoke(c.context(), "/shop.Shop/"+method, wrapperspb.String(in), out, grpc.Header(&header))
	if tokens := header.Get(session.DefaultTokenHeader); len(tokens) > 0 {
		assert.Equal(c, []string{"no-store"}, header.Get("cache-control"))
		c.header = metadata.Pairs("authorization", "Bearer "+tokens[len(tokens)-1])
	}
	for _, line := range header.Get("set-cookie") {
		if c.header == nil {
			c.header = metadata.MD{}
		}
		c.header.Append("cookie", line[:indexOf(line, ';')])
	}
	return out.Value, err
}

func indexOf(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return len(s)
}

func (c *client) is(want, method string) {
	c.Helper()
	got, err := c.call(method, "")
	require.NoError(c, err)
	require.Equal(c, want, got, method)
}

// denied checks that err is the status of a denial, and returns what it says besides.
func denied(t *testing.T, code codes.Code, reason string, err error) map[string]string {
	t.Helper()
	said := status.Convert(err)
	require.Equal(t, code, said.Code(), "%v", err)
	require.NotEmpty(t, said.Details())
	info, ok := said.Details()[0].(*errdetails.ErrorInfo)
	require.True(t, ok)
	assert.Equal(t, reason, info.Reason)
	assert.Equal(t, grpclogin.ErrorDomain, info.Domain)
	return info.Metadata
}

func TestSignInAndSignOut(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.client()
	c.is("nobody", "Who")
	_, err := c.call("Private", "")
	denied(t, codes.Unauthenticated, "SIGN_IN", err)

	_, err = c.call("SignIn", "ada")
	require.NoError(t, err)
	c.is("ada", "Who")
	c.is("ada", "Private")
	login := r.stage.Events.Last()
	assert.Equal(t, loginstage.ActionLogin, login.Action)
	assert.Equal(t, bindingtest.Berlin, login.ClientIP)
	assert.Equal(t, "/shop.Shop/SignIn", login.Context.HTTPRequest.Path)
	assert.Contains(t, login.Context.HTTPRequest.UserAgent, "grpc-go")

	stolen := &client{rig: r, ip: c.ip, header: c.header}
	_, err = c.call("SignOut", "")
	require.NoError(t, err)
	_, err = stolen.call("Private", "")
	denied(t, codes.Unauthenticated, "SIGN_IN", err)
}

func TestUsersThatAreNotSignedIn(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	_, err := r.client().call("SignIn", "")
	require.Error(t, err)
	_, err = r.client().call("Late", "ada")
	require.ErrorContains(t, err, "the response has begun")
	assert.Empty(t, r.stage.Events.Of(loginstage.ActionLogin))
	assert.Error(t, grpclogin.Logout(t.Context(), r.stage.UserLogin), "no method's context")
}

func TestPrompt(t *testing.T) {
	r := open(t, loginstage.Config{Carrier: session.Cookie{}, StaySignedInOffset: duration.Duration(time.Hour)}, nil)
	c := r.client()
	asked, err := c.call("SignIn", "ada")
	require.NoError(t, err)
	assert.Equal(t, loginstage.ComponentStaySignedIn, asked)
	c.is("nobody", "Who")
	_, err = c.call("Answer", "")
	require.NoError(t, err)
	c.is("ada", "Private")
}

func TestBrokenBinding(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("ada")
	c.ip = bindingtest.Paris
	_, err := c.call("Who", "") // public, and all the same
	denied(t, codes.Unauthenticated, "BROKEN", err)
	assert.Equal(t, binding.GeoIPCountryChanged, r.stage.Events.Last().Context.Binding.Reason)
	c.ip = bindingtest.Berlin
	c.is("nobody", "Who")
}

func TestStepUp(t *testing.T) {
	r := open(t, loginstage.Config{Actions: binding.Always(binding.StepUp)}, nil)
	c := r.signedIn("ada")
	c.ip = bindingtest.Paris
	_, err := c.call("Private", "")
	denied(t, codes.PermissionDenied, "STEP_UP", err)
	c.is("nobody", "Who")
	_, err = c.call("Confirm", "eve")
	require.Error(t, err)
	_, err = c.call("Private", "")
	denied(t, codes.PermissionDenied, "STEP_UP", err)
	_, err = c.call("Confirm", "ada")
	require.NoError(t, err)
	c.is("ada", "Private")
}

// newcomer returns the user, who has something to do first where the ID says so.
func newcomer(id string) loginstage.User {
	user := loginstage.User{ID: id}
	if strings.HasPrefix(id, "new-") {
		user.Required = []string{"terms"}
	}
	return user
}

// A session with required actions is anonymous to public methods, and admitted to those
// for restricted sessions, as it is by the guard of net/http.
func TestRequiredActions(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("new-ada")
	_, err := c.call("Private", "")
	assert.Equal(t, map[string]string{"required": `["terms"]`}, denied(t, codes.PermissionDenied, "REQUIRED", err))
	c.is("nobody", "Who")
	_, err = c.call("Complete", "another")
	require.Error(t, err)
	_, err = c.call("Complete", "terms")
	require.NoError(t, err)
	c.is("new-ada", "Private")
	_, err = c.call("SignOut", "")
	require.NoError(t, err)
}

func TestWhereNobodyKnows(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("ada")
	r.store.Fail(errors.New("the store is down"))
	for _, method := range []string{"Private", "Who"} {
		_, err := c.call(method, "")
		denied(t, codes.Unavailable, "UNAVAILABLE", err)
		assert.NotContains(t, err.Error(), "the store is down")
		assert.Len(t, status.Convert(err).Details(), 2, "when to try again")
	}
	r.store.Repair()
	c.ip = netip.Addr{}
	_, err := c.call("Private", "")
	denied(t, codes.Unavailable, "UNAVAILABLE", err)
	c.ip = bindingtest.Berlin
	c.is("ada", "Private")
}

// What a method asks for besides a session is told to the client.
func TestRequireFreshAndACR(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("ada")
	_, err := c.call("Fresh", "1h")
	require.NoError(t, err)
	_, err = c.call("Fresh", "1ns")
	assert.Equal(t, map[string]string{"max_age": "0"}, denied(t, codes.Unauthenticated, "STALE", err))
	for _, age := range []string{"0s", "-1h"} {
		_, err = c.call("Fresh", age)
		denied(t, codes.Unauthenticated, "STALE", err)
	}
	asked := loginstage.ACRAAL2 + " other"
	_, err = c.call("Strong", asked)
	assert.Equal(t, map[string]string{"acr_values": asked}, denied(t, codes.Unauthenticated, "ACR", err))
	_, err = c.call("Strong", "")
	denied(t, codes.Unauthenticated, "ACR", err)
	_, err = c.call("Reauthenticate", "eve")
	require.Error(t, err)
	who, err := c.call("Reauthenticate", "ada")
	require.NoError(t, err)
	assert.Equal(t, "ada", who)
	_, err = c.call("Strong", asked)
	require.NoError(t, err)
	c.is("ada", "Private")
	assert.Error(t, grpclogin.RequireFresh(t.Context(), r.stage.UserLogin, time.Hour), "no method's context")
}

func TestTwoTokensAreAnonymous(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	c := r.signedIn("ada")
	c.header.Append("authorization", r.signedIn("eve").header.Get("authorization")...)
	c.is("nobody", "Who")
}

func TestStreams(t *testing.T) {
	r := open(t, loginstage.Config{}, nil)
	description := &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true, ClientStreams: true}
	watch := func(c *client) grpc.ClientStream {
		stream, err := r.conn.NewStream(c.context(), description, "/shop.Shop/Watch")
		require.NoError(t, err)
		return stream
	}
	stream := watch(r.signedIn("ada"))
	for _, said := range []string{"one", "two"} {
		require.NoError(t, stream.SendMsg(wrapperspb.String(said)))
		out := new(text)
		require.NoError(t, stream.RecvMsg(out))
		assert.Equal(t, said+" ada", out.Value)
	}
	require.NoError(t, stream.CloseSend())
	require.ErrorIs(t, stream.RecvMsg(new(text)), io.EOF)
	denied(t, codes.Unauthenticated, "SIGN_IN", watch(r.client()).RecvMsg(new(text)))
}

func TestMethodsThatNobodyNamed(t *testing.T) {
	for name, list := range map[string][]string{
		"none": nil, "empty": {""}, "all": {"/"}, "a prefix": {"/shop.Shop"}, "another service": {"/shop.Sho/"}, "another method": {"/shop.Shop/Whos"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) { g.Public = list })
			_, err := r.client().call("Who", "")
			denied(t, codes.Unauthenticated, "SIGN_IN", err)
		})
	}
	r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) { g.Public = []string{"/shop.Shop/"} })
	r.client().is("nobody", "Private")
}

func TestGuardWithoutLogin(t *testing.T) {
	r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) { g.Login = nil })
	_, err := r.client().call("Who", "")
	assert.Equal(t, codes.Internal, status.Code(err))
}

// The host's own denial is what the client gets; one that returns nil denies all the
// same.
func TestDeny(t *testing.T) {
	own := status.Error(codes.PermissionDenied, "no")
	for _, want := range []error{own, nil} {
		r := open(t, loginstage.Config{}, func(g *grpclogin.Guard) {
			g.Deny = func(context.Context, *loginstage.AccessError) error { return want }
		})
		_, err := r.client().call("Private", "")
		if want == nil {
			denied(t, codes.Unauthenticated, "SIGN_IN", err)
		} else {
			assert.Equal(t, codes.PermissionDenied, status.Code(err))
		}
	}
}
