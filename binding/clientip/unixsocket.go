package clientip

import (
	"net"
	"net/http"
	"strings"
)

// isUnixPeer reports whether the peer of r connected through a Unix domain socket,
// going by the address that the server listens at, which nobody else can write.
// A request that no [http.Server] made has none; its peer is told by RemoteAddr,
// which is empty or "@" for a client's end of a Unix socket.
func isUnixPeer(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return strings.HasPrefix(local.Network(), "unix")
	}
	return r.RemoteAddr == "@" || r.RemoteAddr == ""
}
