package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

const (
	ticketTime   = 30 * time.Second // how long a ticket works
	ticketPrefix = "ticket."        // of the subprotocol that is a ticket
)

// tickets open WebSockets for clients with a bearer token that can send no header with
// the handshake: the WebSocket of a browser, or of many a library. Such a client asks for
// a ticket with its token, and sends that as a subprotocol (RFC 6455, section 1.9), which
// is the one thing that it can choose beside the URL.
//
// Attacker: a token in a URL is in the logs of every proxy, and works until the session
// ends. A ticket is in no URL, works once in all processes that share the store and the
// key, for half a minute, and for one path. Who has the key has what is in tickets alone.
//
// It is safe for concurrent use.
type tickets struct {
	aead  cipher.AEAD
	login *loginstage.UserLogin
	used  *session.Manager // remembers which tickets were
}

// newTickets returns tickets that are sealed with the key of 32 bytes, and remembered in
// the store when they were used.
func newTickets(key []byte, login *loginstage.UserLogin, store session.Store) (*tickets, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("key of %d bytes: want 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	used, err := session.NewManager(session.Config{Store: store})
	return &tickets{aead, login, used}, err
}

// issue returns the handler by which a client that is signed in gets a ticket for the
// path. It stands behind Require. A browser with a cookie needs none.
func (t *tickets) issue(path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := session.Bearer{}.Read(r)
		if err != nil || token.IsZero() {
			http.Error(w, "a ticket is for clients with a bearer token", http.StatusForbidden)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(t.seal(token, path, t.used.Now(r.Context()).Add(ticketTime)))) // the client may be gone
	})
}

// redeem returns a handler for the path: next gets the handshakes that bring a ticket, in
// the session that it was issued in, and all others are handled by otherwise. The guard
// holds the session to its limits and its binding as it does that of any request. One
// that has a device key has to prove it, which takes a header: it cannot use a ticket.
func (t *tickets) redeem(path string, next, otherwise http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := ticketOf(r)
		if !ok {
			otherwise.ServeHTTP(w, r)
			return
		}
		now := t.used.Now(r.Context())
		token, ends, err := t.open(text, path)
		if err == nil && !now.Before(ends) {
			err = errTicket
		}
		if err == nil {
			err = t.used.Once(r.Context(), token.ID().String(), text, ends.Sub(now)+time.Minute)
		}
		switch {
		case errors.Is(err, errTicket), errors.Is(err, session.ErrExists):
			http.Error(w, "the ticket was used, or is too old: get another", http.StatusUnauthorized)
			return
		case err != nil:
			log.Print(err)
			http.Error(w, "try again in a moment", http.StatusServiceUnavailable)
			return
		}
		ctx, err := t.login.Authenticate(r.Context(), loginstage.Call{
			Path: path, Header: r.Header, RemoteAddr: r.RemoteAddr, Host: r.Host, TLS: r.TLS, Token: token,
		})
		if denied, ok := errors.AsType[*loginstage.AccessError](err); ok {
			denied.Respond(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// errTicket reports what is no ticket, or not for the path.
var errTicket = errors.New("no ticket")

// seal returns a ticket of the token, for the path.
func (t *tickets) seal(token session.Token, path string, ends time.Time) string {
	text := append(binary.BigEndian.AppendUint64(nil, uint64(ends.UnixMilli())), token.Secret()...)
	return base64.RawURLEncoding.EncodeToString(t.aead.Seal(nil, nil, text, []byte("ticket for "+path)))
}

// open returns the token that a ticket for the path is of, and until when it works, or
// errTicket.
func (t *tickets) open(ticket, path string) (token session.Token, ends time.Time, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil {
		return session.Token{}, time.Time{}, errTicket
	}
	text, err := t.aead.Open(nil, nil, sealed, []byte("ticket for "+path))
	if err != nil || len(text) < 8 {
		return session.Token{}, time.Time{}, errTicket
	}
	token, err = session.ParseToken(string(text[8:]))
	if err != nil {
		return session.Token{}, time.Time{}, errTicket
	}
	return token, time.UnixMilli(int64(binary.BigEndian.Uint64(text))), nil
}

// ticketOf returns the ticket among the subprotocols that r offers, and false if there is
// none.
func ticketOf(r *http.Request) (ticket string, ok bool) {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(line, ",") {
			if ticket, ok := strings.CutPrefix(strings.TrimSpace(offered), ticketPrefix); ok {
				return ticket, true
			}
		}
	}
	return "", false
}
