package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/mooring-go/mooring/loginstage"
)

// writeTime is how long a slow reader may take for a message.
const writeTime = 10 * time.Second

// protocol is the subprotocol of the WebSocket. A client that offers a ticket offers it
// too: the server has to answer with one of those that were offered, and does not repeat
// the ticket.
const protocol = "clock"

// clock returns the handler of the WebSocket. Accept refuses pages of another origin,
// whose requests would have the browser's cookie too.
func clock(login *loginstage.UserLogin, interval time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		live := login.Live(r) // ends with the session
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}})
		if err != nil {
			log.Print(err) // the client was answered
			return
		}
		defer func() { _ = conn.CloseNow() }()
		// The client says nothing. That it has gone ends open; the session's end does
		// not, so that there is time to tell the client of it.
		open := conn.CloseRead(context.WithoutCancel(r.Context()))
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-open.Done():
				return
			case <-live.Done():
				_ = conn.Close(websocket.StatusPolicyViolation, "the session is over")
				return
			case now := <-tick.C:
				ctx, cancel := context.WithTimeout(open, writeTime)
				err := conn.Write(ctx, websocket.MessageText, []byte(now.Format(time.TimeOnly)))
				cancel()
				if err != nil {
					return
				}
			}
		}
	})
}
