package grpclogin_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
	"github.com/mooring-go/mooring/session"
)

func Example() {
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := grpclogin.Guard{Login: login, Public: []string{"/grpc.health.v1.Health/Check"}}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener := bufconn.Listen(1 << 16) // a host listens on TCP, with TLS
	go server.Serve(listener)
	defer server.Stop()

	conn, err := grpc.NewClient("passthrough:local", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	client := healthpb.NewHealthClient(conn)
	answer, err := client.Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	_, err = client.List(context.Background(), &healthpb.HealthListRequest{})
	fmt.Println(status.Code(err), status.Convert(err).Message())
	// Output:
	// SERVING <nil>
	// Unauthenticated Sign in to use this.
}

// A stream ends when an operator revokes its session, in this process or another one.
func ExampleGuard_Stream() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	go login.Watch(ctx) // without it no stream stays open
	guard := grpclogin.Guard{Login: login}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(guard.Unary), grpc.ChainStreamInterceptor(guard.Stream))
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener := bufconn.Listen(1 << 16) // a host listens on TCP, with TLS
	go server.Serve(listener)
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:local", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	// The client has a token: a method of the host's would call grpclogin.Begin.
	answer := httptest.NewRecorder()
	if _, err := login.Begin(answer, loginstage.Call{}.Request(ctx), loginstage.User{ID: "ada"}); err != nil {
		fmt.Println(err)
		return
	}
	token := answer.Header().Get(session.DefaultTokenHeader)
	stream, err := healthpb.NewHealthClient(conn).Watch(
		metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), &healthpb.HealthCheckRequest{})
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := stream.Recv()
	fmt.Println(said.GetStatus(), err)
	if _, err := login.RevokeUser(ctx, "ada", "operator"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = stream.Recv() // this waits until the stream ends
	fmt.Println(status.Code(err), status.Convert(err).Message())
	// Output:
	// SERVING <nil>
	// Unauthenticated The session has ended. Sign in again.
}
