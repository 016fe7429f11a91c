package grpclogin_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
	"github.com/mooring-go/mooring/session"
)

// BenchmarkOpenStreams is what one open stream holds, without a guard, of an anonymous
// caller, and of a session: where its handler waits for its context, and where it waits for
// a message.
func BenchmarkOpenStreams(b *testing.B) {
	const streams = 10_000
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() { _ = login.Watch(ctx) }()
	guard := grpclogin.Guard{Login: login, Public: []string{"/shop.Shop/Public"}}
	for name, handler := range map[string]grpc.StreamHandler{
		"waits for its context": func(_ any, stream grpc.ServerStream) error { <-stream.Context().Done(); return nil },
		"waits for a message":   receiving,
	} {
		none := func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(server, stream)
		}
		for _, by := range []struct {
			name        string
			interceptor grpc.StreamServerInterceptor
			method      string
		}{{"no guard", none, "/shop.Shop/Watch"}, {"anonymous", guard.Stream, "/shop.Shop/Public"}, {"session", guard.Stream, "/shop.Shop/Watch"}} {
			b.Run(by.name+", "+name, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					ctx, cancel := context.WithCancel(b.Context())
					all := make([]*fakeStream, streams)
					for i := range all {
						md := metadata.MD{}
						if by.name == "session" {
							w := httptest.NewRecorder()
							call := loginstage.Call{RemoteAddr: "192.0.2.1:1"}
							if _, err := login.Begin(w, call.Request(ctx), loginstage.User{ID: fmt.Sprint("user ", i)}); err != nil {
								b.Fatal(err)
							}
							md.Set("authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader))
						}
						one := metadata.NewIncomingContext(ctx, md)
						own, over := context.WithCancel(one) // as gRPC's own
						defer over()
						all[i] = &fakeStream{ctx: own, receive: func() error { <-own.Done(); return own.Err() }}
					}
					before, goroutines := held(), runtime.NumGoroutine()
					b.StartTimer()
					var running, opened sync.WaitGroup
					opened.Add(streams)
					for _, stream := range all {
						running.Go(func() {
							_ = by.interceptor(nil, stream, &grpc.StreamServerInfo{FullMethod: by.method}, func(server any, s grpc.ServerStream) error {
								opened.Done()
								return handler(server, s)
							})
						})
					}
					opened.Wait()
					b.StopTimer()
					runtime.Gosched()
					b.ReportMetric(float64(held()-before)/streams, "B/stream")
					b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/streams, "goroutines/stream")
					cancel()
					running.Wait()
					b.StartTimer()
				}
			})
		}
	}
}

// held returns how many bytes of heap and stacks are in use.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkReceive is one message of a stream, without a guard and with one: what the
// goroutine costs that waits for it.
func BenchmarkReceive(b *testing.B) {
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	call := loginstage.Call{RemoteAddr: "192.0.2.1:1"}
	if _, err := login.Begin(w, call.Request(b.Context()), loginstage.User{ID: "ada"}); err != nil {
		b.Fatal(err)
	}
	stream := &fakeStream{
		ctx:     metadata.NewIncomingContext(b.Context(), metadata.Pairs("authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader))),
		receive: func() error { return nil },
	}
	b.Run("no guard", func(b *testing.B) {
		b.ReportAllocs()
		in := new(text)
		for b.Loop() {
			_ = stream.RecvMsg(in)
		}
	})
	b.Run("session", func(b *testing.B) {
		b.ReportAllocs()
		in := new(text)
		err := stream.through(grpclogin.Guard{Login: login}, func(_ any, s grpc.ServerStream) error {
			for b.Loop() {
				_ = s.RecvMsg(in)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}
