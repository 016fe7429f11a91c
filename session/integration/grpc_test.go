package integration

import (
	"context"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A process is a server of gRPC with a stage and a store of its own.
type process struct {
	*loginstage.UserLogin
	client healthpb.HealthClient
}

// serve begins a process on the store.
func serve(t *testing.T, store session.Store) process {
	t.Helper()
	login, err := loginstage.New(loginstage.Config{Store: store, Carrier: session.Bearer{}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	watched := make(chan error, 1)
	go func() { watched <- login.Watch(ctx) }()
	guard := grpclogin.Guard{Login: login}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		assert.NoError(t, <-served)
		cancel()
		assert.ErrorIs(t, <-watched, context.Canceled)
	})
	return process{login, healthpb.NewHealthClient(conn)}
}

// stream signs the user in and opens a stream.
func (p process) stream(t *testing.T, user string) (stream healthpb.Health_WatchClient, id session.ID) {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := p.Begin(w, loginstage.Call{RemoteAddr: "192.0.2.1:1"}.Request(t.Context()), loginstage.User{ID: user})
	require.NoError(t, err)
	token, err := session.ParseToken(w.Header().Get(session.DefaultTokenHeader))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stream, err = p.client.Watch(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.Secret()), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	return stream, token.ID()
}

// eachPair runs the test on each store by which two processes can hear of each other.
func eachPair(t *testing.T, test func(t *testing.T, here, there session.Store)) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("one process uses it")
		}
		t.Parallel()
		here, table := e.store(t, e.open(t))
		test(t, here, e.over(t, e.open(t), table))
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		here, _, prefix := inRedisAs(t, &redis.Options{Addr: redisAddr()})
		client := redis.NewClient(&redis.Options{Addr: redisAddr(), ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = client.Close() })
		there, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
		require.NoError(t, err)
		test(t, here, there)
	})
}

// A stream of gRPC in one process ends when its session is ended or restricted in
// another one, and no other stream does.
func TestStreamsEndFromAnotherProcess(t *testing.T) {
	eachPair(t, func(t *testing.T, here, there session.Store) {
		server, operator := serve(t, here), serve(t, there)
		for _, end := range []struct {
			name string
			do   func(id session.ID) error
			code codes.Code
		}{
			{"revoked", func(session.ID) error {
				_, err := operator.RevokeUser(t.Context(), "ada", "operator")
				return err
			}, codes.Unauthenticated},
			{"restricted", func(id session.ID) error {
				s, err := there.Get(t.Context(), id)
				if err != nil {
					return err
				}
				seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Restricted: binding.GeoIPCityChanged}}
				return there.Touch(t.Context(), id, seen)
			}, codes.PermissionDenied},
			{"required", func(id session.ID) error {
				s, err := there.Get(t.Context(), id)
				if err != nil {
					return err
				}
				_, err = there.Update(t.Context(), id, session.Update{Version: s.Version, Require: []string{"terms"}})
				return err
			}, codes.PermissionDenied},
		} {
			stream, id := server.stream(t, "ada")
			other, otherID := server.stream(t, "bob")
			require.NoError(t, end.do(id), end.name)
			_, err := stream.Recv()
			require.Equal(t, end.code, status.Code(err), "%s: %v", end.name, err)
			err = operator.Revoke(t.Context(), "bob", otherID, "operator")
			require.NoError(t, err)
			_, err = other.Recv()
			require.Equal(t, codes.Unauthenticated, status.Code(err), "%s: %v", end.name, err)
			require.Contains(t, status.Convert(err).Message(), "has ended")
		}
	})
}

// Where the store cannot be heard for half a minute the client is told to try again: no
// stream outlives its session unheard.
func TestStreamsOfAProcessThatIsCutOff(t *testing.T) {
	if !long() {
		t.Skip("takes half a minute; make long")
	}
	eachWatched(t, func(t *testing.T, through, _ session.Store, p *proxy) {
		server := serve(t, through)
		stream, _ := server.stream(t, "ada")
		p.set(true)
		began := time.Now()
		_, err := stream.Recv()
		require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
		assert.WithinDuration(t, began.Add(30*time.Second), time.Now(), 10*time.Second)
		p.set(false)
	})
}
