package grpclogin

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mooring-go/mooring/loginstage"
)

// callOf returns what is known of the call of ctx.
func callOf(ctx context.Context, method string) loginstage.Call {
	call := loginstage.Call{Path: method, Header: http.Header{}}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		switch {
		case name == ":authority" && len(values) == 1:
			call.Host = values[0]
		case strings.HasPrefix(name, ":") || strings.HasSuffix(name, "-bin"): // no header, or no text
		default:
			for _, value := range values {
				call.Header.Add(name, value)
			}
		}
	}
	if from, ok := peer.FromContext(ctx); ok {
		if from.Addr != nil {
			call.RemoteAddr = from.Addr.String()
		}
		if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			call.TLS = &secured.State
		}
	}
	return call
}
